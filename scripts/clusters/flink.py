"""A small Flink cluster on this machine, with Beam's job server and pools of Python workers.

    python scripts/clusters/flink.py [--workers 2] [--jar-dir build/flink]

A JobManager, TaskManagers, Beam's job server for Flink and a worker pool for each TaskManager.
Flink and the job server come from Maven Central (`flink.xml`); the first start fetches them. Prints
the settings for it and runs until interrupted.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from processes import HERE, Cluster, free_port, serve

POM = HERE / "flink.xml"
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


class FlinkCluster(Cluster):
    """A session cluster; use it as a context manager.

    Attributes:
      task_managers: How many to start.
      rest_port: Flink's REST interface.
    """

    def __init__(self, library: Path, task_managers: int = 2, work: Path | None = None) -> None:
        """Take the folder of Flink's and Beam's jars, and one for configuration and logs."""
        super().__init__(library, work or Path(tempfile.mkdtemp(prefix="flink-")))
        self.task_managers = task_managers
        self.rest_port = free_port()

    def start(self) -> None:
        """Start everything and wait until every TaskManager has registered."""
        self._configure(free_port())
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        configured = ["--configDir", str(self.work)]
        self.java("jobmanager", entry, configured)
        settings = [part for item in _TASK_MEMORY.items() for part in ("-D", "=".join(item))]
        for index in range(self.task_managers):
            runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
            hosts = self.hosts_flag(index)
            self.java(f"taskmanager-{index}", runner, [*configured, *settings], hosts)
        self.wait_for_task_managers(self.task_managers)

    def start_job_server(self) -> str:
        """Start Beam's job server and return its ``host:port``."""
        where = [f"--flink-master=localhost:{self.rest_port}", f"--flink-conf-dir={self.work}"]
        return self.job_server("org.apache.beam.runners.flink.FlinkJobServerDriver", where)

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

    def wait_for_task_managers(self, count: int) -> None:
        """Wait until exactly `count` TaskManagers are registered."""
        self.wait_for(lambda: self.registered() == count, f"{count} registered TaskManagers")

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


if __name__ == "__main__":
    sys.exit(serve("flink", str(__doc__), FlinkCluster, POM))
