"""Folders of audio: the folder or the file's name is the label."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES, looks_like_audio
from tfx_audio.components.audio.reading.name_pattern import NamePattern, parse_name_pattern
from tfx_audio.components.audio.reading.recording import Recording, Row, label_problem
from tfx_audio.components.audio.splits import TRAIN, split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.files import FoundFile, Problem, walk
from tfx_audio.components.audio_example_gen.listing.listing import (
    Listing,
    allowed_roots,
    size_problem,
)
from tfx_audio.components.open_files import is_local, read_head


class Labeller:
    """Reads label, split and fields out of a file's place and name."""

    def __init__(self, config: IngestConfig, paths: Collection[str]) -> None:
        self._pattern: NamePattern | None = None
        if config.label_from:
            self._pattern = parse_name_pattern(config.label_from)
        self._folder = 0 if config.label_folder == "first" else -1
        # Where folders are labels, a split's folder has folders in it.
        self.has_split_folders = _are_split_folders(paths, 1 if self._pattern else 2)

    def row(self, path: str) -> Row:
        """Return the clip that a file holds; without a label where its name and place say none."""
        stem = posixpath.splitext(path)[0]
        folders, split = path.split("/")[:-1], ""
        if self.has_split_folders and folders:
            split = split_of_name(folders.pop(0)) or ""
        if self._pattern:
            parts = self._pattern.match(stem) or {}
            label, group = parts.pop("label", ""), parts.pop("group", "")
            return Row(path, label, group, split, fields=parts)
        return Row(path, folders[self._folder] if folders else "", "", split)

    @property
    def why_no_label(self) -> str:
        """Why a file may have no label."""
        if self._pattern:
            return f"the file's name does not fit the pattern {self._pattern.text!r}"
        return "the file lies in no folder that could be its label"


def _are_split_folders(paths: Collection[str], depth: int) -> bool:
    """Return whether the folders below the root are all named after splits, one of them train.

    Args:
      paths: Files, relative to the root.
      depth: Folders that a file in a split's folder lies in at least.
    """
    names = {path.split("/")[0] for path in paths if path.count("/") >= depth}
    splits = {split_of_name(name) for name in names}
    return len(names) > 1 and None not in splits and TRAIN in splits


def list_folder(config: IngestConfig, unlabelled: bool = False) -> Listing:
    """List a folder of audio, labelled by folders or file names, or not at all if `unlabelled`."""
    listing = Listing()
    files = sorted(
        walk(config.path, allowed_roots(config), listing.reject), key=lambda file: file.path
    )
    labeller = Labeller(config, [file.path for file in files])
    for file in files:
        _add_file(file, config, labeller, listing, unlabelled)
    if labeller.has_split_folders:
        listing.said = frozenset(row.split for r in listing.recordings for row in r.rows)
    return listing


def _add_file(
    file: FoundFile, config: IngestConfig, labeller: Labeller, listing: Listing, unlabelled: bool
) -> None:
    """Add one file to the listing, as a recording or as a rejection."""
    surely_audio = posixpath.splitext(file.path)[1].lower() in AUDIO_SUFFIXES
    if not surely_audio and is_local(file.uri):
        surely_audio = looks_like_audio(read_head(file.uri))
        if not surely_audio:
            listing.ignored.append(file.path)
            return
    row = labeller.row(file.path)
    problem: Problem | None = None
    if row.label:
        problem = label_problem(row.label)
    elif not unlabelled or config.label_from:
        problem = ("missing_label", labeller.why_no_label)
    problem = problem or size_problem(file.size, config)
    if problem:
        listing.reject(file.path, problem, row.label)
        return
    listing.recordings.append(Recording(file.uri, file.path, (row,), file.size, surely_audio))
