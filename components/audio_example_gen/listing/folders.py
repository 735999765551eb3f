"""Folders of audio: the folder or the file's name is the label."""

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES, looks_like_audio
from tfx_audio.components.audio.reading.name_pattern import NamePattern, parse_name_pattern
from tfx_audio.components.audio.reading.recording import Recording, Row, label_problem
from tfx_audio.components.audio.splits import TRAIN, split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.files import FoundFile, Problem, walk
from tfx_audio.components.audio_example_gen.listing.layout import NONE, Layout
from tfx_audio.components.audio_example_gen.listing.listing import (
    Listing,
    allowed_roots,
    size_problem,
)
from tfx_audio.components.audio_example_gen.listing.recognise import FoundLayout
from tfx_audio.components.audio_example_gen.listing.split_lists import SplitLists
from tfx_audio.components.open_files import is_local, read_head

# Words that folders share which are no classes, by what they are.
_KINDS = {
    "folds": ("fold", "folds", "cv"),
    "parts of a data set": ("part", "batch", "chunk", "shard", "disc", "disk", "cd", "set"),
    "speakers or sessions": (
        *("actor", "speaker", "spk", "subject", "subj", "sub", "participant", "person", "user"),
        *("singer", "patient", "session", "ses", "recording", "rec"),
    ),
}
_NUMBERED = re.compile(r"([A-Za-z]+)[ _.-]*0*\d+")


class Labeller:
    """Reads label, split and fields out of a file's place and name."""

    def __init__(
        self,
        config: IngestConfig,
        paths: Collection[str],
        codes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._codes = codes
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
            return Row(path, self._codes.get(label, label), group, split, fields=parts)
        return Row(path, folders[self._folder] if folders else "", "", split)

    @property
    def why_no_label(self) -> str:
        """Why a file may have no label."""
        if self._pattern:
            return f"the file's name does not fit the pattern {self._pattern.text!r}"
        return "the file lies in no folder that could be its label"


def _are_split_folders(paths: Collection[str], depth: int) -> bool:
    """Return whether the folders below the root are all named after splits, one of them train."""
    names = {path.split("/")[0] for path in paths if path.count("/") >= depth}
    splits = {split_of_name(name) for name in names}
    return len(names) > 1 and None not in splits and TRAIN in splits


def list_folder(
    listing: Listing, found: FoundLayout | None = None, unlabelled: bool = False
) -> None:
    """List a folder of audio, labelled by folders or file names, or not at all if `unlabelled`.

    Raises:
      InvalidInput: If the folders are named like folds or speakers, not like classes.
    """
    config = listing.config
    home = found.home if found else config.path
    prefix = home.rstrip("/").removeprefix(config.path.rstrip("/")).lstrip("/")
    files = [
        file._replace(path=f"{prefix}/{file.path}") if prefix else file
        for file in sorted(walk(home, allowed_roots(config), listing.reject))
    ]
    layout = found.layout if found else None
    codes = layout.label_codes(home) if layout else {}
    labeller = Labeller(config, [file.path for file in files], codes)
    lists = SplitLists(found, listing)
    for file in files:
        if _passed_over(file.path.removeprefix(f"{prefix}/"), layout, listing):
            continue
        split = lists.split(file.path)
        if split is None:
            listing.passed_over["in no list of splits"] += 1
            continue
        _add_file(file, labeller, listing, unlabelled, split)
    if labeller.has_split_folders or layout:
        listing.given_splits |= {r.split for one in listing.recordings for r in one.rows if r.split}
    if not (unlabelled or layout or config.label_from):
        _check_classes(labeller, listing)


def _passed_over(path: str, layout: Layout | None, listing: Listing) -> bool:
    """Return whether a file is not a clip because the layout or the user says so, and count it."""
    if listing.excludes(path):
        return True
    if layout and any(fnmatchcase(path, pattern) for pattern in layout.not_clips):
        listing.passed_over["no clip"] += 1
        return True
    return False


def _check_classes(labeller: Labeller, listing: Listing) -> None:
    """Ask about folders that are no classes by their names, and classes that come to nothing."""
    labels = listing.labels
    kind = _kind_of_folders(labels) if listing.config.layout != NONE else ""
    if kind:
        raise InvalidInput(
            f"the folders {', '.join(map(repr, labels[:3]))} ... look like {kind}, not like "
            "classes. --label-from '{label}_*' reads labels from file names, --manifest from a "
            "table, --set data.label_folder=last takes the innermost folder; if they are classes "
            "after all: --layout none"
        )
    kept = {*labels, *listing.rejected_labels}
    lost = Counter(labeller.row(path).label for path in listing.ignored)
    for label in sorted(set(lost) - kept - {""}):
        example = next((path for path in listing.ignored if f"{label}/" in path), "")
        raise InvalidInput(
            f"the folder {label!r} would be a class, but none of its {lost[label]} files is "
            f"audio, for instance {example!r}. If it is not a class: "
            f"--set data.exclude='{label}/*'"
        )


def _kind_of_folders(names: Collection[str]) -> str:
    """Return what folders look like, in the plural; empty for what may be classes.

    Folders are no classes where all are splits, or all the same word with a number.
    """
    if len(names) < 2:
        return ""
    if all(split_of_name(name) for name in names):
        return "splits"
    found = [_NUMBERED.fullmatch(name) for name in names]
    words = {match.group(1).lower() if match else "" for match in found}
    word = words.pop() if len(words) == 1 else ""
    return next((kind for kind, known in _KINDS.items() if word in known), "")


def _add_file(
    file: FoundFile, labeller: Labeller, listing: Listing, unlabelled: bool, split: str
) -> None:
    """Add one file to the listing, as a recording or as a rejection."""
    surely_audio = posixpath.splitext(file.path)[1].lower() in AUDIO_SUFFIXES
    if not surely_audio and is_local(file.uri):
        surely_audio = looks_like_audio(read_head(file.uri))
        if not surely_audio:
            listing.ignored.append(file.path)
            return
    row = labeller.row(file.path)
    row = replace(row, split=split) if split else row
    problem: Problem | None = None
    if row.label:
        problem = label_problem(row.label)
    elif not unlabelled or listing.config.label_from:
        problem = ("missing_label", labeller.why_no_label)
    problem = problem or size_problem(file.size, listing.config)
    if problem:
        listing.reject(file.path, problem, row.label)
        return
    one = Recording(
        file.uri, file.path, (row,), file.size, surely_audio=surely_audio, roots=listing.roots
    )
    listing.recordings.append(one)
