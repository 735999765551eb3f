"""Damaged files of every format: each is a clip or a rejection; nothing hangs, nothing is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("mutated_files.py")


@pytest.mark.parametrize("each", [4, pytest.param(34, marks=pytest.mark.e2e)])
def test_every_mutant_is_a_clip_or_a_rejection(each):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(each)], capture_output=True, text=True, timeout=500
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert sum(found["counts"].values()) == each * 31
    assert found["counts"]["clip"] > each
    assert found["slowest"][0] < 20, found["slowest"]
    assert found["rss_mb"] < 1024
