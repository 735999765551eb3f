"""Beam's local workers: how they are started, what is said of one that died."""

import subprocess
import sys

import pytest
from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from tfx_audio.components import local_workers
from tfx_audio.components.audio.errors import JobFailed


def test_an_interpreter_in_a_folder_with_a_space_is_one_word(tmp_path):
    folder = tmp_path / "a path's folder"
    folder.mkdir()
    link = folder / "python"
    link.symlink_to(sys.executable)
    words = local_workers.split_command(f"{link} -c 'print(7)'", str(link))
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


def test_another_command_is_split_as_the_shell_does():
    words = local_workers.split_command("worker --x 'a b'", "/usr/bin/my python")
    assert words == ["worker", "--x", "a b"]


def test_beam_starts_watched_workers_only(monkeypatch):
    table = dict(worker_handlers.WorkerHandler._registered_environments)
    monkeypatch.setattr(worker_handlers.WorkerHandler, "_registered_environments", table)
    local_workers.watch_workers()
    constructor, payload = table[python_urns.SUBPROCESS_SDK]
    assert constructor is local_workers._WatchedWorker
    assert payload is bytes


@pytest.mark.parametrize(
    ("returncode", "said"), [(-9, "was killed by SIGKILL"), (3, "ended with the exit status 3")]
)
def test_a_death_is_told_apart_from_other_errors(returncode, said):
    told = local_workers.explain(RuntimeError(local_workers.death(returncode)))
    assert isinstance(told, JobFailed)
    assert said in str(told)
    other = RuntimeError("out of cheese")
    assert local_workers.explain(other) is other
