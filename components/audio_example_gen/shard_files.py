"""Files of one shard: written under another name, and given their own when complete.

So a worker that dies leaves nothing that looks like data, and one that does the work again
writes the same files again.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.records.tfrecord import read_records, write_record
from tfx_audio.components.open_files import open_file


def shard_path(split_uri: str, shard: int) -> str:
    """Return the file of a shard in a split's folder."""
    return FileSystems.join(split_uri, f"examples-{shard:05d}.tfrecord")


@contextlib.contextmanager
def write_shard(split_uris: Mapping[str, str], shard: int) -> Iterator[Callable[[str, bytes], int]]:
    """Yield what appends a record to a split's file, and returns the record's number there.

    A file is opened with its first record. The files are there when the body has ended well.
    """
    files: dict[str, BinaryIO] = {}
    written: Counter[str] = Counter()

    def write(split: str, record: bytes) -> int:
        if split not in files:
            files[split] = _create(shard_path(split_uris[split], shard))
        write_record(files[split], record)
        written[split] += 1
        return written[split] - 1

    try:
        yield write
    finally:
        for file in files.values():
            file.close()
    for split in files:
        _finish(shard_path(split_uris[split], shard))


def drop_records(split_uri: str, shard: int, positions: Collection[int]) -> None:
    """Write a shard's file again without the records of these numbers."""
    path = shard_path(split_uri, shard)
    kept = 0
    with open_file(path) as old, _create(path) as new:
        for position, record in enumerate(read_records(old)):
            if position not in positions:
                write_record(new, record)
                kept += 1
    _finish(path)
    if not kept:
        FileSystems.delete([path])


def _create(path: str) -> BinaryIO:
    return FileSystems.create(_unfinished(path), compression_type=CompressionTypes.UNCOMPRESSED)


def _finish(path: str) -> None:
    FileSystems.rename([_unfinished(path)], [path])


def _unfinished(path: str) -> str:
    folder, name = FileSystems.split(path)
    return FileSystems.join(folder, f".{name}.part")
