"""Make one augmented clip again, from its source and its artifact's policy."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import CLEAN, Clip, encode_wav
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import CLIP_ID_KEY, text_of
from tfx_audio.components.audio.splits import SPLIT_PREFIX
from tfx_audio.components.audio_augmenter.provenance import (
    COLUMNS_FACT,
    POLICY_FILE,
    PROVENANCE_FILE,
)
from tfx_audio.components.audio_augmenter.user_records import ContractRecords, user_records
from tfx_audio.components.open_files import read_record_file
from tfx_audio.pipeline.clips.prepared_banks import prepared_banks

_COMPARED = (
    "clip_id",
    "source_clip_id",
    "label",
    "group",
    "copy_index",
    "condition",
    "augmentation",
)


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


def replay(
    augmented: Path, examples: Path, clip_id: str, which: int | str, sound_banks: Mapping[str, str]
) -> Replayed:
    """Make one copy, or one condition, again.

    Args:
      augmented: Folder of the artifact ``augmented_examples``.
      examples: Folder of the examples that it was made from.
      clip_id: Id of the source, not of the copy.
      which: Number of the copy, from 1, or the name of a robustness condition.
      sound_banks: Folders by name.

    Raises:
      InvalidInput: If policy, source or sound banks can't be found, or the copy can't be made.
    """
    policy = read_policy(augmented)
    source = _source(examples, clip_id, records_of(augmented))
    with prepared_banks(policy, sound_banks, source.sample_rate) as banks:
        try:
            clip = make_again(Augmenter(policy, banks.folders), source, which)
        except AugmentationFailed as error:
            raise InvalidInput(
                f"this copy can't be made, now as then (see the rejected table): {error}"
            ) from error
    wav = encode_wav(clip.waveform, clip.sample_rate)
    return Replayed(clip, wav, _compare(augmented, clip))


def make_again(augmenter: Augmenter, source: Clip, which: int | str) -> Clip:
    """Return a copy of a clip by its number, or the clip under a condition by its name."""
    if isinstance(which, int):
        return augmenter.augment(source, which)
    return augmenter.condition(source, which)


def read_policy(folder: Path, argument: str = "--augmented") -> AugmentationPolicy:
    """Return the policy of an artifact; raises InvalidInput where there is none."""
    path = folder / POLICY_FILE
    if not path.is_file():
        raise InvalidInput(f"{argument}: expected a folder with {POLICY_FILE}, got {folder}")
    return AugmentationPolicy.from_json(path.read_text(encoding="utf-8"), str(path))


def _source(folder: Path, clip_id: str, records: ContractRecords) -> Clip:
    """Find an original by its id."""
    wanted = clip_id.encode()
    if not any(all_records(folder, "--examples")):
        raise InvalidInput(
            f"--examples: {folder} holds no TFRecords: expected AudioExampleGen's examples, or "
            "what `tfx-audio augment` wrote where it kept the originals (--augmented's own folder)"
        )
    others: list[str] = []
    for record in all_records(folder, "--examples"):
        stated = text_of(record, CLIP_ID_KEY)  # the user's own records may state none
        if wanted in record or not stated:
            with contextlib.suppress(ValueError):
                clip = records.read(record)
                if clip.clip_id == clip_id and not clip.copy_index and clip.condition == CLEAN:
                    return clip
        elif len(others) < 5000:
            others.append(stated)
    source, tilde, number = clip_id.rpartition("~")
    if tilde and number.isdigit():
        hint = f" That is the id of a copy: --clip-id {source} --copy {number}."
    else:
        hint = did_you_mean(clip_id, others)
    raise InvalidInput(f"--clip-id: no original '{clip_id}' in {folder}.{hint}")


def _compare(folder: Path, clip: Clip) -> str:
    """Compare with the stored copy: its audio, and what it says was applied."""
    wanted, read = clip.clip_id.encode(), records_of(folder).read
    for record in all_records(folder, "--augmented"):
        if wanted in record and (stored := read(record)).clip_id == clip.clip_id:
            return "identical" if is_same(clip, stored) else "different"
    return "not stored"


def is_same(made: Clip, stored: Clip) -> bool:
    """Return whether a clip made again has the stored one's audio, label, origin and parameters."""
    audio = [encode_wav(clip.waveform, clip.sample_rate) for clip in (made, stored)]
    return audio[0] == audio[1] and all(
        getattr(made, name) == getattr(stored, name) for name in _COMPARED
    )


def records_of(folder: Path) -> ContractRecords:
    """Return how an artifact's records, and those it was made from, are read."""
    try:
        facts = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = {}
    return user_records(facts.get(COLUMNS_FACT, ""))


def all_records(folder: Path, argument: str) -> Iterator[bytes]:
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
