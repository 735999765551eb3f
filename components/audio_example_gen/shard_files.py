"""Files of one shard: written under another name, and given their own when complete.

So a worker that dies leaves nothing that looks like data, and one that does the work again
writes the same files again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.records.tfrecord import read_records, write_record
from tfx_audio.components.open_files import open_file


def shard_path(split_uri: str, shard: int) -> str:
    """Return the file of a shard in a split's folder."""
    return FileSystems.join(split_uri, f"examples-{shard:05d}.tfrecord")


class ShardWriter:
    """Writes records by split, a file each, opened with its first record.

    Used as a context manager: the files are there when the body has ended well.
    """

    def __init__(self, split_uris: Mapping[str, str], shard: int) -> None:
        self._split_uris = split_uris
        self._shard = shard
        self._files: dict[str, BinaryIO] = {}
        self._written: dict[str, int] = {}

    def __enter__(self) -> ShardWriter:
        return self

    def write(self, split: str, record: bytes) -> int:
        """Append a record and return its number in its file."""
        if split not in self._files:
            path = shard_path(self._split_uris[split], self._shard)
            self._files[split] = _create(path)
            self._written[split] = 0
        write_record(self._files[split], record)
        self._written[split] += 1
        return self._written[split] - 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for split, file in self._files.items():
            file.close()
            if kind is None:
                _finish(shard_path(self._split_uris[split], self._shard))


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
