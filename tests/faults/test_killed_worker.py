"""A Beam worker that is killed, as the system does when memory is short, ends the job."""

import os
import signal

import pytest

from tests.faults.conftest import children, start, wait_for


def both_of(workers):
    return workers if len(workers) == 2 else None


@pytest.mark.e2e
def test_a_killed_worker_ends_augment_with_one_sentence(sounds, slow_policy, tmp_path):
    process = start(
        "augment", "--data", sounds, "--policy", slow_policy, "--workers", 2,
        "--out", tmp_path / "out",
    )  # fmt: skip
    workers = wait_for(lambda: both_of(children(process.pid, "sdk_worker_main")))
    os.kill(workers[0], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = [line for line in err.splitlines() if line.startswith("tfx-audio")]
    assert "a worker process of Beam was killed by SIGKILL" in line
    assert "--workers" in line
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    assert children(process.pid) == []
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 20)
