"""Opening what lies on any of Beam's file systems: files as they are, and TFRecord files."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.reading.formats import HEAD_BYTES
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.audio.regular_file import open_regular

_GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 2**20


def is_local(uri: str) -> bool:
    """Return whether `uri` is a path of this machine."""
    return FileSystems.get_scheme(uri) is None


def open_file(uri: str, roots: Iterable[str] = ()) -> BinaryIO:
    """Open a file for reading, as its bytes are.

    Args:
      uri: The file.
      roots: Folders; a file of this machine must lie in one of them. None for anywhere.

    Raises:
      OSError: If it is a pipe or a folder, or lies outside (`errno.EXDEV`). The open file is asked,
        so that a link which took the place of a file or a folder since it was listed leads nowhere.
    """
    if not is_local(uri):
        return FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    file = open_regular(uri)  # what Beam does, without its cost a file
    if roots and not lies_in(_place(file.fileno(), uri), map(os.path.realpath, roots)):
        file.close()
        raise OSError(errno.EXDEV, "it lies outside the data root (data.roots)", uri)
    return file


def lies_in(real: str, roots: Iterable[str]) -> bool:
    """Return whether a path without links is one of some folders, or lies below one."""
    return any(f"{real}/".startswith(f"{root.rstrip('/')}/") for root in roots)


def _place(file: int, path: str) -> str:
    """Return where an open file really lies."""
    try:
        return os.readlink(f"/proc/self/fd/{file}")
    except OSError:  # no /proc here
        return os.path.realpath(path)


def file_digest(uri: str) -> str:
    """Return a hex SHA-256 of a local file's bytes; elsewhere what the store has for a checksum.

    Raises:
      OSError: If the file can't be read; Beam's errors are of that kind.
    """
    if not is_local(uri):
        return repr(FileSystems.checksum(uri))
    digest = hashlib.sha256()
    with open_file(uri) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def file_state(uri: str) -> tuple[int, ...]:
    """Return what changes with every write to a file of this machine; none for another."""
    try:
        found = os.stat(uri) if is_local(uri) else None
    except OSError:
        found = None
    if found is None:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def digest_as_read(uri: str, data: bytes) -> str:
    """Return `file_digest` of a file whose bytes have just been read."""
    return hashlib.sha256(data).hexdigest() if is_local(uri) else file_digest(uri)


def read_head(uri: str, size: int = HEAD_BYTES) -> bytes:
    """Return a file's first bytes; none if it can't be read."""
    try:
        with open_file(uri) as file:
            return bytes(file.read(size))
    except OSError:
        return b""


def is_gzipped(uri: str) -> bool:
    """Return whether a file is gzipped, whatever its name."""
    return read_head(uri, len(_GZIP)) == _GZIP


@contextlib.contextmanager
def open_unpacked(uri: str, roots: Iterable[str] = ()) -> Iterator[BinaryIO]:
    """Open a file as `open_file` does, unpacking one that is gzipped, whatever its name.

    Raises:
      OSError: If it can't be read.
      ValueError: If its gzip data are damaged.
    """
    with open_file(uri, roots) as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not packed:
            yield file
            return
        try:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file))
        except (EOFError, zlib.error) as error:
            raise ValueError(f"a damaged gzip file: {error}") from error


def read_record_file(uri: str) -> Iterator[bytes]:
    """Yield the records of a TFRecord file.

    Raises:
      ValueError: If it is damaged; the message names it.
    """
    try:
        with open_unpacked(uri) as file:
            yield from read_records(file)
    except ValueError as error:
        raise ValueError(f"{uri}: {error}") from error


def read_record_files(folder: str) -> Iterator[bytes]:
    """Yield the records of a folder's TFRecord files; see `read_record_file`."""
    for path in match_files(folder, "*"):
        yield from read_record_file(path)


def match_files(folder: str, pattern: str) -> list[str]:
    """Return the files of a folder that match, sorted."""
    matches = FileSystems.match([FileSystems.join(folder, pattern)])[0].metadata_list
    return sorted(match.path for match in matches)
