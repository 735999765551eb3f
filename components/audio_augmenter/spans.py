"""Read TFRecord files in spans, so that one large file keeps several workers busy.

Beam's own source hands out whole files: an ingest in one process writes one file,
and every other worker would wait. A local file is skimmed once (16 bytes of framing a record,
nothing is decoded) and cut into spans of whole records. A compressed or remote file is one span.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.open_files import is_gzipped, is_local, open_unpacked

MIN_SPAN_BYTES = 256 * 1024
MAX_SPAN_BYTES = 16 * 1024 * 1024
SPANS_PER_INPUT = 64
_FRAMING_BYTES = 16  # length, its checksum, the data's checksum


@dataclass(frozen=True)
class Span:
    """A run of whole records in one file.

    Attributes:
      path: The file, on any of Beam's file systems.
      start: Offset of the first record in bytes.
      records: How many there are; None for all up to the end of the file.
      size: Bytes on disk.
    """

    path: str
    start: int
    records: int | None
    size: int


def plan_spans(patterns: str | Iterable[str]) -> list[Span]:
    """Cut the files that match into spans of about the same size.

    Args:
      patterns: File patterns (``…/Split-train/*``), on any of Beam's file systems.

    Returns:
      Spans in the order of the files' names.

    Raises:
      InvalidInput: If a pattern matches nothing or a local file is cut off.
    """
    files = sorted(match_files([patterns] if isinstance(patterns, str) else patterns))
    total = sum(size for _, size in files)
    span_bytes = min(MAX_SPAN_BYTES, max(MIN_SPAN_BYTES, total // SPANS_PER_INPUT))
    spans: list[Span] = []
    for path, size in files:
        if is_local(path) and not is_gzipped(path):
            spans.extend(_cut(path, size, span_bytes))
        else:
            spans.append(Span(path, 0, None, size))
    return spans


def match_files(patterns: Iterable[str]) -> list[tuple[str, int]]:
    """Return ``(path, bytes)`` of the files that match; temporary and hidden ones are left out."""
    found: list[tuple[str, int]] = []
    for pattern in patterns:
        matches = FileSystems.match([pattern])[0].metadata_list
        files = [(m.path, m.size_in_bytes) for m in matches if not _is_hidden(m.path)]
        if not files:
            raise InvalidInput(f"no TFRecord file matches {pattern}")
        found.extend(files)
    return found


def count_records(spans: Sequence[Span]) -> int | None:
    """Return how many records the spans hold, or None where a file can't be skimmed."""
    counts = [span.records for span in spans]
    return None if None in counts else sum(count or 0 for count in counts)


def sample_records(spans: Sequence[Span], at_most: int) -> list[bytes]:
    """Return the first record of some spans, spread over all of them."""
    step = max(1, len(spans) // at_most)
    return [record for span in spans[::step] for record in itertools.islice(read_span(span), 1)]


def read_span(span: Span) -> Iterator[bytes]:
    """Yield the records of a span, checksums verified.

    Raises:
      InvalidInput: If the file is damaged or cut off.
    """
    with open_unpacked(span.path) as file:
        if span.start:
            file.seek(span.start)
        read = 0
        try:
            for record in itertools.islice(read_records(file), span.records):
                yield record
                read += 1
        except ValueError as error:
            raise InvalidInput(f"{span.path}, from byte {span.start}: {error}") from error
    if span.records is not None and read < span.records:
        raise InvalidInput(
            f"{span.path}: {span.records} records at byte {span.start}, found {read}"
        )


def _cut(path: str, size: int, span_bytes: int) -> Iterator[Span]:
    """Skim one local file and yield spans of at least `span_bytes` (the last one may be less)."""
    start = position = records = 0
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while position < size:
            length = int.from_bytes(os.pread(descriptor, 8, position), "little")
            position += length + _FRAMING_BYTES
            records += 1
            if position > size:
                raise InvalidInput(f"{path}: not a whole TFRecord file; it ends within a record")
            if position - start >= span_bytes:
                yield Span(path, start, records, position - start)
                start, records = position, 0
    finally:
        os.close(descriptor)
    if records:
        yield Span(path, start, records, position - start)


def _is_hidden(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name.startswith((".", "_")) or "beam-temp-" in path
