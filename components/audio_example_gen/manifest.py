"""Manifests: CSV, TSV or JSON Lines, a row a clip."""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio_example_gen.files import open_file

MAX_BYTES = 2**30
_MAX_SECONDS = 1e7
_JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")


@dataclass(frozen=True)
class ManifestRow:
    """One row.

    Attributes:
      line: Its number in the file, from 1.
      values: Text by column.
      problem: Why it can't be read, empty if it can.
    """

    line: int
    values: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def read_manifest(uri: str) -> Iterator[ManifestRow]:
    """Yield the rows of a manifest; its suffix or its first line tells its format.

    Raises:
      InvalidInput: If it can't be read as one: missing, too large, with a NUL, no header, or
        a field larger than any real one.
    """
    lines = io.StringIO(_text(uri), newline="")
    first = lines.readline()
    lines.seek(0)
    suffix = posixpath.splitext(uri)[1].lower()
    if suffix in _JSON_SUFFIXES or (not suffix and first.lstrip().startswith("{")):
        yield from _json_rows(lines)
    else:
        tabs = suffix == ".tsv" or (suffix != ".csv" and "\t" in first)
        yield from _csv_rows(lines, "\t" if tabs else ",", uri)


def _text(uri: str) -> str:
    try:
        with open_file(uri) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"the manifest {uri!r} can't be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"the manifest {uri!r} is larger than {MAX_BYTES} bytes")
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise InvalidInput(f"the manifest {uri!r} is no text: line {line} has a NUL")
    return str(data.decode("utf-8-sig", "surrogateescape"))


def _csv_rows(lines: io.StringIO, delimiter: str, uri: str) -> Iterator[ManifestRow]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header or len(set(header)) < len(header):
            raise InvalidInput(
                f"the manifest {uri!r} needs a first line with a different name for each column; "
                f"got {header}"
            )
        for values in reader:
            if not values:
                continue
            if len(values) > len(header):
                problem = f"{len(values)} values for {len(header)} columns"
                yield ManifestRow(reader.line_num, problem=problem)
                continue
            values += [""] * (len(header) - len(values))
            yield _checked(reader.line_num, dict(zip(header, values, strict=True)))
    except csv.Error as error:
        raise InvalidInput(f"the manifest {uri!r}, line {reader.line_num}: {error}") from error


def _json_rows(lines: io.StringIO) -> Iterator[ManifestRow]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            if not isinstance(values, dict):
                yield ManifestRow(number, problem="no JSON object")
                continue
            texts = {str(name): _as_text(value) for name, value in values.items()}
        except (ValueError, RecursionError) as error:
            yield ManifestRow(number, problem=f"no JSON: {error}")
            continue
        yield _checked(number, texts)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _checked(line: int, values: dict[str, str]) -> ManifestRow:
    try:
        "".join(values.values()).encode("utf-8")
    except UnicodeEncodeError:
        return ManifestRow(line, problem="the row is not UTF-8")
    values.pop("", None)  # pandas writes its index under no name
    return ManifestRow(line, values)


def seconds(text: str, column: str) -> float | None:
    """Return a manifest's number of seconds, None for an empty text.

    Raises:
      ValueError: If it is no number of seconds.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MAX_SECONDS:
        raise ValueError(f"{column} is {shorten(text, 50)!r}, which is no number of seconds")
    return value
