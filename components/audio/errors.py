"""Errors that the user can correct: wrong arguments, unusable files, bad policies."""

import difflib
import errno
import os
import re
from collections.abc import Iterable

_LONGEST_NAME = 100
_ERRNO = re.compile(r"\[Errno (\d+)\] [^\n:\[]+(?:: '([^'\n]+)')?")
_WAYS_OUT = {
    errno.ENOSPC: "Make room (df -h, and df -i for files), then run again",
    errno.EDQUOT: "Make room within the quota, then run again",
    errno.ENOMEM: "Take fewer workers, or a machine with more memory",
    errno.EMFILE: "Allow more open files (ulimit -n), then run again",
    errno.ENOENT: "It was there before, or was never made: see what removes it, then run again",
    errno.EROFS: "Name a folder that can be written to",
}


class InvalidInput(ValueError):
    """Something the user gave can't be used.

    The message says what was expected, what came, and where. The command line prints it
    without a traceback and exits with status 2; a scheduler finds it as the last log line.
    """


class JobFailed(RuntimeError):
    """Something failed, and the input is not at fault.

    The message is one sentence that says what happened and what to do. The command line prints it
    without a traceback and exits with status 1.
    """


def explain_system(error: BaseException) -> str:
    """Return what the system refused, as one sentence; empty where an error is something else.

    Beam hands on what befell a worker as text only, so the text counts as well.
    """
    if isinstance(error, OSError) and error.errno:
        number, path = error.errno, str(error.filename or "")
    elif isinstance(error, MemoryError):
        number, path = errno.ENOMEM, ""
    elif isinstance(error, (OSError, RuntimeError)) and (text := _ERRNO.search(str(error))):
        number, path = int(text.group(1)), text.group(2) or ""
    else:
        return ""
    what = f"{os.strerror(number)}: {path}" if path else os.strerror(number)
    return f"{what}. {_WAYS_OUT.get(number, '')}".rstrip(" ")


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
    if len(name) > _LONGEST_NAME:  # comparing takes time that grows with the square
        return ""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
