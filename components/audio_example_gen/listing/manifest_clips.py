"""The clips that tables name."""

import itertools
import math
import os
import posixpath
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES
from tfx_audio.components.audio.reading.recording import Recording, Row, piece_id
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio.splits import split_of_name
from tfx_audio.components.audio_example_gen.listing.audio_places import AudioPlaces
from tfx_audio.components.audio_example_gen.listing.columns import Columns
from tfx_audio.components.audio_example_gen.listing.files import Problem, walk
from tfx_audio.components.audio_example_gen.listing.folders import Labeller
from tfx_audio.components.audio_example_gen.listing.labels import LabelReader
from tfx_audio.components.audio_example_gen.listing.listing import (
    Listing,
    allowed_roots,
    size_problem,
)
from tfx_audio.components.audio_example_gen.listing.manifest import ManifestRow, seconds
from tfx_audio.components.audio_example_gen.listing.manifest_tables import Manifest
from tfx_audio.components.audio_example_gen.listing.split_lists import SplitLists
from tfx_audio.components.open_files import is_local

MAX_ID_CHARS = 4096
_COMMAND = "|"


def list_manifests(
    manifests: Sequence[Manifest], listing: Listing, lists: SplitLists, unlabelled: bool = False
) -> None:
    """List the clips of tables, those of one recording together; see `list_recordings`."""
    lister = _Lister(listing, lists, unlabelled)
    for manifest in manifests:
        lister.add(manifest)
    for uri, (path, size, rows) in sorted(lister.files.items()):
        together = _overlap(rows)
        one = Recording(uri, path, tuple(rows), size, keep_together=together, roots=listing.roots)
        listing.recordings.append(one)
        listing.given_splits |= {row.split for row in rows if row.split}


def note_unlisted(home: str, tables: str, not_clips: Sequence[str], listing: Listing) -> None:
    """Say which audio below a folder no table names, and count it."""
    named = {os.path.realpath(recording.uri) for recording in listing.recordings}
    rejected = {rejection.path for rejection in listing.rejections}
    unlisted = []
    for file in walk(home, allowed_roots(listing.config), lambda path, problem: None):
        suffix = posixpath.splitext(file.path)[1].lower()
        if suffix not in AUDIO_SUFFIXES:
            listing.ignored.append(file.path)
        elif any(fnmatchcase(file.path, pattern) for pattern in not_clips):
            listing.passed_over["no clip"] += 1
        elif os.path.realpath(file.uri) not in named and file.path not in rejected:
            unlisted.append(file.path)
    if unlisted:
        listing.passed_over[f"not in {tables}"] += len(unlisted)
        listing.note(
            f"{tables} names {len(named)} audio files and not {len(unlisted)} others, for "
            f"instance {unlisted[0]!r} (--layout none takes the folders instead)"
        )


def _overlap(rows: list[Row]) -> bool:
    """Return whether clips of one recording have audio in common."""
    spans = sorted((row.start_s, math.inf if row.end_s is None else row.end_s) for row in rows)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(spans))


class _Lister:
    """Turns rows into clips, or rejects them."""

    def __init__(self, listing: Listing, lists: SplitLists, unlabelled: bool) -> None:
        self._config = listing.config
        self._listing = listing
        self._lists = lists
        self._unlabelled = unlabelled
        self._allowed = allowed_roots(listing.config)
        self._ids: set[str] = set()
        self._problems: dict[str, Problem | None] = {}
        self.files: dict[str, tuple[str, int, list[Row]]] = {}

    def add(self, manifest: Manifest) -> None:
        """Add the rows of a manifest."""
        roles = manifest.roles(self._config)
        places = AudioPlaces(self._config, manifest, roles, self._allowed)
        labels = LabelReader(self._config, manifest, roles)
        uris = [places.uri(row) for row in manifest.rows]
        paths = [_relative(uri, self._config.path) for uri in uris]
        labeller = Labeller(self._config, paths)
        for row, uri, path in zip(manifest.rows, uris, paths, strict=True):
            if problem := row.problem or _odd_name(row, roles, labels.several):
                self._reject_lines(manifest, row, problem, row.n_lines)
                continue
            if not uri:
                self._reject_lines(manifest, row, "the row names no audio")
                continue
            guessed = labeller.row(path)
            try:
                self._add_clip(uri, row, roles, manifest, guessed, labels)
            except ValueError as error:
                self._reject_lines(manifest, row, str(error))

    def _reject_lines(
        self, manifest: Manifest, row: ManifestRow, problem: str, n_lines: int = 1
    ) -> None:
        """Reject a row by its line, or by each: any of them may have been a clip."""
        name = posixpath.basename(manifest.uri)
        for line in range(row.line, row.line + n_lines):
            self._listing.reject(f"{name}:{line}", ("bad_row", problem))

    def _add_clip(
        self,
        uri: str,
        row: ManifestRow,
        roles: Columns,
        manifest: Manifest,
        guessed: Row,
        labels: LabelReader,
    ) -> None:
        """Add one clip; raises ValueError for a row that makes no sense."""
        path, values, layout = guessed.clip_id, row.values, manifest.layout
        if self._listing.excludes(path):
            return
        label = labels.read(values) if labels.is_said else guessed.label
        split = self._split(path, values.get(roles.split, "").strip(), roles.split, manifest.split)
        start_s, end_s = _span(values, roles)
        is_piece = start_s > 0 or end_s is not None
        clip_id = values.get(roles.id, "").strip()
        clip_id = clip_id or (piece_id(path, start_s, end_s) if is_piece else path)
        if split is None:
            self._listing.passed_over["in no list of splits"] += 1
            return
        problem = None if self._unlabelled and not label else labels.problem(label)
        if problem and not label and layout.unlabelled == "ignored":
            self._listing.passed_over["without a label"] += 1
            return
        place = self._file_problem(uri)
        if place and place[0] == "missing_file" and layout.missing == "ignored":
            self._listing.passed_over["row without its audio"] += 1
            return
        problem = problem or place or self._id_problem(clip_id)
        if problem:
            self._listing.reject(clip_id, problem, label)
            return
        self._ids.add(clip_id)
        fields = {name: values.get(name, "") for name in self._config.fields}
        clip = Row(
            clip_id=clip_id,
            label=label,
            group=values.get(roles.group, "").strip() or guessed.group,
            split=split or guessed.split,
            start_s=start_s,
            end_s=end_s,
            fields={**guessed.fields, **fields},
        )
        size = _size(uri) if uri not in self.files else 0
        self.files.setdefault(uri, (path, size, []))[2].append(clip)

    def _split(self, path: str, given: str, column: str, of_table: str) -> str | None:
        """Return a row's split, empty if nothing says it, None for a clip that is left out."""
        if given and not split_of_name(given):
            raise ValueError(f"{column} is {shorten(given, 50)!r}; train, eval or test is known")
        if split := split_of_name(given) or of_table:
            return split
        return self._lists.split(path)

    def _file_problem(self, uri: str) -> Problem | None:
        if uri not in self._problems:
            if uri.rstrip().endswith(_COMMAND) or uri.lstrip().startswith(_COMMAND):
                problem: Problem | None = ("command", "a command in place of a file is never run")
            else:
                problem = self._allowed.problem(uri)
            if not problem:
                problem = size_problem(_size(uri), self._config)
            self._problems[uri] = problem
        return self._problems[uri]

    def _id_problem(self, clip_id: str) -> Problem | None:
        if clip_id in self._ids:
            return "duplicate_id", "an earlier row has the same id, or the same audio"
        if len(clip_id) > MAX_ID_CHARS:
            return "bad_row", f"an id of {len(clip_id)} characters; {MAX_ID_CHARS} at most"
        return None


def _size(uri: str) -> int:
    """Return a local file's size; 0 for one elsewhere, or that is gone by now."""
    try:
        return os.path.getsize(uri) if is_local(uri) else 0
    except OSError:
        return 0


def _odd_name(row: ManifestRow, roles: Columns, several_labels: bool) -> str:
    """Return what is wrong with a row's names; numbers are checked where they are read."""
    label = "" if several_labels else roles.label
    columns = (roles.audio, label, roles.split, roles.group, roles.id)
    return next((f"{name} {row.odd[name]}" for name in columns if name and name in row.odd), "")


def _span(values: Mapping[str, str], roles: Columns) -> tuple[float, float | None]:
    """Return a row's start and end in seconds; a duration alone says nothing of a piece."""
    start = seconds(values.get(roles.start, ""), roles.start)
    end = seconds(values.get(roles.end, ""), roles.end)
    if end is None and start is not None:
        duration = seconds(values.get(roles.duration, ""), roles.duration)
        end = None if duration is None else start + duration
    if end is not None and end <= (start or 0.0):
        raise ValueError(f"the clip ends at {end:g} s and starts at {start or 0.0:g} s")
    return start or 0.0, end


def _relative(uri: str, root: str) -> str:
    """Return a path relative to the data root where it lies in it, else as it is."""
    if is_local(uri):
        absolute, root = os.path.abspath(uri), os.path.abspath(root)
    else:
        absolute = uri
    prefix = root.rstrip("/") + "/"
    return absolute[len(prefix) :] if absolute.startswith(prefix) else absolute
