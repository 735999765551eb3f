"""What the fault tests share: small data, a policy that takes its time, processes to kill."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 8000


@pytest.fixture
def sounds(tmp_path):
    """24 clips of four seconds, two labels: five spans."""
    folder = tmp_path / "sounds"
    generator = np.random.default_rng(5)
    for index in range(24):
        label = folder / ("low" if index % 2 else "high")
        label.mkdir(parents=True, exist_ok=True)
        noise = generator.uniform(-0.5, 0.5, 4 * RATE)
        soundfile.write(label / f"{index:02}.wav", noise, RATE)
    return folder


@pytest.fixture
def slow_policy(tmp_path):
    """A policy that keeps a core busy for some seconds."""
    file = tmp_path / "slow.yaml"
    file.write_text(
        "seed: 3\ncopies_per_clip: 20\nconditions: {}\n"
        "transforms:\n  - {name: PitchShift, p: 1.0}\n"
    )
    return file


def start(*args, **kwargs):
    """Start `tfx-audio ARGS` in a session of its own; output is captured as text."""
    command = [sys.executable, "-m", "tfx_audio.pipeline.cli", *map(str, args)]
    kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | kwargs
    # a shell's background jobs, and with them these tests and their children, ignore Ctrl-C
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, start_new_session=True, preexec_fn=heed, **kwargs)


def run(*args, timeout=300, **kwargs):
    """Run `tfx-audio ARGS` to its end; return status, stdout, stderr."""
    process = start(*args, **kwargs)
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out, err


def children(pid, of=""):
    """Return the processes that `pid` has started, theirs included, whose command has `of`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            after_name = (entry / "stat").read_text().rpartition(")")[2]
            parents[int(entry.name)] = int(after_name.split()[1])
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        below = [child for child, its in parents.items() if its == parent]
        found += below
        waiting += below
    return [child for child in found if of in command_of(child)]


def command_of(pid):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace")


def wait_for(condition, seconds=120):
    """Wait until `condition()` is true and return what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{condition} did not come true in {seconds} s")
