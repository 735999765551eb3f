"""Files found through Beam's filesystems, and where they may lie."""

from __future__ import annotations

import glob
import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.open_files import is_local, lies_in

Problem = tuple[str, str]  # reason and detail, as a Rejection has them


class FoundFile(NamedTuple):
    """A file.

    Attributes:
      uri: What opens it.
      path: Its name for people, relative to the folder it was looked for in.
      size: Bytes, 0 where the filesystem does not say.
    """

    uri: str
    path: str
    size: int


class AllowedRoots:
    """The folders that audio may come from: nothing outside is opened, by whatever link."""

    def __init__(self, *roots: str) -> None:
        self._roots = tuple(_real(root) for root in roots if root)

    def problem(self, uri: str) -> Problem | None:
        """Return why a file must not or can't be read; None for a file in its place."""
        try:
            uri.encode("utf-8")
        except UnicodeEncodeError:
            return "name_not_utf8", "the file's name is not UTF-8"
        if "\0" in uri:
            return "missing_file", "the file's name has a NUL"
        real = _real(uri)
        if not lies_in(real, self._roots):
            return "outside_roots", f"{real!r} lies outside the data root (data.roots)"
        return kind_problem(uri) if is_local(uri) else None


def kind_problem(path: str) -> Problem | None:
    """Return why a path of this machine is neither a file nor a folder that could be opened."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return "missing_file", f"the file can't be looked at: {error.strerror}"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "not_a_file", "neither a file nor a folder"
    return None


def _real(uri: str) -> str:
    """Return where a path really leads; elsewhere than locally the path without its dots."""
    if is_local(uri):
        return os.path.realpath(uri)
    scheme, _, path = uri.partition("://")
    return f"{scheme}://{posixpath.normpath(path)}"


def walk(
    root: str, allowed: AllowedRoots, refuse: Callable[[str, Problem], None]
) -> Iterator[FoundFile]:
    """Yield the files below a folder; hidden ones are passed over.

    Links are followed where they lead to allowed roots, and no folder twice.

    Args:
      root: The folder.
      allowed: Where files may lie.
      refuse: Called with the path and the problem of what must not be read.
    """
    if is_local(root):
        yield from _walk_locally(root, allowed, refuse)
        return
    prefix = root.rstrip("/") + "/"
    for metadata in FileSystems.match([prefix + "**"])[0].metadata_list:
        path = metadata.path[len(prefix) :]
        if path and not path.endswith("/") and not _is_hidden(path):
            yield FoundFile(metadata.path, path, metadata.size_in_bytes)


def match_files(root: str, pattern: str, allowed: AllowedRoots) -> list[str]:
    """Return the files that a pattern of places below `root` fits, relative to it and sorted.

    Hidden files, and files that must not be read, are none.
    """
    if is_local(root):
        if "**" in pattern:  # our own walk: glob's goes round and round where links do
            anywhere = pattern.replace("**/", "*")
            files = walk(root, allowed, lambda path, problem: None)
            return sorted(file.path for file in files if fnmatchcase(file.path, anywhere))
        found = glob.glob(pattern, root_dir=root)
        uris = {path: os.path.join(root, path) for path in found}
        return sorted(
            path
            for path, uri in uris.items()
            if os.path.isfile(uri) and allowed.problem(uri) is None
        )
    prefix = root.rstrip("/") + "/"
    listed = FileSystems.match([prefix + pattern])[0].metadata_list
    return sorted(metadata.path[len(prefix) :] for metadata in listed)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _walk_locally(
    root: str, allowed: AllowedRoots, refuse: Callable[[str, Problem], None]
) -> Iterator[FoundFile]:
    waiting = [("", root)]
    seen = {os.path.realpath(root)}
    while waiting:
        prefix, folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            refuse(prefix.rstrip("/"), ("unreadable", f"the folder: {error.strerror}"))
            continue
        for entry in sorted(listed, key=lambda entry: entry.name):
            path = prefix + entry.name
            try:
                plain = entry.is_file(follow_symlinks=False) and entry.name.isascii()
                problem = None if plain else allowed.problem(entry.path)
                if problem:
                    refuse(path, problem)
                elif plain or not entry.is_dir():
                    yield FoundFile(entry.path, path, entry.stat().st_size)
                elif (real := os.path.realpath(entry.path)) not in seen:
                    seen.add(real)
                    waiting.append((f"{path}/", entry.path))
            except OSError as error:  # it was there a moment ago
                refuse(path, ("missing_file", f"the file can't be looked at: {error.strerror}"))
