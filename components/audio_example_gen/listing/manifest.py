"""Manifests: CSV, TSV or JSON Lines, a row a clip."""

from __future__ import annotations

import io
import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio_example_gen.listing.manifest_csv import csv_records
from tfx_audio.components.open_files import open_file

MAX_BYTES = 2**30
_MAX_SECONDS = 1e7
_JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")
_JSON_ARRAY = re.compile(r"\s*\[\s*(?=\{)")


@dataclass(frozen=True)
class ManifestRow:
    """One row.

    Attributes:
      line: The number of its first line in the file, from 1.
      values: Text by column.
      problem: Why it can't be read, empty if it can.
      n_lines: How many lines it covers.
      odd: What is odd about a value, by column: legal where nobody reads it, but no name.
    """

    line: int
    values: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    n_lines: int = 1
    odd: Mapping[str, str] = field(default_factory=dict)


def read_manifest(uri: str) -> Iterator[ManifestRow]:
    """Yield the rows of a manifest; its suffix or its first line tells its format.

    Raises:
      InvalidInput: If it can't be read as one: missing, too large, with a NUL, no header, a
        quote that is not closed, or a field larger than any real one.
    """
    text = _text(uri)
    lines = io.StringIO(text, newline="")
    first = lines.readline()
    lines.seek(0)
    suffix = posixpath.splitext(uri)[1].lower()
    if suffix in _JSON_SUFFIXES or (not suffix and first.lstrip().startswith("{")):
        array = _JSON_ARRAY.match(text)
        yield from [_array_row(text, array.end())] if array else _json_rows(lines)
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
    records = csv_records(lines, delimiter, uri)
    first = next(records, None)
    header = [name.strip() for name in first.values] if first else []
    if not first or not header or first.problem or len(set(header)) < len(header):
        raise InvalidInput(
            f"the manifest {uri!r} needs a first line with a different name for each column; "
            f"got {shorten(str(header))}"
        )
    for line, n_lines, values, problem in records:
        if not values:
            continue
        if len(values) > len(header):
            problem = problem or f"{len(values)} values for {len(header)} columns"
        if problem:
            yield ManifestRow(line, problem=problem, n_lines=n_lines)
            continue
        values += [""] * (len(header) - len(values))
        by_column = dict(zip(header, values, strict=True))
        yield _checked(line, by_column, n_lines, _over_lines(by_column) if n_lines > 1 else {})


def _over_lines(values: Mapping[str, str]) -> dict[str, str]:
    """Say of the columns whose value has line ends that it has."""
    odd = "has a line end in it, as where a quote is not closed"
    return {name: odd for name, value in values.items() if "\n" in value or "\r" in value}


def _json_rows(lines: io.StringIO) -> Iterator[ManifestRow]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_object)
            if not isinstance(values, dict):
                yield ManifestRow(number, problem="no JSON object")
                continue
            texts = {str(name): _as_text(value) for name, value in values.items()}
        except (json.JSONDecodeError, RecursionError) as error:
            yield ManifestRow(number, problem=f"no JSON: {error}")
            continue
        except ValueError as error:
            yield ManifestRow(number, problem=str(error))
            continue
        odd = {name: said for name, value in values.items() if (said := _oddity(value))}
        yield _checked(number, texts, odd=odd)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object; raises ValueError where a key is given twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shorten(twice, 50)!r} is given twice")
    return values


def _oddity(value: object) -> str:
    """Say why a JSON value can be no name, empty if it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {_as_text(value)}, which is no name"
    if isinstance(value, list | dict):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"is {kind}; one text or number is needed"
    return ""


def _array_row(text: str, start: int) -> ManifestRow:
    """Return the one row, unreadable, of a manifest that is a JSON array, with its columns."""
    try:
        values, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        values = {}
    problem = "this is a JSON array; JSON Lines, with an object on each line, is needed"
    return ManifestRow(1, {str(name): "" for name in values}, problem)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _checked(
    line: int, values: dict[str, str], n_lines: int = 1, odd: Mapping[str, str] | None = None
) -> ManifestRow:
    try:
        "".join(values.values()).encode("utf-8")
    except UnicodeEncodeError:
        return ManifestRow(line, problem="the row is not UTF-8", n_lines=n_lines)
    values.pop("", None)  # pandas writes its index under no name
    return ManifestRow(line, values, n_lines=n_lines, odd=odd or {})


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
