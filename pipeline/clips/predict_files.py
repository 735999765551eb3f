"""The files that `tfx-audio predict` is asked about: what is audio, and how its name is shown."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES, looks_like_audio
from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.files import (
    AllowedRoots,
    Problem,
    kind_problem,
    walk,
)
from tfx_audio.components.open_files import read_head
from tfx_audio.pipeline.clips.sound_folder import list_sounds

MAX_FILE_BYTES = 2**30


class AskedFile(NamedTuple):
    """A file to answer for.

    Attributes:
      path: What opens it.
      problem: Why it must not or can't be opened, as reason and detail.
      recording: The clips of a data set that are read of it; None for all of it as one.
    """

    path: str
    problem: Problem | None = None
    recording: Recording | None = None

    @property
    def name(self) -> str:
        """The path in UTF-8: other bytes are escaped, as in tables of rejected clips."""
        return self.path.encode("utf-8", "backslashreplace").decode("utf-8")


def asked_files(named: Sequence[str]) -> list[AskedFile]:
    """Return the named files, and what is audio below the named folders, sorted in each.

    Raises:
      InvalidInput: If one does not exist, or a folder holds no audio.
    """
    found: list[AskedFile] = []
    for name in named:
        path = str(Path(name))
        if os.path.isdir(path):
            below = _files_below(path)
            if not below:
                raise InvalidInput(f"no audio file in the folder {name}")
            found += below
        elif os.path.lexists(path):
            found.append(AskedFile(path, kind_problem(path)))
        else:
            raise InvalidInput(f"no file or folder {name}")
    return found


def listed_clips(source: IngestConfig) -> list[AskedFile]:
    """Return the clips of a data set, as a run lists them, labelled or not.

    Raises:
      InvalidInput: If there is nothing to list.
    """
    sounds = list_sounds(source)
    refused = [AskedFile(one.path, (one.reason, one.detail)) for one in sounds.rejections]
    return refused + [AskedFile(one.uri, recording=one) for one in sounds.recordings]


def size_problem(size: int) -> Problem | None:
    """Return why a file of this size is not read."""
    if size <= MAX_FILE_BYTES:
        return None
    return "too_large", f"{size} bytes; at most {MAX_FILE_BYTES} are read"


def _files_below(folder: str) -> list[AskedFile]:
    """Return what ingest would take for audio below a folder, and what it would refuse."""
    found: list[AskedFile] = []

    def add(path: str, problem: Problem | None = None) -> None:
        found.append(AskedFile(str(Path(folder, path)), problem))

    for file in walk(folder, _Within(folder), add):
        is_named_so = os.path.splitext(file.path)[1].lower() in AUDIO_SUFFIXES
        if is_named_so or looks_like_audio(read_head(file.uri)):
            add(file.path)
    return sorted(found, key=lambda file: file.path)


class _Within(AllowedRoots):
    """Takes the folders below one, linked files, and files whose names are not UTF-8.

    A name is only shown, and a linked file only read. A linked folder is left out: it could be the
    whole machine.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._root = os.path.realpath(root).rstrip("/")

    def problem(self, uri: str) -> Problem | None:
        """Return why a file or folder can't be read; None for one that can be tried."""
        real = os.path.realpath(uri)
        if os.path.isdir(real) and not f"{real}/".startswith(f"{self._root}/"):
            return "outside_roots", f"a link to the folder {real!r}; name that folder too"
        return kind_problem(uri)
