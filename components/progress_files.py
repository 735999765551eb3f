"""Progress of a running Beam job, counted by its workers.

Beam's local runner hands out metrics when a stage has ended, so a display would stand still all
through the only stage that matters. Instead every worker writes the number of clips it has
finished into a small file of its own, about once a second, and the process that waits for the
job adds them up. It works in process, with worker processes, and on a cluster whose workers
write to the same file system. A retried bundle counts again: the sum is cut off at the total.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Iterator

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio import progress
from tfx_audio.components.open_files import match_files, open_file

_LOGGER = logging.getLogger(__name__)
INTERVAL_S = 1.0


class FinishedCount:
    """One worker's count of finished clips; writes nothing if there is no folder."""

    def __init__(self, folder: str) -> None:
        self._path = FileSystems.join(folder, f"{uuid.uuid4().hex}.count") if folder else ""
        self._finished = 0
        self._next_write = time.monotonic() + INTERVAL_S

    def add(self, clips: int) -> None:
        """Count finished clips, and write the sum if the last writing is a second ago."""
        self._finished += clips
        if self._path and time.monotonic() >= self._next_write:
            self.write()

    def write(self) -> None:
        """Write the sum now."""
        if not self._path:
            return
        with FileSystems.create(self._path, "text/plain") as file:
            file.write(f"{self._finished}\n".encode())
        self._next_write = time.monotonic() + INTERVAL_S


def finished(folder: str) -> int:
    """Return the sum of all counts in a folder; one that is just being written counts 0."""
    total = 0
    for path in match_files(folder, "*.count"):
        with open_file(path) as file:
            text = file.read()
        if text.endswith(b"\n"):
            total += int(text)
    return total


@contextlib.contextmanager
def follow(folder: str, stage: str, total: int | None, unit: str = "clips") -> Iterator[None]:
    """Report progress from `folder` while the block runs, and remove the folder afterwards."""
    FileSystems.mkdirs(folder)
    stop = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(folder, stage, total, unit, stop), name="progress", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        FileSystems.delete([folder])


def _watch(folder: str, stage: str, total: int | None, unit: str, stop: threading.Event) -> None:
    last = -1
    while not stop.wait(INTERVAL_S):
        try:
            done = finished(folder)
        except Exception as error:  # a display must never end the work that it shows
            _LOGGER.debug("progress of %s can't be read: %s", stage, error)
            continue
        done = done if total is None else min(done, total)
        if done > last:
            progress.report(stage, done, total, unit)
            last = done
