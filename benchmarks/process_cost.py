"""What a process takes, with all that it starts: wall time, CPU time, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tfx_audio.components.audio.records.tfrecord import read_records

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "GRPC_VERBOSITY": "ERROR"}


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds on the clock, CPU seconds, peak memory in MB."""

    wall_s: float
    cpu_s: float
    rss_mb: float


def measure_script(script: Path, name: str, *args: object) -> Cost:
    """Run ``script name args…`` in a process of its own.

    Raises:
      SystemExit: If it fails, with what it printed.
    """
    command = [sys.executable, str(script), name, *map(str, args)]
    before, start = os.times(), time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | QUIET, stderr=subprocess.PIPE)
    watch = _PeakMemory(process.pid)
    _, errors = process.communicate()
    wall_s, after = time.perf_counter() - start, os.times()
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{errors.decode()}")
    cpu_s = after.children_user + after.children_system
    cpu_s -= before.children_user + before.children_system
    return Cost(wall_s, cpu_s, watch.stop())


def count_records(path: Path) -> int:
    """Count the records of a TFRecord file."""
    with path.open("rb") as file:
        return sum(1 for _ in read_records(file))


class _PeakMemory:
    """Follows the resident memory of a process and all that it starts."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the peak in MB."""
        self._done.set()
        self._thread.join()
        return self._peak / 1e6

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                total = sum(process.memory_info().rss for process in family)
            except psutil.NoSuchProcess:
                continue
            self._peak = max(self._peak, total)
