"""The one reader of clips: what ingest stores of a recording, or why it can't be used.

Beam workers, `augment`, `preview`, the explorer and `predict` all read through it.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from tfx_audio.components.audio.reading.clip_format import ClipFormat, to_format
from tfx_audio.components.audio.reading.foreign_record import record_audio, record_label, record_row
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import (
    STAGE,
    CutClip,
    Recording,
    Row,
    cut_recording,
    cut_row,
    rejection,
)
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.record_formats import Values, read_values
from tfx_audio.components.open_files import digest_as_read, file_digest, file_state, open_file

_BYTES_PER_VALUE = 10  # the most that a varint of an int64 list takes


def read_recording(
    recording: Recording, clip_format: ClipFormat, on_content: Callable[[str], object] | None = None
) -> Iterator[CutClip | Rejection]:
    """Read a file and yield its clips, or why they can't be used.

    Args:
      recording: The file.
      clip_format: What clips are made into.
      on_content: Called with the digest of the bytes that were read: `file_digest`'s, or the name
        of the error. Without it no digest is taken.
    """
    if recording.features:
        before = file_state(recording.uri)
        yield from _read_records(recording, recording.features, clip_format)
        if on_content:
            on_content(_content_since(recording.uri, before))
        return
    try:
        with open_file(recording.uri, recording.roots) as file:
            data = file.read()
        if on_content:
            on_content(digest_as_read(recording.uri, data))
    except OSError as error:
        if on_content:
            on_content(type(error).__name__)
        detail = f"the file: {getattr(error, 'strerror', None) or error}"
        for row in recording.rows:
            yield Rejection(row.clip_id, _reason(error), STAGE, detail, row.label)
        return
    yield from cut_recording(recording, data, clip_format)


def recording_number(recording: Recording, content: str) -> int:
    """Return a recording's part of the data's digest: numbers that can be added in any order."""
    text = repr((recording.path, recording.rows, recording.split, content))
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogateescape")).digest(), "big")


def _content_since(uri: str, before: tuple[int, ...]) -> str:
    """Return the digest of a file that was read record by record since `before`."""
    try:
        digest = file_digest(uri)
    except OSError as error:
        return type(error).__name__
    return digest if file_state(uri) == before else "changed while it was read"


def records_of(recording: Recording, max_samples: int) -> Iterator[tuple[Row, Values] | Rejection]:
    """Yield what the records of a file say of their clips, or why they can't be used.

    No audio is decoded.
    """
    features = recording.features or RecordFeatures("", "")
    number = -1
    try:
        largest = max_samples * _BYTES_PER_VALUE
        records = read_values(recording.uri, features.record_format, largest, recording.roots)
        for number, values in enumerate(records):
            default_id, label = f"{recording.path}:{number:06d}", ""
            try:
                if isinstance(values, Unusable):
                    raise values
                label = record_label(values, features)
                row = record_row(values, features, default_id)
            except Unusable as problem:
                yield Rejection(default_id, problem.reason, STAGE, problem.detail, label)
                continue
            yield (row if row.split else replace(row, split=recording.split)), values
    except (OSError, ValueError) as error:
        detail = f"after {number + 1} records: {error}"
        yield Rejection(recording.path, _reason(error), STAGE, detail)


def _reason(error: Exception) -> str:
    """Return the reason of a file that can't be read."""
    is_outside = isinstance(error, OSError) and error.errno == errno.EXDEV
    return "outside_roots" if is_outside else "unreadable"


def _read_records(
    recording: Recording, features: RecordFeatures, clip_format: ClipFormat
) -> Iterator[CutClip | Rejection]:
    """Yield the clips of a file of records: all, or the recording's rows."""
    wanted = {row.clip_id for row in recording.rows}
    for found in records_of(recording, clip_format.max_samples):
        if isinstance(found, Rejection):
            if not recording.rows:  # whoever knows the rows has been told of the others
                yield found
            continue
        row, values = found
        if recording.rows and row.clip_id not in wanted:
            continue
        wanted.discard(row.clip_id)
        try:
            audio = record_audio(values, features)
            is_silent = row.label in clip_format.silent_labels
            formatted = to_format(audio, clip_format, may_cancel=is_silent)
        except Unusable as problem:
            yield rejection(row, problem)
        else:
            yield from cut_row(row, formatted, clip_format)
        if recording.rows and not wanted:
            return
