"""A command's output folder: it appears when it is whole, and one run at a time works on it."""

import contextlib
import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from tfx_audio.components.audio.errors import InvalidInput, check_no_pattern
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.components.whole_files import InUse, locked, temporary_files_in

RESULT = "result"
_LOCK = "lock"
_GONE = "-gone-"


def unfinished_folder(out: Path) -> Path:
    """Return where the work on an output lies until it is whole."""
    return out.parent / f".{out.name}.unfinished"


@contextlib.contextmanager
def appearing_when_whole(out: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `out`, of which the part `RESULT` becomes `out` at the end.

    The next run finds there what a killed run has left, except in `RESULT`, which starts empty.
    The folder is removed if the input can't be used.

    Raises:
      InvalidInput: If `out` is there, can't be written, or another run works on it.
    """
    check_no_pattern("--out", str(out.absolute()))
    _check_free(out)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_held(unfinished_folder(out)))
            _empty(folder / RESULT)
            stack.enter_context(temporary_files_in(folder / ".tmp"))
        except InUse:
            raise InvalidInput(
                f"--out: another run is writing {out}; wait for it, or give another folder"
            ) from None
        except OSError as error:
            raise InvalidInput(f"--out: {out} can't be written: {error.strerror}") from error
        try:
            _check_free(out)
            yield folder
            _give_name(folder / RESULT, out)
        except (InvalidInput, TooManyRejected):
            _remove(folder)
            raise
        _remove(folder)


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise InvalidInput(f"--out: {out} exists already; give a folder that does not")


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """Make a folder and hold its lock; where there are no locks, one with a name of its own."""
    with contextlib.ExitStack() as stack:
        has_locks = None
        while has_locks is None:
            folder.mkdir(parents=True, exist_ok=True)
            # its last holder may be removing it
            with contextlib.suppress(FileNotFoundError):
                has_locks = stack.enter_context(locked(folder / _LOCK))
        for stale in folder.parent.glob(f"{glob.escape(folder.name)}{_GONE}*"):
            shutil.rmtree(stale, ignore_errors=True)
        if not has_locks:
            folder = folder.with_name(f"{folder.name}-{uuid.uuid4().hex}")
            folder.mkdir()
        yield folder


def _remove(folder: Path) -> None:
    """Remove a folder that the next run may make anew before this is done."""
    gone = folder.with_name(f"{folder.name}{_GONE}{uuid.uuid4().hex}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _give_name(folder: Path, out: Path) -> None:
    """Rename the finished folder, or keep it beside what has taken its name meanwhile.

    Raises:
      InvalidInput: If it was taken.
    """
    try:
        folder.rename(out)
    except OSError as error:
        kept = out.parent / f"{out.name}.finished-{uuid.uuid4().hex[:8]}"
        folder.rename(kept)
        raise InvalidInput(
            f"--out: {out} was made by somebody else meanwhile ({error.strerror}); "
            f"the result is whole and lies in {kept}"
        ) from error
