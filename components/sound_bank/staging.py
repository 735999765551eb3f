"""Bring sound banks to a worker: once a machine, from any of Beam's file systems.

Imported by Beam workers: no tfx, no tensorflow.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.open_files import file_digest, is_local, open_file
from tfx_audio.components.sound_bank.digest import BankDigest
from tfx_audio.components.whole_files import write_whole

_FOLDER = f"tfx_audio_sound_banks_{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def stage_banks(bank_uris: Mapping[str, str]) -> dict[str, str]:
    """Return local folders of the banks, by name.

    A folder on the worker's own file system is used where it is. Any other is copied once a
    machine into a folder of one's own below the temporary folder, under a name made of its
    content, which is checked before each use; it appears there by a rename, so that two workers
    never see half of it.

    Raises:
      InvalidInput: If a folder can't be found.
    """
    return {name: _stage(name, uri.rstrip("/")) for name, uri in bank_uris.items()}


def _stage(name: str, uri: str) -> str:
    if is_local(uri):
        if not os.path.isdir(uri):
            raise InvalidInput(
                f"sound bank {name!r}: expected a folder that every worker can read, {uri} is "
                "none on this machine"
            )
        return uri
    matches = FileSystems.match([FileSystems.join(uri, "**")])[0].metadata_list
    if not matches:
        raise InvalidInput(f"sound bank {name!r}: {uri} holds no file")
    listing = sorted(f"{m.path}\0{m.size_in_bytes}\0{m.last_updated_in_seconds}" for m in matches)
    folder = _own_folder()
    known = folder / f"{hashlib.sha256(chr(10).join(listing).encode()).hexdigest()}.digest"
    if known.is_file():
        target = folder / known.read_text()
        if target.is_dir() and _digest(target) == target.name:
            return str(target)
    target = _copy([m.path for m in matches], uri, folder)
    write_whole(known, target.name)
    return str(target)


def _own_folder() -> Path:
    """Return a folder for copies that nobody else can write to.

    The usual one is shared by the machine's workers. Where somebody else has made it, or others
    may write to it, this process takes one of its own.
    """
    folder = Path(tempfile.gettempdir(), _FOLDER)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if stat.S_ISDIR(found.st_mode) and is_own and not stat.S_IMODE(found.st_mode) & 0o022:
        return folder
    return Path(_private_folder())


@functools.cache
def _private_folder() -> str:
    private = tempfile.TemporaryDirectory(prefix=f"{_FOLDER}-")
    atexit.register(private.cleanup)
    return private.name


def _copy(paths: list[str], root: str, folder: Path) -> Path:
    """Copy files to a folder below `folder` that is named by their content; return it."""
    partial = Path(tempfile.mkdtemp(prefix="copying-", dir=folder))
    for path in paths:
        local = partial / path[len(root) :].lstrip("/")
        local.parent.mkdir(parents=True, exist_ok=True)
        with open_file(path) as source, local.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    target = folder / _digest(partial)
    if target.is_dir() and _digest(target) != target.name:
        shutil.rmtree(target)
    try:
        partial.rename(target)
    except OSError:  # another worker was quicker
        shutil.rmtree(partial)
    return target


def _digest(folder: Path) -> str:
    """Return a digest of a folder's files, names and content."""
    digest = BankDigest()
    for file in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        digest.add(str(file.relative_to(folder)), file_digest(str(file)))
    return digest.hexdigest()
