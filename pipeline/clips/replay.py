"""Make one augmented clip again, from its source and its artifact's policy."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import CLEAN, Clip, encode_wav
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records import examples as keys
from tfx_audio.components.audio.splits import SPLIT_PREFIX
from tfx_audio.components.audio_augmenter.provenance import POLICY_FILE, PROVENANCE_FILE
from tfx_audio.components.open_files import read_record_file
from tfx_audio.pipeline.clips.prepared_banks import prepared_banks


@dataclass(frozen=True)
class ReplayRequest:
    """What is made again.

    Attributes:
      augmented: Folder of the artifact ``augmented_examples``.
      examples: Folder of the examples that it was made from.
      clip_id: Id of the source, not of the copy.
      copy_index: Number of the copy, from 1; None for a condition.
      condition: A robustness condition; None for a copy.
      sound_banks: Folders by name.
    """

    augmented: Path
    examples: Path
    clip_id: str
    copy_index: int | None = None
    condition: str | None = None
    sound_banks: Mapping[str, str] = field(default_factory=dict)


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


def replay(request: ReplayRequest) -> Replayed:
    """Make one copy, or one condition, again.

    Raises:
      InvalidInput: If policy, source or sound banks can't be found, or the copy can't be made.
    """
    policy = _policy(request.augmented)
    source = _source(request.examples, request.clip_id)
    with prepared_banks(policy, request.sound_banks, source.sample_rate) as banks:
        augmenter = Augmenter(policy, banks.folders)
        try:
            if request.condition is not None:
                clip = augmenter.condition(source, request.condition)
            else:
                clip = augmenter.augment(source, request.copy_index or 1)
        except AugmentationFailed as error:
            raise InvalidInput(
                f"this copy can't be made, now as then (see the rejected table): {error}"
            ) from error
    wav = encode_wav(clip.waveform, clip.sample_rate)
    return Replayed(clip, wav, _compare(request.augmented, clip, wav))


def _policy(folder: Path) -> AugmentationPolicy:
    path = folder / POLICY_FILE
    if not path.is_file():
        raise InvalidInput(f"--augmented: expected a folder with {POLICY_FILE}, got {folder}")
    return AugmentationPolicy.from_json(path.read_text(encoding="utf-8"), str(path))


def _source(folder: Path, clip_id: str) -> Clip:
    """Find an original by its id."""
    wanted = clip_id.encode()
    if not any(_records(folder, "--examples")):
        raise InvalidInput(
            f"--examples: {folder} holds no TFRecords: expected AudioExampleGen's examples, or "
            "what `tfx-audio augment` wrote where it kept the originals (--augmented's own folder)"
        )
    others: list[str] = []
    for record in _records(folder, "--examples"):
        if wanted in record:
            clip = keys.example_to_clip(record)
            is_original = clip.copy_index == 0 and clip.condition == CLEAN
            if clip.clip_id == clip_id and is_original:
                return clip
        elif len(others) < 5000:
            others.append(keys.parse_features(record)[keys.CLIP_ID_KEY][0].decode())
    source, tilde, number = clip_id.rpartition("~")
    if tilde and number.isdigit():
        hint = f" That is the id of a copy: --clip-id {source} --copy {number}."
    else:
        hint = did_you_mean(clip_id, others)
    raise InvalidInput(f"--clip-id: no original '{clip_id}' in {folder}.{hint}")


def _compare(folder: Path, clip: Clip, wav: bytes) -> str:
    """Compare with the stored copy: its audio, and what it says was applied."""
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
    if not folder.is_dir():
        raise InvalidInput(f"{argument}: there is no folder {folder}")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if not ("tfrecord" in path.name or path.parent.name.startswith(SPLIT_PREFIX)):
            continue
        try:
            yield from read_record_file(str(path))
        except ValueError as error:
            raise InvalidInput(f"{argument}: {error}") from error


def explain_difference(folder: Path) -> str:
    """Name the libraries whose versions differ from those that made the artifact."""
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
