"""What a small cluster on this machine is made of: jars from Maven, Java programs, worker pools.

Every part is a process of its own, listening on the loopback interface only. Each worker of a
cluster has a pool of Beam's beside it, which starts Python workers outside the driver.
"""

from __future__ import annotations

import abc
import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
JARS = HERE.parents[1] / "build" / "flink"
START_S = 90.0
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_POOL = "worker-pool"
_STOP_S = 10.0
_OPENS = (
    *("java.util", "java.lang", "java.lang.invoke", "java.net", "java.nio", "java.io", "java.time"),
    *("java.util.concurrent", "java.util.concurrent.atomic"),
    *("sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"),
)
_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c %m%n
"""


class Unavailable(RuntimeError):
    """Java, the cluster or Beam's job server can't be had here."""


def fetch_jars(pom: Path, jar_dir: Path) -> Path:
    """Return the folder of the jars that a Maven project names, fetched where they are missing.

    Raises:
      Unavailable: With the reason.
    """
    _need("java")
    library = jar_dir / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    if not library.is_dir():
        _need("mvn")
        partial = library.with_suffix(".part")
        command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "-f", str(pom)]
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


class Cluster(abc.ABC):
    """The processes of a cluster; use it as a context manager, which stops all of them.

    Attributes:
      library: Folder of the jars, the cluster's and Beam's.
      work: Folder of configuration and logs.
      processes: Those that run, by name.
    """

    def __init__(self, library: Path, work: Path) -> None:
        """Take the two folders."""
        self.library = library.resolve()
        self.work = work
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        work.mkdir(parents=True, exist_ok=True)
        (work / "log4j2.properties").write_text(_LOGGING)

    def __enter__(self) -> Any:
        """Start everything; where that fails, stop what was started."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop every process."""
        self.stop()

    @abc.abstractmethod
    def start(self) -> None:
        """Start the cluster and wait until all of it is there."""

    @abc.abstractmethod
    def start_job_server(self) -> str:
        """Start Beam's job server and return its ``host:port``."""

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

    def wait_for(self, found: Callable[[], bool], what: str) -> None:
        """Wait until something is so.

        Raises:
          Unavailable: If that takes too long, or a process ended.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and all(
            process.poll() is None for process in self.processes.values()
        ):
            with contextlib.suppress(OSError):
                if found():
                    return
            time.sleep(0.5)
        logs = "\n".join(f"{p.name}: {p.read_text()[-500:]}" for p in self.work.glob("*.log"))
        raise Unavailable(f"expected {what}\n{logs}")

    def kill(self, name: str) -> int:
        """Kill one process as a machine that dies would, and return its id."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()
        return process.pid

    def job_server(self, main: str, arguments: Sequence[str], *flags: str) -> str:
        """Start one of Beam's job servers and return its ``host:port``."""
        port = free_port()
        common = ["--job-host=localhost", f"--job-port={port}", "--artifact-port=0"]
        common += ["--expansion-port=0", f"--artifacts-dir={self.work / 'artifacts'}"]
        self.java("jobserver", main, [*common, *arguments], *flags)
        wait_for_port(port, self.processes["jobserver"])
        return f"localhost:{port}"

    def worker_pools(self, count: int, python: Path | None = None) -> str:
        """Start a worker pool for each of the workers; return the ``host:port`` of all of them.

        A worker finds its own pool under that name with the flag of `hosts_flag`. The pools start
        their Python as ``python``: the environment's folder goes first on PATH.
        """
        port = free_port()
        python = python or Path(sys.executable)
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        for index in range(count):
            address = f"{_pool_address(index)}:{port}"
            command = [str(python), str(HERE / "worker_pool.py"), address]
            self.spawn(f"worker_pool-{index}", command, environment)
        for index in range(count):
            process = self.processes[f"worker_pool-{index}"]
            wait_for_port(port, process, host=_pool_address(index))
        return f"{_POOL}:{port}"

    def hosts_flag(self, index: int) -> str:
        """Return the flag that lets a worker find its own pool by the common name."""
        hosts = self.work / f"hosts-{index}"
        names = f"127.0.0.1 localhost {socket.gethostname()}\n{_pool_address(index)} {_POOL}\n"
        hosts.write_text(names)
        return f"-Djdk.net.hosts.file={hosts}"

    def java(
        self,
        name: str,
        main: str,
        arguments: Sequence[str],
        *flags: str,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Start a main class of the library."""
        logging = f"-Dlog4j.configurationFile=file:{self.work / 'log4j2.properties'}"
        command = ["java", *java_flags(), logging, *flags]
        self.spawn(name, [*command, "-cp", f"{self.library}/*", main, *arguments], environment)

    def spawn(
        self, name: str, command: list[str], environment: dict[str, str] | None = None
    ) -> None:
        """Start a process that writes to a log of its name."""
        with (self.work / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=self.work
            )


def java_flags(heap_mb: int = 384) -> list[str]:
    """Return what every Java program here is started with."""
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS]
    return [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


def wait_for_port(
    port: int, process: subprocess.Popen[bytes], seconds: float = START_S, host: str = "127.0.0.1"
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


def serve(runner: str, doc: str, make: Callable[[Path, int], Cluster], pom: Path) -> int:
    """Start a cluster from the command line, say how to use it, and run until interrupted.

    Args:
      runner: The value of `beam.runner`.
      doc: The program's description.
      make: Takes the jars' folder and the number of workers.
      pom: The Maven project of the jars.
    """
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--jar-dir", type=Path, default=JARS)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's way to interrupt
    try:
        with make(fetch_jars(pom, args.jar_dir), args.workers) as cluster:
            endpoint, pool = cluster.start_job_server(), cluster.worker_pools(args.workers)
            print(f"--set beam.runner={runner} --set beam.endpoint={endpoint} \\")
            print(f"--set beam.worker_pool={pool} --set beam.workers={args.workers}")
            print(f"logs: {cluster.work}; interrupt to stop", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                next(iter(cluster.processes.values())).wait()
    except Unavailable as error:
        print(f"{runner}: {error}", file=sys.stderr)
        return 1
    return 0
