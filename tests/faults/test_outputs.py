"""Outputs: whole or not at all, one run at a time, nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from tests.faults.conftest import children, run, start, wait_for
from tfx_audio.components.whole_files import locked, write_whole
from tfx_audio.pipeline import cli
from tfx_audio.pipeline.results.metadata_store import clear_orphans

MAY_MOUNT = os.geteuid() == 0 and shutil.which("mount")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def augment(sounds, policy, out, *more):
    return ("augment", "--data", sounds, "--policy", policy, "--out", out, *more)


def spans_of(out):
    spans = out.parent / f".{out.name}.unfinished" / "spans"
    return [p for p in spans.glob("*") if ".part-" not in p.name] if spans.exists() else []


def digests(out):
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "provenance.json"]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def stop(pid, signal_number):
    """Send a signal to a process and all that it has started."""
    for process in (pid, *children(pid)):
        os.kill(process, signal_number)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    write_whole(page, "first")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(page, "second")
    assert page.read_text() == "first"
    assert names(tmp_path) == ["page.html"]


@pytest.mark.e2e
def test_a_killed_run_goes_on_and_makes_the_same_files(sounds, slow_policy, tmp_path):
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    env = {**os.environ, "TMPDIR": str(temporary)}
    killed = start(*augment(sounds, slow_policy, out, "--workers", 1), env=env)
    wait_for(lambda: len(spans_of(out)) >= 2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    finished = {path.name: path.stat().st_ino for path in spans_of(out)}
    assert not out.exists()

    again = start(*augment(sounds, slow_policy, out, "--workers", 1))
    wait_for(lambda: len(spans_of(out)) > len(finished) or again.poll() is not None)
    kept = {path.name: path.stat().st_ino for path in spans_of(out)}
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    if kept:  # else it was finished at once
        assert finished.items() <= kept.items()

    status, _, err = run(*augment(sounds, slow_policy, tmp_path / "calm", "--workers", 2))
    assert status == 0, err
    assert digests(out) == digests(tmp_path / "calm")
    assert [name for name in names(tmp_path) if name.startswith(".")] == []
    assert names(temporary) == []  # Beam's lay in the hidden folder


@pytest.mark.e2e
def test_another_policy_takes_nothing_of_a_killed_run(sounds, slow_policy, tmp_path):
    out = tmp_path / "out"
    killed = start(*augment(sounds, slow_policy, out, "--workers", 1))
    wait_for(lambda: spans_of(out))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    other = tmp_path / "other.yaml"
    other.write_text("copies_per_clip: 1\nconditions: {}\ntransforms: [{name: Gain, p: 1.0}]\n")
    for name in ("out", "calm"):
        assert run(*augment(sounds, other, tmp_path / name, "--workers", 1))[0] == 0
    assert digests(out) == digests(tmp_path / "calm")


@pytest.mark.e2e
def test_ctrl_c_is_one_line_and_keeps_what_is_finished(sounds, slow_policy, tmp_path):
    out = tmp_path / "out"
    process = start(*augment(sounds, slow_policy, out, "--workers", 2))
    wait_for(lambda: spans_of(out))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    lines = [line for line in err.splitlines() if " AudioAugmenter: " not in line]
    assert len(lines) == 2, err
    assert "goes on from there" in lines[0]
    assert lines[1] == "tfx-audio: interrupted"
    assert spans_of(out)


@pytest.mark.e2e
def test_of_two_runs_for_one_output_one_is_refused_at_once(sounds, slow_policy, tmp_path):
    out = tmp_path / "out"
    first = start(*augment(sounds, slow_policy, out, "--workers", 1))
    wait_for(lambda: (tmp_path / ".out.unfinished/result").exists())
    stop(first.pid, signal.SIGSTOP)  # else it may be done before the second has begun
    status, _, err = run(*augment(sounds, slow_policy, out, "--workers", 1), timeout=240)
    assert status == 2
    assert "another run is writing" in err
    stop(first.pid, signal.SIGCONT)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 0, err


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="needs namespaces")
def test_in_containers_a_killed_run_locks_nobody_out(sounds, slow_policy, tmp_path):
    """In namespaces of their own every run has the same process number."""
    out = tmp_path / "out"
    words = [str(word) for word in augment(sounds, slow_policy, out, "--workers", 1)]
    command = [
        "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, "-m", "tfx_audio.pipeline.cli", *words,
    ]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen(command, **quiet)
    wait_for(lambda: spans_of(out))
    stop(killed.pid, signal.SIGSTOP)
    second = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert second.returncode == 2
    assert "another run is writing" in second.stderr
    killed.send_signal(signal.SIGKILL)  # and with it all in its namespace
    killed.wait()
    third = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert third.returncode == 0, third.stderr
    assert out.is_dir()


@pytest.mark.e2e
@pytest.mark.skipif(not MAY_MOUNT, reason="only root mounts")
@pytest.mark.parametrize("limit", ["size=1m", "nr_inodes=30"])
def test_a_full_disk_is_one_sentence(sounds, slow_policy, tmp_path, limit):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "tmpfs", disk], check=True)
    try:
        status, _, err = run(*augment(sounds, slow_policy, disk / "out", "--workers", 1))
        lines = [line for line in err.splitlines() if "AudioAugmenter: " not in line]
        assert status == 1, err
        assert "No space left on device" in lines[-1]
        assert "Make room" in lines[-1]
        assert len(lines) <= 2, err
        assert not (disk / "out").exists()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_two_runs_on_one_root_one_is_refused(sounds, tmp_path, capsys):
    root = tmp_path / "root"
    root.mkdir()
    with locked(root / ".lock"):
        assert cli.main(["run", "--data", str(sounds), "--root", str(root)]) == 2
    assert "another run is working in" in capsys.readouterr().err


def test_what_a_killed_run_left_in_the_metadata_is_cleared(tmp_path):
    database = tmp_path / "metadata.sqlite"
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = metadata_store.MetadataStore(connection)
    kind = store.put_execution_type(mlmd.ExecutionType(name="AudioAugmenter"))
    states = (mlmd.Execution.RUNNING, mlmd.Execution.COMPLETE)
    left, done = store.put_executions(
        [mlmd.Execution(type_id=kind, last_known_state=state) for state in states]
    )
    for number in (left, done):
        folder = tmp_path / "artifacts/AudioAugmenter/rejected" / str(number)
        (folder / "beam-temp-x").mkdir(parents=True)
    assert clear_orphans(str(tmp_path), str(database)) == [left]
    after = {e.id: e.last_known_state for e in store.get_executions()}
    assert after == {left: mlmd.Execution.FAILED, done: mlmd.Execution.COMPLETE}
    assert names(tmp_path / "artifacts/AudioAugmenter/rejected") == [str(done)]
    assert clear_orphans(str(tmp_path), str(database)) == []


def test_without_metadata_there_is_nothing_to_clear(tmp_path):
    assert clear_orphans(str(tmp_path), str(Path(tmp_path, "none.sqlite"))) == []
