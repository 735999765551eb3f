"""Beam's local worker processes, started from any path.

Beam's FnApiRunner (2.65, ``runners/portability/fn_api_runner/fn_runner.py``) puts `sys.executable`
without quotes into a command for the shell. Where the environment lies in a folder with a space in
its name, no worker starts, and the job waits for them for ever.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any

from apache_beam.runners.portability import local_job_service


def quote_worker_command() -> None:
    """Let Beam quote the interpreter's path where it has to be; a second call does nothing."""
    if shlex.quote(sys.executable) != sys.executable:
        local_job_service.SubprocessSdkWorker = _QuotedWorker  # type: ignore[misc]


class _QuotedWorker(local_job_service.SubprocessSdkWorker):  # type: ignore[misc, valid-type]
    """A worker process whose command line survives the shell."""

    def __init__(self, worker_command_line: bytes, *args: Any, **kwargs: Any) -> None:
        super().__init__(quoted(worker_command_line, sys.executable), *args, **kwargs)


def quoted(command: bytes, executable: str) -> bytes:
    """Return a command line with the executable that it begins with in quotes."""
    rest = command.removeprefix(executable.encode())
    return command if rest == command else shlex.quote(executable).encode() + rest
