"""Records of CSV and TSV text with the lines they cover; a quote may swallow none in silence."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tfx_audio.components.audio.errors import InvalidInput

_DELIMITERS = ("\t", ",", ";", "|")
_EXCELS_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class CsvRecord(NamedTuple):
    """One record.

    Attributes:
      line: Its first line, from 1.
      n_lines: How many it covers; more than one where a quoted field has line ends.
      values: Its fields, none for an empty line.
      problem: Why it can't be trusted, empty if it can.
    """

    line: int
    n_lines: int
    values: list[str]
    problem: str = ""


class _Lines:
    """The lines that `csv.reader` takes, then an empty one.

    Attributes:
      taken: The lines of the record at hand.
      at_end: Whether the empty one was taken, which only an open quote adds to a record.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.taken: list[str] = []
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken.append(line)
            yield line
        self.at_end = True
        yield ""


def header_delimiter(text: str) -> tuple[str, int]:
    """Return what divides the columns, and how many lines before the header say nothing else.

    The header alone decides: values have commas in them, names of columns hardly ever.
    `csv.Sniffer` looks at the values, which may hold any character.
    """
    lines = io.StringIO(text, newline="")
    header = lines.readline()
    if named := _EXCELS_LINE.fullmatch(header):
        return named.group(1), 1
    counts = {d: len(next(csv.reader([header], delimiter=d), [])) for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter]), 0


def blank_separated(text: str, n_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and columns of text in which blanks divide them; the last may have some."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.split(None, n_columns - 1)


def csv_records(
    lines: Iterable[str],
    delimiter: str,
    uri: str,
    quotes: bool = True,
    comment: str = "",
    lines_before: int = 0,
) -> Iterator[CsvRecord]:
    """Yield the records of CSV text.

    A record of one line is read as leniently as `csv` does; one of several lines must be written
    by the rules, as else a quote that is closed nowhere would end at the next one that opens.

    Args:
      lines: The text.
      delimiter: Between columns.
      uri: The file, for messages.
      quotes: Whether a double quote encloses a value; else it is text.
      comment: What lines that are no records begin with.
      lines_before: How many lines the file has before these.

    Raises:
      InvalidInput: If a quote is open at the end, or a field is larger than any real one.
    """
    if comment:
        lines = ("\n" if line.startswith(comment) else line for line in lines)
    source = _Lines(lines)
    form: dict[str, Any] = {"delimiter": delimiter, "skipinitialspace": delimiter != "\t"}
    reader = csv.reader(source, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE, **form)
    first = 1 + lines_before
    try:
        for values in reader:
            if source.at_end and values:
                opened = lines_before + reader.line_num - max(1, _count_lines(values[-1]))
                raise InvalidInput(
                    f"the manifest {uri!r}, line {opened}: a quote opens here and is closed nowhere"
                )
            n_lines = len(source.taken)
            problem = _problem_of_lines(source.taken, form, first) if n_lines > 1 else ""
            yield CsvRecord(first, n_lines, values, problem)
            source.taken.clear()
            first = lines_before + reader.line_num + 1
    except csv.Error as error:
        over = (
            f", open up to line {lines_before + reader.line_num}" if reader.line_num > first else ""
        )
        raise InvalidInput(f"the manifest {uri!r}, line {first}{over}: {error}") from error


def _count_lines(text: str) -> int:
    """Count the lines that a field covers, as a file's lines are counted."""
    return sum(1 for _ in io.StringIO(text, newline=""))


def _problem_of_lines(lines: list[str], form: dict[str, Any], first: int) -> str:
    """Return why a record of several lines breaks the rules of CSV, empty if it doesn't."""
    try:
        next(csv.reader(lines, strict=True, **form))
    except csv.Error as error:
        last = first + len(lines) - 1
        return f"a quote goes over lines {first} to {last} and ends where no field does: {error}"
    return ""
