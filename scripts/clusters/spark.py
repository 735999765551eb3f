"""A small Spark cluster on this machine, with Beam's job server and pools of Python workers.

    python scripts/clusters/spark.py [--workers 2] [--jar-dir build/flink]

A standalone master, workers with one executor each, Beam's job server for Spark and a worker pool
for each worker. Spark and the job server come from Maven Central (`spark.xml`); the first start
fetches them. Prints the settings for it and runs until interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from processes import HERE, Cluster, free_port, java_flags, serve

POM = HERE / "spark.xml"


class SparkCluster(Cluster):
    """A standalone cluster; use it as a context manager.

    Attributes:
      workers: How many to start, each with one core.
      port: The master's.
      web_port: The master's pages and JSON.
    """

    def __init__(self, library: Path, workers: int = 2, work: Path | None = None) -> None:
        """Take the folder of Spark's and Beam's jars, and one for configuration and logs."""
        super().__init__(library, work or Path(tempfile.mkdtemp(prefix="spark-")))
        self.workers = workers
        self.port, self.web_port = free_port(), free_port()

    def start(self) -> None:
        """Start everything and wait until every worker has registered."""
        home = self.work / "home"  # where a worker looks for the executors' class path
        home.mkdir()
        (home / "jars").symlink_to(self.library)
        here = ["--host", "127.0.0.1"]
        environment = {
            **os.environ,
            **{"SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.12"},
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        ports = ["--port", str(self.port), "--webui-port", str(self.web_port)]
        master = "org.apache.spark.deploy.master.Master"
        self.java("master", master, [*here, *ports], environment=environment)
        self.wait_for(lambda: self.state()["status"] == "ALIVE", "a Spark master")
        for index in range(self.workers):
            # A worker's executors inherit its environment.
            own = {**environment, "JAVA_TOOL_OPTIONS": self.hosts_flag(index)}
            size = ["--cores", "1", "--memory", "1g", "--webui-port", str(free_port())]
            folder = ["--work-dir", str(self.work / f"worker-{index}"), self.url]
            worker = "org.apache.spark.deploy.worker.Worker"
            self.java(f"worker-{index}", worker, [*here, *size, *folder], environment=own)
        self.wait_for(
            lambda: self.state()["aliveworkers"] == self.workers, f"{self.workers} Spark workers"
        )

    @property
    def url(self) -> str:
        """The master's address."""
        return f"spark://127.0.0.1:{self.port}"

    def state(self) -> dict[str, Any]:
        """Return what the master says of workers and applications."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/json/", timeout=10) as page:
            found: dict[str, Any] = json.load(page)
        return found

    def start_job_server(self) -> str:
        """Start Beam's job server and return its ``host:port``."""
        settings = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": "512m",
            "spark.default.parallelism": self.workers,
            "spark.ui.enabled": "false",
            # The flags of this machine's Java, less the heap, which Spark sets itself.
            "spark.executor.extraJavaOptions": " ".join(java_flags()[1:]),
        }
        # Spark's driver, which lives in the job server, refuses less than 450 MB.
        flags = ["-Xmx640m", *(f"-D{name}={value}" for name, value in settings.items())]
        main = "org.apache.beam.runners.spark.SparkJobServerDriver"
        return self.job_server(main, [f"--spark-master-url={self.url}"], *flags)


if __name__ == "__main__":
    sys.exit(serve("spark", str(__doc__), SparkCluster, POM))
