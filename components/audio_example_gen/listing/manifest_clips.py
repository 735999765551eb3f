"""The clips that a manifest names."""

from __future__ import annotations

import itertools
import math
import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.reading.recording import Recording, Row, label_problem, piece_id
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio.splits import SPLITS, split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import Roles, find_roles
from tfx_audio.components.audio_example_gen.listing.files import AllowedRoots, Problem
from tfx_audio.components.audio_example_gen.listing.folders import Labeller
from tfx_audio.components.audio_example_gen.listing.listing import (
    Listing,
    allowed_roots,
    size_problem,
)
from tfx_audio.components.audio_example_gen.listing.manifest import (
    ManifestRow,
    read_manifest,
    seconds,
)
from tfx_audio.components.open_files import is_local

_USUAL = (
    *("metadata.csv", "metadata.tsv", "metadata.jsonl", "meta/esc50.csv"),
    *("manifest.jsonl", "manifest.json", "manifest.csv", "manifest.tsv"),
)
_USUAL_IN_SPLIT = ("metadata.csv", "metadata.tsv", "metadata.jsonl")
_ROWS_TO_FIND_BASE = 20
MAX_ID_CHARS = 4096


@dataclass(frozen=True)
class Manifest:
    """A manifest, read.

    Attributes:
      uri: Where it lies.
      rows: Its rows.
      split: The split whose folder it lies in, empty if none.
    """

    uri: str
    rows: list[ManifestRow]
    split: str = ""


def find_manifests(config: IngestConfig) -> list[Manifest]:
    """Return the manifest that is configured, or those that a convention puts into the root.

    A file of a usual name that names no audio is taken for something else.

    Raises:
      InvalidInput: If the configured one can't be read or names no audio.
    """
    if config.manifest:
        uri = config.manifest
        if not FileSystems.exists(uri) and not os.path.isabs(uri):
            uri = FileSystems.join(config.path, uri)
        manifest = Manifest(uri, list(read_manifest(uri)))
        _check_columns(config, manifest)
        return [manifest]
    if config.label_from:
        return []
    found = [Manifest(uri, list(read_manifest(uri))) for uri in _existing(config, "", _USUAL)]
    for split_folder in _split_folders(config.path) if not found else ():
        uris = _existing(config, split_folder, _USUAL_IN_SPLIT)
        split = split_of_name(split_folder) or ""
        found += [Manifest(uri, list(read_manifest(uri)), split) for uri in uris]
    named = [manifest for manifest in found if _roles(config, manifest).audio]
    for manifest in named:
        _check_readable(manifest)
    return named if any(manifest.split for manifest in named) else named[:1]


def _existing(config: IngestConfig, folder: str, names: Iterable[str]) -> list[str]:
    """Return the files of these names that are there, in an allowed place and files indeed."""
    allowed = allowed_roots(config)
    root = FileSystems.join(config.path, folder) if folder else config.path
    uris = [FileSystems.join(root, name) for name in names]
    return [
        uri
        for uri in uris
        if allowed.problem(uri) is None
        and (os.path.isfile(uri) if is_local(uri) else FileSystems.exists(uri))
    ]


def _split_folders(root: str) -> list[str]:
    if not is_local(root):
        return [name for name in SPLITS if FileSystems.exists(FileSystems.join(root, name))]
    with os.scandir(root) as entries:
        return sorted(e.name for e in entries if split_of_name(e.name) and e.is_dir())


def _columns(manifest: Manifest) -> list[str]:
    """Return the names of all columns, in order; JSON objects may have different ones."""
    names: dict[str, None] = {}
    for row in manifest.rows:
        if not names.keys() >= row.values.keys():
            names.update(dict.fromkeys(row.values))
    return list(names)


def _roles(config: IngestConfig, manifest: Manifest) -> Roles:
    """Return what the columns mean."""
    return find_roles(config.columns, _columns(manifest), repr(manifest.uri))


def _check_readable(manifest: Manifest) -> None:
    if any(row.values and not row.problem for row in manifest.rows):
        return
    first = next((row for row in manifest.rows if row.problem), None)
    why = f"; line {first.line}: {shorten(first.problem)}" if first else ""
    raise InvalidInput(f"the manifest {manifest.uri!r} has no row that can be read{why}")


def _check_columns(config: IngestConfig, manifest: Manifest) -> None:
    _check_readable(manifest)
    names = _columns(manifest)
    if not _roles(config, manifest).audio:
        raise InvalidInput(
            f"no column of the manifest {manifest.uri!r} names the audio: it has "
            f"{', '.join(map(repr, names))}; data.columns.audio names it"
        )
    for name in config.fields:
        if name not in names:
            raise InvalidInput(
                f"data.fields names {name!r}, but the manifest {manifest.uri!r} has "
                f"{', '.join(map(repr, names))}.{did_you_mean(name, names)}"
            )


def list_manifests(
    config: IngestConfig, manifests: list[Manifest], unlabelled: bool = False
) -> Listing:
    """List the clips of manifests, those of one recording together; see `list_recordings`."""
    listing = Listing()
    lister = _Lister(config, listing, unlabelled)
    for manifest in manifests:
        lister.add(manifest)
    for uri, (path, size, rows) in sorted(lister.files.items()):
        together = _overlap(rows)
        listing.recordings.append(Recording(uri, path, tuple(rows), size, keep_together=together))
        listing.said |= {row.split for row in rows if row.split}
    return listing


def _overlap(rows: list[Row]) -> bool:
    """Return whether clips of one recording have audio in common."""
    spans = sorted((row.start_s, math.inf if row.end_s is None else row.end_s) for row in rows)
    return any(end > start for (_, end), (start, _) in itertools.pairwise(spans))


class _Lister:
    """Turns rows into clips, or rejects them."""

    def __init__(self, config: IngestConfig, listing: Listing, unlabelled: bool) -> None:
        self._config = config
        self._listing = listing
        self._unlabelled = unlabelled
        self._allowed: AllowedRoots = allowed_roots(config)
        self._ids: set[str] = set()
        self._problems: dict[str, Problem | None] = {}
        self.files: dict[str, tuple[str, int, list[Row]]] = {}

    def add(self, manifest: Manifest) -> None:
        """Add the rows of a manifest."""
        roles = _roles(self._config, manifest)
        names = [row.values.get(roles.audio, "").strip() for row in manifest.rows]
        base = self._base(manifest.uri, [name for name in names if name])
        paths = [_relative(_join(base, name), self._config.path) for name in names]
        labeller = Labeller(self._config, paths)
        for row, name, path in zip(manifest.rows, names, paths, strict=True):
            if problem := row.problem or _odd_name(row, roles):
                self._reject_lines(manifest, row, problem, row.n_lines)
                continue
            if not name:
                self._reject_lines(manifest, row, "the row names no audio")
                continue
            guessed = labeller.row(path)
            try:
                self._add_clip(_join(base, name), row, roles, manifest.split, guessed)
            except ValueError as error:
                self._reject_lines(manifest, row, str(error))

    def _reject_lines(
        self, manifest: Manifest, row: ManifestRow, problem: str, n_lines: int = 1
    ) -> None:
        """Reject a row by its line, or by each: any of them may have been a clip."""
        name = posixpath.basename(manifest.uri)
        for line in range(row.line, row.line + n_lines):
            self._listing.reject(f"{name}:{line}", ("bad_row", problem))

    def _base(self, manifest_uri: str, names: list[str]) -> str:
        """Return the folder that relative paths start from: the first that has some of them."""
        root = self._config.path
        beside = FileSystems.split(manifest_uri)[0] or "."
        above = FileSystems.split(beside.rstrip("/"))[0]
        bases = [beside, root, *(FileSystems.join(base, "audio") for base in (above, root, beside))]
        some = [name for name in names if len(name) < MAX_ID_CHARS][:_ROWS_TO_FIND_BASE]
        for base in bases:
            if any(self._is_there(_join(base, name)) for name in some):
                return base
        return beside

    def _is_there(self, uri: str) -> bool:
        """Return whether a file exists; what lies outside the allowed roots is not looked at."""
        return self._allowed.problem(uri) is None and (is_local(uri) or FileSystems.exists(uri))

    def _add_clip(self, uri: str, row: ManifestRow, roles: Roles, split: str, guessed: Row) -> None:
        """Add one clip; raises ValueError for a row that makes no sense."""
        path, values = guessed.clip_id, row.values
        label = values.get(roles.label, "").strip() or guessed.label
        said = values.get(roles.split, "").strip()
        start_s, end_s = _span(values, roles)
        is_piece = start_s > 0 or end_s is not None
        clip_id = values.get(roles.id, "").strip()
        clip_id = clip_id or (piece_id(path, start_s, end_s) if is_piece else path)
        if said and not split_of_name(said):
            raise ValueError(
                f"{roles.split} is {shorten(said, 50)!r}; train, eval or test is known"
            )
        problem = None if self._unlabelled and not label else label_problem(label)
        problem = problem or self._file_problem(uri) or self._id_problem(clip_id)
        if problem:
            self._listing.reject(clip_id, problem, label)
            return
        self._ids.add(clip_id)
        fields = {name: values.get(name, "") for name in self._config.fields}
        clip = Row(
            clip_id=clip_id,
            label=label,
            group=values.get(roles.group, "").strip() or guessed.group,
            split=split_of_name(said) or split or guessed.split,
            start_s=start_s,
            end_s=end_s,
            fields={**guessed.fields, **fields},
        )
        size = os.path.getsize(uri) if is_local(uri) and uri not in self.files else 0
        self.files.setdefault(uri, (path, size, []))[2].append(clip)

    def _file_problem(self, uri: str) -> Problem | None:
        if uri not in self._problems:
            problem = self._allowed.problem(uri)
            if not problem and is_local(uri):
                problem = size_problem(os.path.getsize(uri), self._config)
            self._problems[uri] = problem
        return self._problems[uri]

    def _id_problem(self, clip_id: str) -> Problem | None:
        if clip_id in self._ids:
            return "duplicate_id", "an earlier row has the same id, or the same audio"
        if len(clip_id) > MAX_ID_CHARS:
            return "bad_row", f"an id of {len(clip_id)} characters; {MAX_ID_CHARS} at most"
        return None


def _odd_name(row: ManifestRow, roles: Roles) -> str:
    """Return what is wrong with a row's names; numbers are checked where they are read."""
    columns = (roles.audio, roles.label, roles.split, roles.group, roles.id)
    return next((f"{name} {row.odd[name]}" for name in columns if name and name in row.odd), "")


def _span(values: Mapping[str, str], roles: Roles) -> tuple[float, float | None]:
    """Return a row's start and end in seconds; a duration alone says nothing of a piece."""
    start = seconds(values.get(roles.start, ""), roles.start)
    end = seconds(values.get(roles.end, ""), roles.end)
    if end is None and start is not None:
        duration = seconds(values.get(roles.duration, ""), roles.duration)
        end = None if duration is None else start + duration
    if end is not None and end <= (start or 0.0):
        raise ValueError(f"the clip ends at {end:g} s and starts at {start or 0.0:g} s")
    return start or 0.0, end


def _join(base: str, name: str) -> str:
    """Return where a manifest's path leads: absolute ones stand for themselves."""
    return name if "://" in name else FileSystems.join(base, name)


def _relative(uri: str, root: str) -> str:
    """Return a path relative to the data root where it lies in it, else as it is."""
    if is_local(uri):
        absolute, root = os.path.abspath(uri), os.path.abspath(root)
    else:
        absolute = uri
    prefix = root.rstrip("/") + "/"
    return absolute[len(prefix) :] if absolute.startswith(prefix) else absolute
