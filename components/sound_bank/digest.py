"""The sounds of a bank, on any of Beam's file systems, and a digest of their content."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Mapping

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.augment.bank_files import is_sound
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.unusable import Unusable

_READ_BYTES = 1024 * 1024


def bank_digest(banks: Mapping[str, str]) -> str:
    """Return a hex SHA-256 over the names and the content of all sounds.

    Args:
      banks: Folders by bank name, on any of Beam's file systems.

    Raises:
      InvalidInput: If a folder does not exist or holds no audio file.
    """
    digest = hashlib.sha256()
    for bank, folder in sorted(banks.items()):
        for path, relative in audio_files(bank, folder):
            digest.update(f"{bank}\0{relative}\0{_file_digest(path)}\n".encode())
    return digest.hexdigest()


def audio_files(bank: str, folder: str) -> list[tuple[str, str]]:
    """Return ``(path, path relative to the folder)`` of a bank's sounds, sorted.

    Raises:
      InvalidInput: If there is none.
    """
    root = folder.rstrip("/")
    matches = FileSystems.match([FileSystems.join(glob.escape(root), "**")])[0].metadata_list
    found = sorted(
        (match.path, relative)
        for match in matches
        if is_sound(relative := match.path[len(root) :].lstrip("/"))
    )
    if not found:
        raise InvalidInput(
            f"sound bank {bank!r}: expected a folder with audio files, found none in {folder}"
        )
    return found


def read_bytes(path: str) -> bytes:
    """Return a file's bytes as they are stored.

    Raises:
      Unusable: If it is not a file; opening a FIFO would wait for ever.
    """
    if not _is_file(path):
        raise Unusable("not_a_file", "neither a file nor a folder")
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return bytes(file.read())


def _is_file(path: str) -> bool:
    return FileSystems.get_scheme(path) is not None or stat.S_ISREG(os.stat(path).st_mode)


def _file_digest(path: str) -> str:
    digest = hashlib.sha256()
    if not _is_file(path):
        return "not a file"
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
