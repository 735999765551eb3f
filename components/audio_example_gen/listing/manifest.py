"""Manifests: tables with a row a clip, as programs write them."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.manifest_cells import is_ours, unguarded
from tfx_audio.components.audio.rejection import shorten
from tfx_audio.components.audio_example_gen.listing.manifest_csv import (
    blank_separated,
    csv_records,
    header_delimiter,
)
from tfx_audio.components.audio_example_gen.listing.manifest_json import json_rows
from tfx_audio.components.audio_example_gen.listing.manifest_text import read_text
from tfx_audio.components.config_section import ConfigSection

_MAX_SECONDS = 1e7
BLANKS = "blanks"


class Dialect(ConfigSection):
    """How a table is written, as far as its own header does not say."""

    columns: tuple[str, ...] = Field(
        (), description="Names of the columns, where the table has no header line."
    )
    delimiter: str = Field(
        "", description="Between columns; 'blanks' for any number of them. Empty: see the header."
    )
    quotes: bool | None = Field(
        None,
        description="Whether a double quote encloses a value. Without it: yes, but between tabs "
        "only where the header's names are quoted.",
    )
    comment: str = Field("", description="What lines that say nothing begin with.")
    encoding: str = Field("", description="Coding of the text; empty for what its bytes say.")
    nested: bool = Field(
        False, description="JSON: whether values within objects and lists are columns, as 'a.0.b'."
    )


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


def read_manifest(
    uri: str, dialect: Dialect | None = None, note: Callable[[str], None] = lambda note: None
) -> Iterator[ManifestRow]:
    """Yield the rows of a table; its content tells its format.

    Args:
      uri: The file.
      dialect: What is known of its format beforehand.
      note: Called with a sentence for people about what had to be inferred.

    Raises:
      InvalidInput: If it can't be read as one: missing, too large, with a NUL, no header, a
        quote that is not closed, or a field larger than any real one.
    """
    dialect = dialect or Dialect()
    text = read_text(uri, dialect.encoding, note)
    if text.lstrip()[:1] in ("{", "[") and not dialect.columns:
        for line, values, problem, odd in json_rows(text, dialect.nested):
            yield ManifestRow(line, problem=problem) if problem else _checked(line, values, odd=odd)
    elif dialect.delimiter == BLANKS:
        for line, fields in blank_separated(text, len(dialect.columns)):
            yield _checked(line, dict(zip(dialect.columns, fields, strict=False)))
    else:
        yield from _csv_rows(text, dialect, uri)


def _csv_rows(text: str, dialect: Dialect, uri: str) -> Iterator[ManifestRow]:
    lines = io.StringIO(text, newline="")
    telling = text
    while dialect.comment and telling.startswith(dialect.comment):
        telling = telling.partition("\n")[2]
    delimiter, skipped = header_delimiter(telling)
    delimiter = dialect.delimiter or delimiter
    for _ in range(skipped):
        lines.readline()
    quotes = dialect.quotes
    if quotes is None:
        quotes = delimiter != "\t" or text.lstrip().startswith('"')
    records = csv_records(lines, delimiter, uri, quotes, dialect.comment, skipped)
    header = list(dialect.columns)
    if not header:
        first = next(records, None)
        header = [name.strip() for name in first.values] if first and not first.problem else []
        named = [name for name in header if name]
        if not named or len(set(named)) < len(named):
            raise InvalidInput(
                f"the manifest {uri!r} needs a first line with a different name for each column; "
                f"got {shorten(str(header))}"
            )
    ours = is_ours(header)
    for line, n_lines, values, problem in records:
        if not any(value.strip() for value in values) and not problem:
            continue
        while len(values) > len(header) and not values[-1].strip():
            values.pop()
        if len(values) > len(header):
            problem = problem or f"{len(values)} values for {len(header)} columns"
        if problem:
            yield ManifestRow(line, problem=problem, n_lines=n_lines)
            continue
        values = [unguarded(value) for value in values] if ours else values
        values += [""] * (len(header) - len(values))
        by_column = dict(zip(header, values, strict=True))
        yield _checked(line, by_column, n_lines, _over_lines(by_column) if n_lines > 1 else {})


def _over_lines(values: Mapping[str, str]) -> dict[str, str]:
    """Say of the columns whose value has line ends that it has."""
    odd = "has a line end in it, as where a quote is not closed"
    return {name: odd for name, value in values.items() if "\n" in value or "\r" in value}


def _checked(
    line: int, values: dict[str, str], n_lines: int = 1, odd: Mapping[str, str] | None = None
) -> ManifestRow:
    try:
        "".join(values.values()).encode("utf-8")
    except UnicodeEncodeError:
        return ManifestRow(line, problem="the row is not UTF-8", n_lines=n_lines)
    values.pop("", None)  # pandas writes its index under no name, spreadsheets empty columns
    return ManifestRow(line, values, n_lines=n_lines, odd=odd or {})


def seconds(text: str, column: str) -> float | None:
    """Return a manifest's number of seconds, None for an empty text; 0,5 is a half.

    Raises:
      ValueError: If it is not a number of seconds.
    """
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MAX_SECONDS:
        raise ValueError(f"{column} is {shorten(text, 50)!r}, which is not a number of seconds")
    return value
