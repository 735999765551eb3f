"""Records of CSV and TSV text with the lines they cover; a quote may swallow none in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tfx_audio.components.audio.errors import InvalidInput


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


def csv_records(lines: Iterable[str], delimiter: str, uri: str) -> Iterator[CsvRecord]:
    """Yield the records of CSV text.

    A record of one line is read as leniently as `csv` does; one of several lines must be written
    by the rules, as else a quote that is closed nowhere would end at the next one that opens.

    Raises:
      InvalidInput: If a quote is open at the end, or a field is larger than any real one.
    """
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter)
    first = 1
    try:
        for values in reader:
            if source.at_end and values:
                opened = reader.line_num - max(1, _count_lines(values[-1]))
                raise InvalidInput(
                    f"the manifest {uri!r}, line {opened}: a quote opens here and is closed nowhere"
                )
            n_lines = len(source.taken)
            problem = _problem_of_lines(source.taken, delimiter, first) if n_lines > 1 else ""
            yield CsvRecord(first, n_lines, values, problem)
            source.taken.clear()
            first = reader.line_num + 1
    except csv.Error as error:
        over = f", open up to line {reader.line_num}" if reader.line_num > first else ""
        raise InvalidInput(f"the manifest {uri!r}, line {first}{over}: {error}") from error


def _count_lines(text: str) -> int:
    """Count the lines that a field covers, as a file's lines are counted."""
    return sum(1 for _ in io.StringIO(text, newline=""))


def _problem_of_lines(lines: list[str], delimiter: str, first: int) -> str:
    """Return why a record of several lines is none by the rules of CSV."""
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        last = first + len(lines) - 1
        return f"a quote goes over lines {first} to {last} and ends where no field does: {error}"
    return ""
