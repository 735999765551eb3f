"""`tfx-audio replay`: make one augmented clip again, from its source and its artifact's policy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfx_audio.pipeline.commands.arguments import add_sound_banks

if TYPE_CHECKING:
    from pathlib import Path

    from tfx_audio.components.audio.clip import Clip
    from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy

HELP = "make one augmented clip again, bit for bit, from its source and the artifact's policy"
POLICY_FILE, PROVENANCE_FILE = "policy.json", "provenance.json"
_GZIP_MAGIC = b"\x1f\x8b"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--augmented", metavar="DIR", required=True, help="folder of the augmented_examples"
    )
    parser.add_argument(
        "--examples", metavar="DIR", required=True, help="folder of the examples it was made from"
    )
    parser.add_argument(
        "--clip-id", metavar="ID", required=True, help="clip id of the source, not of the copy"
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--copy", metavar="N", type=int, help="number of the copy, from 1")
    which.add_argument("--condition", metavar="NAME", help="a robustness condition instead")
    parser.add_argument("--out", metavar="FILE", required=True, help="the WAV file to write")
    add_sound_banks(parser)


@dataclass(frozen=True)
class Replayed:
    """What came out.

    Attributes:
      clip: The clip made again.
      wav: Its bytes, as they would be stored.
      verdict: ``identical``, ``different`` or ``not stored`` against the stored copy.
    """

    clip: Clip
    wav: bytes
    verdict: str


def run(args: argparse.Namespace) -> int:
    """Make the clip, compare it with the stored one if there is one, write it."""
    import hashlib
    from pathlib import Path

    from tfx_audio.components.audio.errors import InvalidInput

    if args.copy is not None and args.copy < 1:
        raise InvalidInput(f"--copy counts from 1, got {args.copy}")
    replayed = replay(args)
    out = Path(args.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(replayed.wav)
    except OSError as error:
        raise InvalidInput(f"--out: {args.out} can't be written: {error.strerror}") from error
    print(f"{out}: {replayed.clip.clip_id}, {replayed.clip.duration_s:.3f} s, "
          f"sha256 {hashlib.sha256(replayed.wav).hexdigest()}")  # fmt: skip
    print(f"  {replayed.clip.augmentation}")
    if replayed.verdict == "different":
        print(f"  DIFFERENT from the stored copy. {_explain(Path(args.augmented))}")
        return 1
    print({
        "identical": "  identical to the stored copy",
        "not stored": "  the artifact holds no such copy to compare with",
    }[replayed.verdict])  # fmt: skip
    return 0


def replay(args: argparse.Namespace) -> Replayed:
    """Make one copy, or one condition, again.

    Raises:
      InvalidInput: If policy, source or sound banks can't be found, or the copy can't be made.
    """
    from pathlib import Path

    from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
    from tfx_audio.components.audio.clip import encode_wav
    from tfx_audio.components.audio.errors import InvalidInput

    policy = _policy(Path(args.augmented))
    source = _source(Path(args.examples), args.clip_id)
    with _banks(policy, args.sound_bank, source.sample_rate) as banks:
        augmenter = Augmenter(policy, banks.folders)
        try:
            if args.condition is not None:
                clip = augmenter.condition(source, args.condition)
            else:
                clip = augmenter.augment(source, args.copy)
        except AugmentationFailed as error:
            raise InvalidInput(
                f"this copy can't be made, now as then (see the rejected table): {error}"
            ) from error
    wav = encode_wav(clip.waveform, clip.sample_rate)
    return Replayed(clip, wav, _compare(Path(args.augmented), clip, wav))


def _policy(folder: Path) -> AugmentationPolicy:
    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy

    path = folder / POLICY_FILE
    if not path.is_file():
        raise InvalidInput(f"--augmented: expected a folder with {POLICY_FILE}, got {folder}")
    return AugmentationPolicy.from_json(path.read_text(encoding="utf-8"), str(path))


def _banks(policy: AugmentationPolicy, pairs: list[str], sample_rate: int) -> Any:
    """Return a context that yields the policy's banks."""
    from tfx_audio.pipeline.clips.prepared_banks import prepared_banks
    from tfx_audio.pipeline.commands.arguments import parse_banks

    return prepared_banks(policy, parse_banks(pairs), sample_rate)


def _source(folder: Path, clip_id: str) -> Clip:
    """Find an original by its id."""
    from tfx_audio.components.audio.clip import CLEAN
    from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
    from tfx_audio.components.audio.records.examples import (
        CLIP_ID_KEY,
        example_to_clip,
        parse_features,
    )

    wanted = clip_id.encode()
    if not any(_records(folder, "--examples")):
        raise InvalidInput(
            f"--examples: {folder} holds no TFRecords: expected AudioExampleGen's examples, or "
            "what `tfx-audio augment` wrote where it kept the originals (--augmented's own folder)"
        )
    others: list[str] = []
    for record in _records(folder, "--examples"):
        if wanted in record:
            clip = example_to_clip(record)
            is_original = clip.copy_index == 0 and clip.condition == CLEAN
            if clip.clip_id == clip_id and is_original:
                return clip
        elif len(others) < 5000:
            others.append(parse_features(record)[CLIP_ID_KEY][0].decode())
    source, tilde, number = clip_id.rpartition("~")
    if tilde and number.isdigit():
        hint = f" That is the id of a copy: --clip-id {source} --copy {number}."
    else:
        hint = did_you_mean(clip_id, others)
    raise InvalidInput(f"--clip-id: no original '{clip_id}' in {folder}.{hint}")


def _compare(folder: Path, clip: Clip, wav: bytes) -> str:
    """Compare with the stored copy: its audio, and what it says was applied."""
    from tfx_audio.components.audio.records import examples as keys

    wanted = clip.source_clip_id.encode()
    for record in _records(folder, "--augmented"):
        if wanted not in record:
            continue
        features = keys.parse_features(record)
        stored = tuple(
            features[key][0] if features.get(key) else None
            for key in (keys.SOURCE_CLIP_ID_KEY, keys.COPY_INDEX_KEY, keys.CONDITION_KEY)
        )
        if stored != (wanted, clip.copy_index, clip.condition.encode()):
            continue
        if clip.copy_index == 0 and features[keys.CLIP_ID_KEY] != [clip.clip_id.encode()]:
            continue  # the kept original
        audio = features.get(keys.AUDIO_KEY) or [b""]
        if not audio[0]:
            return "not stored"
        same_record = features[keys.AUGMENTATION_KEY] == [clip.augmentation.encode()]
        return "identical" if audio[0] == wav and same_record else "different"
    return "not stored"


def _records(folder: Path, argument: str) -> Iterator[bytes]:
    """Yield all records below a folder: ``Split-*/`` of an artifact, or any TFRecord file."""
    import gzip

    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.components.audio.records.tfrecord import read_records

    if not folder.is_dir():
        raise InvalidInput(f"{argument}: there is no folder {folder}")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if not ("tfrecord" in path.name or path.parent.name.startswith("Split-")):
            continue
        with path.open("rb") as probe:
            compressed = probe.read(2) == _GZIP_MAGIC
        with gzip.open(path) if compressed else path.open("rb") as file:
            try:
                yield from read_records(file)  # type: ignore[arg-type]
            except ValueError as error:
                raise InvalidInput(f"{argument}: {path}: {error}") from error


def _explain(folder: Path) -> str:
    """Name the libraries whose versions differ from those that made the artifact."""
    import json
    from importlib import metadata

    try:
        made = json.loads((folder / PROVENANCE_FILE).read_text())["library_versions"]
    except (OSError, ValueError, KeyError, TypeError):
        return "The artifact does not say which library versions made it."
    differing = []
    for name, version in sorted(made.items()):
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if here != version:
            differing.append(f"{name} {version} then, {here} now")
    if differing:
        return f"Other library versions: {'; '.join(differing)}."
    return "The library versions are the same: is it the same source, and the same CPU type?"
