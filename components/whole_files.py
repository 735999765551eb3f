"""Files that are there whole or not at all, and folders that one run at a time writes to.

A name says nothing about who is at work: process numbers mean something in their own container
only. A lock does, and the system gives it back when its holder dies, however it dies.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def write_whole(path: str | Path, data: bytes | str) -> None:
    """Write a file in place of what is there, so that nobody ever sees a part of it.

    Raises:
      OSError: If it can't be written; the file is as it was then.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            part.chmod(path.stat().st_mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class InUse(RuntimeError):
    """Somebody else holds the lock."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file, which is made where there is none, while the block runs.

    Yields:
      True; False on a file system that has no locks.

    Raises:
      InUse: If another process holds it, in this container or in another one.
      OSError: If the file can't be made.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            has_locks = _lock(file)
            if _is_at(file, path):
                yield has_locks
                return
        finally:
            os.close(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InUse from error
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _is_at(file: int, path: Path) -> bool:
    """Return whether the path still names the open file: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Keep temporary files, Beam's and its workers' too, where the next run clears them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder.absolute())
    try:
        yield
    finally:
        os.environ.pop("TMPDIR")
        if before[0] is not None:
            os.environ["TMPDIR"] = before[0]
        tempfile.tempdir = before[1]
        shutil.rmtree(folder, ignore_errors=True)
