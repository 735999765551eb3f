"""Beam's local worker processes: started from any path, watched, ended with the job.

Beam's FnApiRunner (2.65 and 2.77, ``runners/portability/local_job_service.py``) starts a worker
through the shell and never looks at it again. Where one dies, as those do that the system kills
when memory is short, the job waits for its answer for ever. Ctrl-C reaches workers as well as
the job, and each prints a traceback. And a folder with a space in its name splits the command.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import weakref
from typing import Any

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.utils import thread_pool_executor
from google.protobuf import json_format, text_format

from tfx_audio.components.audio.errors import JobFailed

_DIED = "a worker process of Beam "
_CHECK_S = 0.2
_END_S = 10.0  # what a worker that is told to end may take


class WorkerDied(JobFailed):
    """A worker process ended in the middle of its work."""


def watch_workers() -> None:
    """Let Beam start its local workers as `_WatchedWorker`; a second call changes nothing."""
    handler = worker_handlers.WorkerHandler
    handler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(_WatchedWorker)


def explain(error: Exception) -> Exception:
    """Return `WorkerDied` for what Beam raises when a worker has died, any other error as it is."""
    text = str(error)
    return WorkerDied(text) if text.startswith(_DIED) else error


def death(returncode: int) -> str:
    """Return what befell a worker, and what to do about it, as one sentence."""
    if returncode >= 0:
        how = f"ended with the exit status {returncode}"
    else:
        how = f"was killed by {signal.Signals(-returncode).name}"
    return (
        f"{_DIED}{how} before its work was done (the system does that when memory is short): "
        "run again with fewer worker processes (--workers of augment, "
        "--beam-arg=--direct_num_workers=1 of run) or with more memory"
    )


# The workers of each job, which share a server.
_JOBS: weakref.WeakKeyDictionary[Any, list[_WatchedWorker]] = weakref.WeakKeyDictionary()


class _WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):  # type: ignore[misc]
    """A worker process whose end fails what it was asked for, and ends the job's other workers.

    It has a session of its own: Ctrl-C in a terminal reaches the job, which ends its workers.
    """

    def __init__(self, command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(command, state, provision_info, grpc_server)
        self._job = _JOBS.setdefault(grpc_server, [])
        self._job.append(self)
        self._is_closed = threading.Event()
        self._error = ""

    def start_worker(self) -> None:
        """Start the process; what it is told is what Beam's own class tells it."""
        self._logs = grpc.server(thread_pool_executor.shared_unbounded_instance())
        beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(
            local_job_service.BeamFnLoggingServicer(), self._logs
        )
        logs_port = self._logs.add_insecure_port("[::]:0")
        self._logs.start()
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            **os.environ,
            "WORKER_ID": self.worker_id,
            "CONTROL_API_SERVICE_DESCRIPTOR": _address(self.control_address),
            "LOGGING_API_SERVICE_DESCRIPTOR": _address(f"localhost:{logs_port}"),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
        }
        arguments = split_command(self._worker_command_line.decode(), sys.executable)
        with worker_handlers.SUBPROCESS_LOCK:
            self._process = subprocess.Popen(arguments, env=environment, start_new_session=True)
        threading.Thread(target=self._watch, name="watch_worker", daemon=True).start()

    def close(self) -> None:
        """End the worker: at once, in the middle of its work, where the job has failed."""
        self._is_closed.set()
        if sys.exc_info()[0]:  # Beam closes its workers while the error is on its way up
            self._process.kill()
        super().close()

    def stop_worker(self) -> None:
        """Wait until the process has ended; one that goes on with a lost job is killed."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._logs.stop(0)

    def _watch(self) -> None:
        returncode = self._process.wait()
        if self._is_closed.is_set():
            return
        error = self._error or death(returncode)
        for worker in self._job:
            worker._error = worker._error or error
            worker._process.kill()
        while not self._is_closed.wait(_CHECK_S):  # the job may ask for more before it gives up
            for request, future in list(self.control_conn._futures_by_id.items()):
                if not future.is_done():
                    future.set(
                        beam_fn_api_pb2.InstructionResponse(
                            instruction_id=request, error=self._error
                        )
                    )


def _address(url: str) -> str:
    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))


def split_command(command: str, executable: str) -> list[str]:
    """Return a command line's words, the executable that it begins with as one of them."""
    rest = command.removeprefix(executable)
    return shlex.split(command) if rest == command else [executable, *shlex.split(rest)]
