"""The tables of a data set, read: those that the user names, or those of a layout."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio.splits import split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import Columns, find_roles
from tfx_audio.components.audio_example_gen.listing.layout import Layout, TableFile
from tfx_audio.components.audio_example_gen.listing.listing import Listing, allowed_roots
from tfx_audio.components.audio_example_gen.listing.manifest import (
    Dialect,
    ManifestRow,
    read_manifest,
    seconds,
)
from tfx_audio.components.audio_example_gen.listing.recognise import FoundLayout, split_files

TABLE = "table"
_DialectT = TypeVar("_DialectT", bound=Dialect)


@dataclass(frozen=True)
class Manifest:
    """A table with a row a clip, read.

    Attributes:
      uri: Where it lies.
      rows: Its rows.
      split: The split of all of its clips, empty if their rows say it or nothing does.
      audio: Where the rows' audio lies, as `Layout.audio`; empty where a column says it.
      layout: What is known of it beforehand.
      home: The folder that the layout's places are relative to.
    """

    uri: str
    rows: list[ManifestRow]
    split: str
    audio: tuple[str, ...]
    layout: Layout
    home: str

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in order; JSON objects may have different ones."""
        names: dict[str, None] = {}
        for row in self.rows:
            if not names.keys() >= row.values.keys():
                names.update(dict.fromkeys(row.values))
        return list(names)

    def roles(self, config: IngestConfig) -> Columns:
        """Return what the columns mean."""
        return find_roles(config.columns, self.columns, repr(self.uri), self.layout.columns)

    def names_audio(self, config: IngestConfig) -> bool:
        """Return whether it is what it was taken for, and not some other table or text."""
        roles = self.roles(config)
        if not (self.audio or roles.audio):
            return False
        readable = next((row for row in self.rows if not row.problem), None)
        try:
            seconds(readable.values.get(roles.start, "") if readable else "", roles.start)
        except ValueError:
            return not self.layout.tables[0].columns  # a text without a header is not a table
        return True


def named_manifests(
    config: IngestConfig, found: FoundLayout | None, listing: Listing
) -> list[Manifest]:
    """Read the tables that `data.manifest` names.

    Raises:
      InvalidInput: If one can't be read or names no audio.
    """
    layout = found.layout if found else Layout(title="a manifest", tables=(TableFile(file="*"),))
    manifests = []
    for name in config.manifest:
        split, uri = _split_and_file(name, len(config.manifest) > 1)
        if not FileSystems.exists(uri) and not os.path.isabs(uri):
            uri = FileSystems.join(config.path, uri)
        table = layout.tables[0].model_copy(update={"split": split} if split else {})
        manifest = _read(uri, table, layout, config.path, config, listing)
        _check_columns(config, manifest)
        manifests.append(manifest)
    return manifests


def _split_and_file(name: str, is_one_of_several: bool) -> tuple[str, str]:
    """Divide ``eval=dev.tsv``; of several files their names say the splits, if they do."""
    before, separator, file = name.partition("=")
    if separator and (split := split_of_name(before)):
        return split, file
    words = re.split(r"[^A-Za-z]+", posixpath.basename(name)) if is_one_of_several else []
    splits = {split for word in words if (split := split_of_name(word))}
    return splits.pop() if len(splits) == 1 else "", name


def layout_manifests(config: IngestConfig, found: FoundLayout, listing: Listing) -> list[Manifest]:
    """Read the tables of a layout, as far as they name audio.

    Tables named after splits give way to one for all.

    Raises:
      InvalidInput: If one of them can't be read.
    """
    manifests: list[Manifest] = []
    allowed = allowed_roots(config)
    for table in found.layout.tables:
        if "{split}" in table.file and any(not manifest.split for manifest in manifests):
            continue
        for path, split in split_files(found.home, table.file, allowed):
            uri = FileSystems.join(found.home, path)
            if table.unless and FileSystems.exists(_beside(uri, table.unless)):
                continue
            of_split = table.model_copy(update={"split": table.split or split})
            manifest = _read(uri, of_split, found.layout, found.home, config, listing)
            if manifest.names_audio(config):
                _check_readable(manifest)
                manifests.append(manifest)
    return manifests


def _read(
    uri: str, table: TableFile, layout: Layout, home: str, config: IngestConfig, listing: Listing
) -> Manifest:
    """Read a table, with the columns that others add to it, and the rows that are clips."""
    rows = list(read_manifest(uri, _coded(table, config), listing.note))
    for join in layout.joins:
        rows = list(_joined(rows, _beside(uri, join.file), join.key, _coded(join, config), listing))
    if any("{" + TABLE + "}" in audio for audio in layout.audio):
        stem = posixpath.splitext(posixpath.basename(uri))[0]
        rows = [replace(row, values={**row.values, TABLE: stem}) for row in rows]
    rows = [
        row
        for row in rows
        if row.problem or all(row.values.get(k) == value for k, value in layout.where.items())
    ]
    return Manifest(uri, rows, table.split, table.audio or layout.audio, layout, home)


def _coded(dialect: _DialectT, config: IngestConfig) -> _DialectT:
    coding = dialect.encoding or config.encoding
    return dialect.model_copy(update={"encoding": coding})


def _beside(uri: str, name: str) -> str:
    return str(FileSystems.join(FileSystems.split(uri)[0], name))


def _joined(
    rows: list[ManifestRow], uri: str, key: str, dialect: Dialect, listing: Listing
) -> Iterator[ManifestRow]:
    """Yield rows with the columns that another table has for their key, if there is one."""
    if not FileSystems.exists(uri):
        yield from rows
        return
    added = {
        row.values.get(key, ""): row.values for row in read_manifest(uri, dialect, listing.note)
    }
    for row in rows:
        more = added.get(row.values.get(key, ""), {})
        yield replace(row, values={**more, **row.values})


def _check_readable(manifest: Manifest) -> None:
    if any(row.values and not row.problem for row in manifest.rows):
        return
    first = next((row for row in manifest.rows if row.problem), None)
    why = f"; line {first.line}: {shorten(first.problem)}" if first else ""
    raise InvalidInput(f"the manifest {manifest.uri!r} has no row that can be read{why}")


def _check_columns(config: IngestConfig, manifest: Manifest) -> None:
    _check_readable(manifest)
    names = manifest.columns
    if not (manifest.audio or manifest.roles(config).audio):
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
