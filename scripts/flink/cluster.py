"""A small Flink cluster on this machine, with Beam's job server and a pool of Python workers.

    python scripts/flink/cluster.py [--task-managers 2] [--jar-dir build/flink]

Every part is a process of its own, listening on the loopback interface only: a JobManager,
TaskManagers, Beam's job server for Flink, and Beam's worker pool, which starts the
Python workers outside the driver. Flink and the job server come from Maven Central; the first start
fetches them. Prints the Beam arguments for it and runs until interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEAM_VERSION, FLINK_LINE = "2.65.0", "1.19"
JOB_SERVER = f"beam-runners-flink-{FLINK_LINE}-job-server"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[1]
_START_S, _STOP_S = 90.0, 10.0
# Flink's start scripts derive these from the process size; without them a TaskManager refuses.
_TASK_MEMORY = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "64m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "0b",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.jvm-metaspace.size": "192m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}
_OPENS = ("java.util", "java.lang", "java.net", "java.nio", "java.util.concurrent", "java.time")


class Unavailable(RuntimeError):
    """Java, Flink or Beam's job server can't be had here."""


def fetch_flink(jar_dir: Path) -> Path:
    """Return the folder of Flink's jars, fetched where they are missing.

    Raises:
      Unavailable: With the reason.
    """
    library = jar_dir / "lib"
    if not list(library.glob("flink-runtime-*.jar")):
        pom = ["-f", str(_HERE / "pom.xml"), "-DincludeScope=runtime"]
        _maven(f"{_PLUGIN}:copy-dependencies", *pom, f"-DoutputDirectory={library}")
    if shutil.which("java") is None:
        raise Unavailable("expected java on PATH; found none")
    return library


def fetch_job_server(jar_dir: Path) -> Path:
    """Return Beam's job server for Flink, fetched where it is missing.

    Raises:
      Unavailable: With the reason.
    """
    jar = jar_dir / f"{JOB_SERVER}-{BEAM_VERSION}.jar"
    if not jar.exists():
        artifact = f"-Dartifact=org.apache.beam:{JOB_SERVER}:{BEAM_VERSION}"
        _maven(f"{_PLUGIN}:copy", artifact, f"-DoutputDirectory={jar_dir}")
    return jar


def _maven(*arguments: str) -> None:
    if shutil.which("mvn") is None:
        raise Unavailable("expected mvn on PATH; found none")
    command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        what = next((part for part in arguments if part.startswith("-Dartifact=")), "Flink's jars")
        missing = "Could not find artifact" in done.stdout or "was not found" in done.stdout
        why = "not in the repository" if missing else done.stdout.strip()[:300]
        raise Unavailable(f"Maven could not fetch {what.removeprefix('-Dartifact=')}: {why}")


@dataclass
class FlinkCluster:
    """A session cluster; use it as a context manager.

    Attributes:
      library: Folder of Flink's jars.
      task_managers: How many to start.
      work: Folder of configuration and logs.
      rest_port: Flink's REST interface.
    """

    library: Path
    task_managers: int = 2
    work: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="flink-")))
    rest_port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> FlinkCluster:
        """Start everything and wait until every TaskManager has registered."""
        self.rest_port, rpc_port = free_port(), free_port()
        self._configure(rpc_port)
        try:
            entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
            self._java("jobmanager", entry, [])
            for index in range(self.task_managers):
                settings = [
                    part for item in _TASK_MEMORY.items() for part in ("-D", "=".join(item))
                ]
                runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
                self._java(f"taskmanager-{index}", runner, settings)
            self.wait_for(self.task_managers)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every process."""
        self.stop()

    def start_job_server(self, jar: Path) -> str:
        """Start Beam's job server and return its ``host:port``."""
        port = free_port()
        arguments = ["--job-host=localhost", f"--job-port={port}", "--artifact-port=0"]
        arguments += ["--expansion-port=0", f"--flink-master=localhost:{self.rest_port}"]
        arguments += [f"--artifacts-dir={self.work / 'artifacts'}", f"--flink-conf-dir={self.work}"]
        self._spawn("jobserver", ["java", *_java_flags(256), "-jar", str(jar), *arguments])
        wait_for_port(port, self.processes["jobserver"])
        return f"localhost:{port}"

    def start_worker_pool(self, python: Path | None = None) -> str:
        """Start Beam's worker pool and return its ``host:port``.

        The pool starts its workers as ``python``: the environment's folder goes first on PATH.
        """
        port = free_port()
        python = python or Path(sys.executable)
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        command = [str(python), "-m", "apache_beam.runners.worker.worker_pool_main"]
        self._spawn("worker_pool", [*command, f"--service_port={port}"], environment)
        wait_for_port(port, self.processes["worker_pool"])
        return f"localhost:{port}"

    def kill_task_manager(self, index: int) -> int:
        """Kill one TaskManager as a machine that dies would, and return its process id."""
        process = self.processes[f"taskmanager-{index}"]
        process.kill()
        process.wait()
        return process.pid

    def registered(self) -> int:
        """Return how many TaskManagers the JobManager knows."""
        return len(self.rest("taskmanagers")["taskmanagers"])

    def rest(self, path: str) -> dict[str, Any]:
        """Return an answer of Flink's REST interface."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.rest_port}/{path}", timeout=10
        ) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def wait_for(self, count: int, seconds: float = _START_S) -> None:
        """Wait until exactly `count` TaskManagers are registered."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.registered() == count:
                    return
            time.sleep(0.5)
        logs = "\n".join(f"{p.name}: {p.read_text()[-500:]}" for p in self.work.glob("*.log"))
        raise Unavailable(f"{count} TaskManagers did not register in {seconds:.0f} s\n{logs}")

    def stop(self) -> None:
        """Stop every process, the last started first."""
        for process in reversed(list(self.processes.values())):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _configure(self, rpc_port: int) -> None:
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.rpc.port": rpc_port,
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            # One TaskManager can hold the whole of a job of two, when the other has died.
            "taskmanager.numberOfTaskSlots": 2,
            "cluster.evenly-spread-out-slots": "true",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest_port,
            "io.tmp.dirs": self.work / "tmp",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 5,
            "restart-strategy.fixed-delay.delay": "2 s",
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 6000,
        }
        (self.work / "tmp").mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (self.work / "flink-conf.yaml").write_text(text)
        (self.work / "log4j2.properties").write_text(
            "rootLogger.level = INFO\nrootLogger.appenderRef.out.ref = out\n"
            "appender.out.type = Console\nappender.out.name = out\n"
            "appender.out.layout.type = PatternLayout\n"
            "appender.out.layout.pattern = %d %p %c %m%n\n"
        )

    def _java(self, name: str, main: str, settings: Sequence[str]) -> None:
        logging = f"-Dlog4j.configurationFile=file:{self.work / 'log4j2.properties'}"
        command = ["java", *_java_flags(384), logging, "-cp", f"{self.library}/*", main]
        self._spawn(name, [*command, "--configDir", str(self.work), *settings])

    def _spawn(
        self, name: str, command: list[str], environment: dict[str, str] | None = None
    ) -> None:
        with (self.work / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.work
            )


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = _START_S) -> None:
    """Wait until a process listens.

    Raises:
      Unavailable: If it ended or took too long.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.3)
    raise Unavailable(f"nothing listens on port {port}: {process.args!r}"[:500])


def _java_flags(heap_mb: int) -> list[str]:
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS]
    return [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", *opened]


def main() -> int:
    """Start the cluster and say how to use it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task-managers", type=int, default=2)
    parser.add_argument("--jar-dir", type=Path, default=_REPOSITORY / "build" / "flink")
    args = parser.parse_args()
    try:
        library, jar = fetch_flink(args.jar_dir), fetch_job_server(args.jar_dir)
        with FlinkCluster(library, args.task_managers) as cluster:
            endpoint, pool = cluster.start_job_server(jar), cluster.start_worker_pool()
            print(f"--set beam.runner=flink --set beam.endpoint={endpoint} \\")
            print(f"--set beam.worker_pool={pool} --set beam.workers={args.task_managers}")
            print(f"logs: {cluster.work}; interrupt to stop", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                cluster.processes["jobmanager"].wait()
    except Unavailable as error:
        print(f"flink: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
