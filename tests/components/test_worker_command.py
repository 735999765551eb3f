"""Beam's worker command, from a path that the shell would take apart."""

import subprocess
import sys

import pytest
from apache_beam.runners.portability import local_job_service

from tfx_audio.components import worker_command


def test_the_shell_starts_an_interpreter_in_a_folder_with_a_space(tmp_path):
    folder = tmp_path / "a path's folder"
    folder.mkdir()
    link = folder / "python"
    link.symlink_to(sys.executable)
    command = f"{link} -c print(7)".replace("(", r"\(").replace(")", r"\)").encode()
    quoted = worker_command.quoted(command, str(link)).decode()
    done = subprocess.run(quoted, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


def test_another_command_stays_as_it_is():
    assert worker_command.quoted(b"worker --x", "/usr/bin/my python") == b"worker --x"


@pytest.mark.parametrize(
    ("executable", "replaced"), [("/opt/my env/python", True), ("/opt/env/python", False)]
)
def test_beam_is_touched_only_where_it_has_to_be(monkeypatch, executable, replaced):
    original = worker_command._QuotedWorker.__base__  # the session may have replaced Beam's already
    monkeypatch.setattr(local_job_service, "SubprocessSdkWorker", original)
    monkeypatch.setattr(sys, "executable", executable)
    worker_command.quote_worker_command()
    assert (local_job_service.SubprocessSdkWorker is not original) == replaced
