"""Bring sound banks to a worker: once a machine, from any of Beam's file systems.

Imported by Beam workers: no tfx, no tensorflow.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput

_FOLDER = f"tfx_audio_sound_banks_{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def stage_banks(bank_uris: Mapping[str, str]) -> dict[str, str]:
    """Return local folders of the banks, by name.

    A folder on the worker's own file system is used where it is. Any other is copied once a
    machine into the temporary folder, under a name made of its location and listing; it appears
    there by a rename, so that two workers never see half of it.

    Args:
      bank_uris: Folders by bank name.

    Raises:
      InvalidInput: If a folder can't be found.
    """
    return {name: _stage(name, uri.rstrip("/")) for name, uri in bank_uris.items()}


def _stage(name: str, uri: str) -> str:
    if FileSystems.get_scheme(uri) is None:
        if not os.path.isdir(uri):
            raise InvalidInput(
                f"sound bank {name!r}: expected a folder that every worker can read, {uri} is "
                "none on this machine"
            )
        return uri
    matches = FileSystems.match([FileSystems.join(uri, "**")])[0].metadata_list
    if not matches:
        raise InvalidInput(f"sound bank {name!r}: {uri} holds no file")
    listing = "".join(f"{m.path}\0{m.size_in_bytes}\n" for m in sorted(matches, key=str))
    key = hashlib.sha256(listing.encode()).hexdigest()[:32]
    target = Path(tempfile.gettempdir(), _FOLDER, key)
    if not target.is_dir():
        _copy([m.path for m in matches], uri, target)
    return str(target)


def _copy(paths: list[str], root: str, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    for path in paths:
        local = partial / path[len(root) :].lstrip("/")
        local.parent.mkdir(parents=True, exist_ok=True)
        with FileSystems.open(path) as source, local.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    try:
        partial.rename(target)
    except OSError:  # another worker was quicker
        shutil.rmtree(partial)
