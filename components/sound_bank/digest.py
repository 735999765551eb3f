"""The sounds of a bank, on any of Beam's file systems, and a digest of their content."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.augment.bank_files import is_sound
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.content_check import computed
from tfx_audio.components.open_files import file_digest


def bank_digest(banks: Mapping[str, str]) -> str:
    """Return a digest over names and content of all sounds, on any of Beam's file systems.

    Raises:
      InvalidInput: If a folder does not exist or holds no audio file.
    """
    contents = {}
    for bank, folder in banks.items():
        contents[bank] = BankDigest()
        for path, relative in audio_files(bank, folder):
            try:
                contents[bank].add(relative, file_digest(path))
            except OSError as error:
                contents[bank].add(relative, type(error).__name__)
    return computed(digest_of_banks({b: digest.hexdigest() for b, digest in contents.items()}))


class BankDigest:
    """A digest of the sounds of one bank, in the order of their names."""

    def __init__(self) -> None:
        """Start with none."""
        self._digest = hashlib.sha256()

    def add(self, relative: str, content: str) -> None:
        """Add a sound's name, and the digest of its bytes or the name of the error."""
        self._digest.update(f"{relative}\0{content}\n".encode(errors="surrogateescape"))

    def hexdigest(self) -> str:
        """Return the digest of what was added."""
        return self._digest.hexdigest()


def digest_of_banks(digests: Mapping[str, str]) -> str:
    """Return one digest over those of the banks, by name."""
    lines = "".join(f"{bank}\0{digest}\n" for bank, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


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
