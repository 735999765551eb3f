"""Errors that the user can correct: wrong arguments, unusable files, bad policies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InvalidInput(ValueError):
    """Something the user gave can't be used.

    The message says what was expected, what came, and where. The command line prints it
    without a traceback and exits with status 2; a scheduler finds it as the last log line.
    """


class JobFailed(RuntimeError):
    """Something failed that is no fault of the input.

    The message is one sentence that says what happened and what to do. The command line prints it
    without a traceback and exits with status 1.
    """


def check_no_pattern(name: str, path: str) -> None:
    """Refuse a path to write to that Beam would take for a file pattern.

    Raises:
      InvalidInput: If it has ``*``, ``?`` or ``[``.
    """
    found = sorted(set("*?[") & set(path))
    if found:
        raise InvalidInput(
            f"{name}: expected a path without {found[0]!r}, got {path!r}: Beam, which writes "
            "there, reads *, ? and [ as parts of a file pattern and can't be told otherwise"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
