"""Opening what a user names: a file, and nothing that waits or never ends."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from tfx_audio.components.audio.errors import InvalidInput


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file of this machine for reading.

    Raises:
      OSError: If it can't be opened, or is a folder, a pipe, a socket or a device: opening or
        reading one of those may wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_text(path: str | Path, what: str, max_bytes: int) -> str:
    """Return a text file's content.

    Args:
      path: The file.
      what: What it is, for messages (``policy``, ``configuration``).
      max_bytes: The most that it may have.

    Raises:
      FileNotFoundError: If there is no such file.
      InvalidInput: If it can't be read, is larger, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"the {what} {str(path)!r} can't be read: {reason}") from None
    if len(data) > max_bytes:
        raise InvalidInput(f"{path}: a {what} has at most {max_bytes} bytes; this has more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}: a {what} is UTF-8 text; this is not") from None
