"""A small Flink cluster on this machine, with Beam's job server and pools of Python workers.

    python scripts/flink/cluster.py [--task-managers 2] [--jar-dir build/flink]

Every part is a process of its own, listening on the loopback interface only: a JobManager,
TaskManagers, Beam's job server for Flink, and for each TaskManager a pool of Beam's that starts
Python workers outside the driver. Flink and the job server come from Maven Central (`pom.xml`); the
first start fetches them. Prints the settings for it and runs until interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
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

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_HERE = Path(__file__).resolve().parent
_POM, _REPOSITORY = _HERE / "pom.xml", _HERE.parents[1]
_POOL = "worker-pool"
_START_S, _STOP_S = 90.0, 10.0
# Flink's start scripts derive these from the process size; without them a TaskManager refuses.
_TASK_MEMORY = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "64m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "0b",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "128m",
    "taskmanager.memory.network.max": "128m",
    "taskmanager.memory.jvm-metaspace.size": "192m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}
_OPENS = ("java.util", "java.lang", "java.net", "java.nio", "java.util.concurrent", "java.time")


class Unavailable(RuntimeError):
    """Java, Flink or Beam's job server can't be had here."""


def fetch_jars(jar_dir: Path) -> Path:
    """Return the folder of Flink's and the job server's jars, fetched where they are missing.

    Raises:
      Unavailable: With the reason.
    """
    _need("java")
    library = jar_dir / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    if not library.is_dir():
        _need("mvn")
        partial = library.with_suffix(".part")
        command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "-f", str(_POM)]
        command += [f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={partial.resolve()}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"Maven could not fetch the jars: {done.stdout.strip()[:500]}")
        partial.rename(library)
    return library


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise Unavailable(f"expected {program} on PATH; found none")


@dataclass
class FlinkCluster:
    """A session cluster; use it as a context manager.

    Attributes:
      library: Folder of the jars, Flink's and Beam's.
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
            configured = ["--configDir", str(self.work)]
            self._java("jobmanager", entry, configured)
            for index in range(self.task_managers):
                settings = [
                    part for item in _TASK_MEMORY.items() for part in ("-D", "=".join(item))
                ]
                runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
                hosts = self._hosts(index)
                self._java(f"taskmanager-{index}", runner, [*configured, *settings], hosts)
            self.wait_for(self.task_managers)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every process."""
        self.stop()

    def start_job_server(self) -> str:
        """Start Beam's job server and return its ``host:port``."""
        port = free_port()
        arguments = ["--job-host=localhost", f"--job-port={port}", "--artifact-port=0"]
        arguments += ["--expansion-port=0", f"--flink-master=localhost:{self.rest_port}"]
        arguments += [f"--artifacts-dir={self.work / 'artifacts'}", f"--flink-conf-dir={self.work}"]
        self._java("jobserver", "org.apache.beam.runners.flink.FlinkJobServerDriver", arguments)
        wait_for_port(port, self.processes["jobserver"])
        return f"localhost:{port}"

    def start_worker_pools(self, python: Path | None = None) -> str:
        """Start a worker pool for each TaskManager and return the ``host:port`` of all of them.

        Each TaskManager finds its own pool under that name. The pools start their workers as
        ``python``: the environment's folder goes first on PATH.
        """
        port = free_port()
        python = python or Path(sys.executable)
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        for index in range(self.task_managers):
            address = f"{_pool_address(index)}:{port}"
            command = [str(python), str(_HERE / "worker_pool.py"), address]
            self._spawn(f"worker_pool-{index}", command, environment)
        for index in range(self.task_managers):
            name = f"worker_pool-{index}"
            wait_for_port(port, self.processes[name], host=_pool_address(index))
        return f"{_POOL}:{port}"

    def kill_task_manager(self, index: int) -> int:
        """Kill one TaskManager as a machine that dies would, and return its process id."""
        process = self.processes.pop(f"taskmanager-{index}")
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
        """Wait until exactly `count` TaskManagers are registered.

        Raises:
          Unavailable: If that takes too long, or a process ended.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._all_alive():
            with contextlib.suppress(OSError):
                if self.registered() == count:
                    return
            time.sleep(0.5)
        logs = "\n".join(f"{p.name}: {p.read_text()[-500:]}" for p in self.work.glob("*.log"))
        raise Unavailable(f"expected {count} registered TaskManagers\n{logs}")

    def _all_alive(self) -> bool:
        return all(process.poll() is None for process in self.processes.values())

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
            "cluster.registration.error-delay": 500,  # ms
            # Beam's batch jobs shuffle at many places at once; 512 buffers each would be 16 MB.
            "taskmanager.network.sort-shuffle.min-buffers": 32,
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest_port,
            "io.tmp.dirs": self.work / "tmp",
            # Beam's classes are the cluster's own, not loaded anew for each job and each restart.
            "classloader.resolve-order": "parent-first",
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

    def _hosts(self, index: int) -> str:
        """Return the flag that lets a TaskManager find its own worker pool by the common name."""
        hosts = self.work / f"hosts-{index}"
        names = f"127.0.0.1 localhost {socket.gethostname()}\n{_pool_address(index)} {_POOL}\n"
        hosts.write_text(names)
        return f"-Djdk.net.hosts.file={hosts}"

    def _java(self, name: str, main: str, arguments: Sequence[str], *flags: str) -> None:
        logging = f"-Dlog4j.configurationFile=file:{self.work / 'log4j2.properties'}"
        command = ["java", *_java_flags(384), logging, *flags]
        command += ["-cp", f"{self.library.resolve()}/*", main, *arguments]
        self._spawn(name, command)

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


def wait_for_port(
    port: int,
    process: subprocess.Popen[bytes],
    seconds: float = _START_S,
    host: str = "127.0.0.1",
) -> None:
    """Wait until a process listens.

    Raises:
      Unavailable: If it ended or took too long.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            return
        time.sleep(0.3)
    raise Unavailable(f"nothing listens on port {port}: {process.args!r}"[:500])


def _pool_address(index: int) -> str:
    return f"127.0.0.{2 + index}"


def _java_flags(heap_mb: int) -> list[str]:
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS]
    return [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened]


def main() -> int:
    """Start the cluster and say how to use it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task-managers", type=int, default=2)
    parser.add_argument("--jar-dir", type=Path, default=_REPOSITORY / "build" / "flink")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's way to interrupt
    try:
        with FlinkCluster(fetch_jars(args.jar_dir), args.task_managers) as cluster:
            endpoint, pool = cluster.start_job_server(), cluster.start_worker_pools()
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
