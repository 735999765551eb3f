"""Check augmented examples: against their Merkle roots, and some copies by making them again."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import CLEAN, Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import SOURCE_CLIP_ID_KEY, text_of
from tfx_audio.components.audio.splits import SPLIT_PREFIX
from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf
from tfx_audio.components.audio_augmenter.provenance import PROVENANCE_FILE, RECORDS_FACT
from tfx_audio.components.open_files import read_record_files
from tfx_audio.pipeline.clips.prepared_banks import prepared_banks
from tfx_audio.pipeline.clips.replay import (
    all_records,
    is_same,
    make_again,
    read_policy,
    records_of,
)


@dataclass
class Verified:
    """What came out: records read, copies made again, without an original or differing, and why."""

    records: int = 0
    replayed: int = 0
    without_source: int = 0
    differing: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    artifact: Path, examples: Path | None, share: float, sound_banks: Mapping[str, str]
) -> Verified:
    """Compare the records with their roots; make a random share of the copies again.

    Args:
      artifact: Folder of augmented examples.
      examples: Folder of the examples they were made from; None: the originals kept beside them.
      share: Of the copies and the clips under conditions, from 0 to 1.
      sound_banks: Folders by name.

    Raises:
      InvalidInput: If the folder has no roots, or policy, banks or sources can't be read.
    """
    path = artifact / PROVENANCE_FILE
    try:
        roots = json.loads(path.read_text(encoding="utf-8"))[RECORDS_FACT]
        stated = {split: (one["records"], one["root"]) for split, one in roots.items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise InvalidInput(f"{path}: expected the roots of records in it ({error!r})") from error
    result, chosen = Verified(), list[bytes]()
    folders = artifact.glob(f"{SPLIT_PREFIX}*")
    for split in sorted({*stated, *(one.name.removeprefix(SPLIT_PREFIX) for one in folders)}):
        records = _read(str(artifact / f"{SPLIT_PREFIX}{split}"), share, chosen)
        try:
            found = describe_leaves(map(leaf, records))
        except (ValueError, OSError) as error:
            result.problems.append(f"{split}: damaged: {error}")
            continue
        result.records += found["records"]
        written = stated.get(split, (0, ""))
        if (found["records"], found["root"]) != written:
            counts = f"{found['records']} records, {written[0]} were written"
            result.problems.append(f"{split}: another root than was written ({counts})")
    read = records_of(artifact).read
    try:
        clips = [] if result.problems else [clip for clip in map(read, chosen) if _is_made(clip)]
    except ValueError as error:
        result.problems.append(f"a record that is no clip: {error}")
        return result
    if clips:
        _replay(result, clips, _sources(clips, examples or artifact, read), artifact, sound_banks)
    if examples and result.without_source:
        result.problems.append(f"{result.without_source} copies have no original in {examples}")
    return result


def _read(folder: str, share: float, chosen: list[bytes]) -> Iterator[bytes]:
    """Yield a split's records, and keep a random share; nobody can know before which."""
    generator = random.SystemRandom()
    for record in read_record_files(folder):
        if generator.random() < share:
            chosen.append(record)
        yield record


def _is_made(clip: Clip) -> bool:
    return bool(clip.copy_index) or clip.condition != CLEAN


def _sources(clips: list[Clip], folder: Path, read: Callable[[bytes], Clip]) -> dict[str, Clip]:
    """Return the originals by id, or what stands for them under the condition `clean`."""
    wanted = {clip.source_clip_id for clip in clips}
    ids = {"", *wanted}  # records of others say no source: they are looked at
    records = all_records(folder, "the originals")
    found = (read(r) for r in records if text_of(r, SOURCE_CLIP_ID_KEY) in ids)
    try:
        originals = [c for c in found if c.source_clip_id in wanted and not _is_made(c)]
    except ValueError as error:
        raise InvalidInput(f"the originals: {folder}: {error}") from error
    return {clip.source_clip_id: clip for clip in originals}


def _replay(
    result: Verified,
    clips: list[Clip],
    sources: Mapping[str, Clip],
    artifact: Path,
    sound_banks: Mapping[str, str],
) -> None:
    policy = read_policy(artifact, "ARTIFACT")
    with prepared_banks(policy, sound_banks, clips[0].sample_rate) as banks:
        augmenter = Augmenter(policy, banks.folders)
        for clip in clips:
            if clip.source_clip_id not in sources:
                result.without_source += 1
                continue
            result.replayed += 1
            source = sources[clip.source_clip_id].replace(clip_id=clip.source_clip_id)
            try:
                again = make_again(augmenter, source, clip.copy_index or clip.condition)
            except (AugmentationFailed, InvalidInput) as error:
                result.problems.append(f"{clip.clip_id}: can't be made again: {error}")
                continue
            if not is_same(again, clip):
                result.differing += 1
                result.problems.append(f"{clip.clip_id}: made again, it is another clip")
