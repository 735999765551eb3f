"""What there is to ingest: recordings found through Beam's filesystems, before any is read."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from apache_beam.io.filesystems import FileSystems
from apache_beam.io.localfilesystem import LocalFileSystem

from tfx_audio.components.audio.decode import AUDIO_SUFFIXES
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.name_pattern import NamePattern, parse_name_pattern
from tfx_audio.components.audio.recording import STAGE, Recording, Row
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import TRAIN, split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig


@dataclass
class Listing:
    """What was found.

    Attributes:
      recordings: Files to read, sorted by path.
      rejections: What can't be used already by its name or place.
      said: Splits that the data says outright.
    """

    recordings: list[Recording] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    said: frozenset[str] = frozenset()

    @property
    def labels(self) -> list[str]:
        """Labels in order."""
        return sorted({row.label for recording in self.recordings for row in recording.rows})


@dataclass(frozen=True)
class FoundFile:
    """A file below the data root."""

    uri: str
    path: str
    size: int


def is_local(uri: str) -> bool:
    """Return whether `uri` is a path of this machine."""
    return isinstance(FileSystems.get_filesystem(uri), LocalFileSystem)


def list_recordings(config: IngestConfig) -> Listing:
    """List what a configuration points at.

    Raises:
      InvalidInput: If the folder does not exist or the label pattern is malformed.
    """
    if not config.path:
        raise InvalidInput("data.path is needed: the folder of audio")
    if not FileSystems.exists(config.path):
        raise InvalidInput(f"the data root must be a folder; there is no {config.path!r}")
    if is_local(config.path) and not os.path.isdir(config.path):
        raise InvalidInput(f"the data root must be a folder; {config.path!r} is a file")
    listing = Listing()
    files = sorted(_found(config, listing.rejections), key=lambda file: file.path)
    pattern = parse_name_pattern(config.label_from) if config.label_from else None
    split_folders = _are_split_folders(files)
    for file in files:
        _add(file, config, pattern, split_folders, listing)
    if split_folders:
        listing.said = frozenset(row.split for r in listing.recordings for row in r.rows)
    return listing


def _add(
    file: FoundFile,
    config: IngestConfig,
    pattern: NamePattern | None,
    split_folders: bool,
    listing: Listing,
) -> None:
    """Add one file to the listing, as a recording or as a rejection."""
    stem, suffix = posixpath.splitext(file.path)
    surely_audio = suffix.lower() in AUDIO_SUFFIXES
    folders, split = file.path.split("/")[:-1], ""
    if split_folders and folders:
        split = split_of_name(folders.pop(0)) or ""
    fields: dict[str, str] = {}
    if pattern:
        fields = pattern.match(stem) or {}
        why = f"the file's name does not fit the pattern {pattern.text!r}"
    elif folders:
        fields = {"label": folders[0 if config.label_folder == "first" else -1]}
    else:
        why = "the file lies in no folder that could be its label"
    if not fields:
        if surely_audio:
            listing.rejections.append(Rejection(file.path, "missing_label", STAGE, why))
        return
    if file.size > config.max_recording_mb * 2**20:
        detail = f"{file.size} bytes; data.max_recording_mb is {config.max_recording_mb}"
        listing.rejections.append(Rejection(file.path, "too_large", STAGE, detail, fields["label"]))
        return
    label, group = fields.pop("label"), fields.pop("group", "")
    row = Row(file.path, label, group, split, fields=fields)
    listing.recordings.append(Recording(file.uri, file.path, (row,), file.size, surely_audio))


def _are_split_folders(files: list[FoundFile]) -> bool:
    """Return whether the folders below the root are all named after splits, one of them train."""
    names = {file.path.split("/")[0] for file in files if file.path.count("/") > 1}
    splits = {split_of_name(name) for name in names}
    return len(names) > 1 and None not in splits and TRAIN in splits


def _found(config: IngestConfig, rejections: list[Rejection]) -> Iterator[FoundFile]:
    """Yield the files below the data root; hidden ones are passed over."""
    if is_local(config.path):
        yield from _found_locally(config, rejections)
        return
    root = config.path.rstrip("/") + "/"
    for metadata in FileSystems.match([root + "**"])[0].metadata_list:
        path = metadata.path[len(root) :]
        if path and not path.endswith("/") and not _is_hidden(path):
            yield FoundFile(metadata.path, path, metadata.size_in_bytes)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _found_locally(config: IngestConfig, rejections: list[Rejection]) -> Iterator[FoundFile]:
    """Walk the data root, following links only where they stay inside the allowed roots."""
    roots = allowed_roots(config)
    waiting = [("", os.path.realpath(config.path))]
    seen = {waiting[0][1]}
    while waiting:
        prefix, folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                path = prefix + entry.name
                problem = _problem(entry, roots)
                if problem is None and entry.is_dir():
                    target = os.path.realpath(entry.path)
                    if target not in seen:
                        seen.add(target)
                        waiting.append((path + "/", target))
                elif problem is None:
                    yield FoundFile(entry.path, path, entry.stat().st_size)
                else:
                    shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
                    rejections.append(Rejection(shown, problem[0], STAGE, problem[1]))


def allowed_roots(config: IngestConfig) -> tuple[str, ...]:
    """Return the real paths of the local folders that audio may come from."""
    return tuple(os.path.realpath(root) for root in (config.path, *config.roots) if root)


def is_inside(path: str, roots: tuple[str, ...]) -> bool:
    """Return whether a real path lies in one of the roots."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _problem(entry: os.DirEntry[str], roots: tuple[str, ...]) -> tuple[str, str] | None:
    """Return why a directory entry can't be used, as reason and detail."""
    try:
        entry.name.encode("utf-8")
    except UnicodeEncodeError:
        return "name_not_utf8", "the file's name is not UTF-8"
    if entry.is_symlink() and not is_inside(os.path.realpath(entry.path), roots):
        return "outside_roots", "the link points out of the data root; data.roots allows further"
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        return "unreadable", f"the file can't be looked at: {error.strerror}"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "not_a_file", "neither a file nor a folder"
    return None
