"""What `tfx-audio augment` is given: TFRecords of the data contract, or a folder of audio."""

from __future__ import annotations

import collections
import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import SPLIT_PREFIX, TRAIN
from tfx_audio.components.audio_augmenter.spans import count_records, match_files, plan_spans
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.transforms import REJECTED, read_clips
from tfx_audio.components.code_digest import import_closure_digest
from tfx_audio.components.open_files import file_state, read_record_file
from tfx_audio.pipeline.clips.sound_folder import list_sounds

_CLIPS, _REJECTED = "clips", "rejected"


def record_patterns(data: str) -> dict[str, list[str]] | None:
    """Return file patterns by split if `data` is TFRecords, None if it is a folder or audio file.

    Raises:
      InvalidInput: If there is nothing.
    """
    if os.path.isdir(data):
        splits = [s for s in sorted(Path(data).glob(f"{SPLIT_PREFIX}*")) if s.is_dir()]
        if splits:
            return {s.name.removeprefix(SPLIT_PREFIX): [_files_in(s)] for s in splits}
        first = next((p for p in sorted(Path(data).iterdir()) if p.is_file()), None)
        return {TRAIN: [_files_in(data)]} if first and _is_records(first) else None
    if os.path.isfile(data):
        return {TRAIN: [glob.escape(data)]} if _is_records(Path(data)) else None
    try:
        first = Path(match_files([data])[0][0])
    except ValueError as error:  # Beam's own, too, where it lacks a file system's packages
        raise InvalidInput(f"--data: there is no folder and no file {data!r}: {error}") from None
    return {TRAIN: [data]} if _is_records(first) else None


def ingest_audio(
    source: IngestConfig, folder: Path, check_rate: Callable[[int], None] = lambda rate: None
) -> tuple[dict[str, list[str]], list[Rejection]]:
    """Read a folder of audio as the pipeline does, and write its clips as examples.

    Everything is `train` unless folders, tables or a layout say the splits, one of them train.

    Args:
      source: Where the audio lies.
      folder: Where examples are written; those of a run that was killed are used again if
        nothing has changed.
      check_rate: Raises InvalidInput where clips of this sample rate are no use.

    Returns:
      File patterns by split, and what could not be used.

    Raises:
      InvalidInput: If there is no audio, or none that can be used for training.
    """
    sounds = list_sounds(source)
    recordings, left_out, _ = sounds
    clip_format = sounds.clip_format()
    check_rate(clip_format.sample_rate)
    ingested = folder / f"ingested-{_digest(recordings, clip_format)}"
    for other in folder.glob("ingest*"):
        if other != ingested:  # cut off, or of files that have changed
            shutil.rmtree(other)
    if not ingested.is_dir():
        unfinished = folder / "ingesting"
        _write_clips(recordings, clip_format, unfinished)
        unfinished.rename(ingested)
    splits = sorted(ingested.glob(f"{SPLIT_PREFIX}*"))
    patterns = {split.name.removeprefix(SPLIT_PREFIX): [_files_in(split)] for split in splits}
    lines = (ingested / _REJECTED).read_text().splitlines()
    rejections = left_out + [Rejection.from_json(line) for line in lines]
    if not count_records(plan_spans(patterns.get(TRAIN, []))):
        why = f": {rejections[0].detail}" if rejections else ""
        raise InvalidInput(f"--data: no clip of {source.path} can be augmented{why}")
    return patterns, rejections


def _digest(recordings: Sequence[Recording], clip_format: ClipFormat) -> str:
    """Return a digest of what is ingested: of the files as the system describes them."""
    digest = hashlib.sha256(import_closure_digest(__name__).encode())
    for recording in recordings:
        facts = file_state(recording.uri)  # none if deleted meanwhile: reading it reports that
        digest.update(f"{clip_format} {recording} {facts}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _write_clips(recordings: Sequence[Recording], clip_format: ClipFormat, folder: Path) -> None:
    """Read recordings and write their clips by split, and a table of what can't be used.

    Nothing is shuffled: the same files give the same records in the same order.
    """
    by_split: dict[str, list[Recording]] = collections.defaultdict(list)
    for recording in recordings:
        for split in {row.split or TRAIN: None for row in recording.rows}:
            rows = tuple(row for row in recording.rows if (row.split or TRAIN) == split)
            by_split[split].append(replace(recording, rows=rows))
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        rejected = [
            _write_split(pipeline, split, split_recordings, clip_format, folder)
            for split, split_recordings in sorted(by_split.items())
        ]
        table = beam.io.WriteToText(str(folder / _REJECTED), shard_name_template="")
        _ = rejected | beam.Flatten() | table


def _write_split(
    pipeline: beam.Pipeline,
    split: str,
    recordings: Sequence[Recording],
    clip_format: ClipFormat,
    folder: Path,
) -> beam.PCollection[str]:
    """Write the clips of some recordings; return JSON lines of what is rejected."""
    read_fn = beam.FlatMap(read_clips, clip_format).with_outputs(REJECTED, main=_CLIPS)
    listed = pipeline | f"Recordings[{split}]" >> beam.Create(recordings)
    read = listed | f"Read[{split}]" >> read_fn
    prefix = str(folder / f"{SPLIT_PREFIX}{split}" / "clips")
    _ = (
        read[_CLIPS]
        | f"Encode[{split}]" >> beam.Map(clip_to_example)
        | f"Write[{split}]" >> beam.io.WriteToTFRecord(prefix)
    )
    return read[REJECTED] | f"Rejected[{split}]" >> beam.Map(lambda record: record.to_json())


def _files_in(folder: str | Path) -> str:
    """Return Beam's pattern for the files of a folder; its name may hold ``*``, ``?`` or ``[``."""
    return os.path.join(glob.escape(str(folder)), "*")


def _is_records(path: Path) -> bool:
    """Return whether a file begins with a TFRecord, compressed or not."""
    try:
        return next(read_record_file(str(path)), None) is not None
    except (ValueError, OSError):
        return False
