"""Ingest and augmentation with workers outside the driver, on a real Flink and a real Spark.

Both and Beam's runners for them come from Maven Central. Where they can't be had, the tests that
need them fail and say so; ``TFX_AUDIO_NO_FLINK=1`` says that this is known, and skips them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flink as flink_cluster
import processes
import pytest
import spark as spark_cluster

from tfx_audio.pipeline.beam.options import BeamConfig, beam_args
from tfx_audio.pipeline.clips.demo_data import write_demo_data

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

REPOSITORY = Path(__file__).resolve().parents[2]
POLICY = """
seed: 5
copies_per_clip: 1
transforms:
  - {name: PitchShift, min_semitones: -2, max_semitones: 2, p: 1.0}
  - {name: AddGaussianNoise, p: 0.5}
"""


class _Work:
    """Data, a policy, and runs of `scripts/beam_job.py` from a directory of their own."""

    def __init__(self, folder: Path, python: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.python = python
        self.environment = environment
        write_demo_data(folder / "audio", clips_per_class=12)
        (folder / "policy.yaml").write_text(POLICY)

    def start(self, name: str, arguments: list[str]) -> subprocess.Popen[str]:
        command = [str(self.python), str(REPOSITORY / "scripts" / "beam_job.py")]
        command += ["--data", "audio", "--out", name, "--policy", "policy.yaml", "--", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.folder / f"{name}.log").open("wb"),
            text=True,
        )

    def finish(self, name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
        out, _ = process.communicate()
        log = (self.folder / f"{name}.log").read_text(errors="replace")
        assert process.returncode == 0, log[-4000:]
        result: dict[str, Any] = json.loads(out[out.index("{") :])
        return result

    def run(self, name: str, arguments: list[str]) -> dict[str, Any]:
        return self.finish(name, self.start(name, arguments))


@pytest.fixture(scope="module")
def work(
    tmp_path_factory: pytest.TempPathFactory, wheel_python: Path, bare_environment: dict[str, str]
) -> _Work:
    return _Work(tmp_path_factory.mktemp("beam"), wheel_python, bare_environment)


@pytest.fixture(scope="module")
def in_process(work: _Work) -> dict[str, Any]:
    found = work.run("in_process", beam_args(BeamConfig(workers=1)))
    assert len(found["augmented"]) >= 5
    return found


@pytest.fixture
def job_server(work: _Work) -> Iterator[tuple[str, str, Path]]:
    """Beam's own portable job server and a worker pool, each a process."""
    ports = processes.free_port(), processes.free_port()
    modules = (
        ["runners.portability.local_job_service_main", "--port", str(ports[0])],
        ["runners.worker.worker_pool_main", "--service_port", str(ports[1])],
    )
    logs = [work.folder / "job_server.log", work.folder / "worker_pool.log"]
    started = []
    for (module, *arguments), log in zip(modules, logs, strict=True):
        command = [str(work.python), "-m", f"apache_beam.{module}", *arguments]
        with log.open("wb") as file:
            started.append(
                subprocess.Popen(
                    command, cwd="/", env=work.environment, stdout=file, stderr=subprocess.STDOUT
                )
            )
    for port, process in zip(ports, started, strict=True):
        processes.wait_for_port(port, process)
    yield f"localhost:{ports[0]}", f"localhost:{ports[1]}", logs[1]
    for process in started:
        process.terminate()
        process.wait()


def test_workers_outside_the_driver_write_the_same_records(
    work: _Work, in_process: dict[str, Any], job_server: tuple[str, str, Path]
) -> None:
    endpoint, pool, pool_log = job_server
    config = BeamConfig(runner="portable", endpoint=endpoint, worker_pool=pool)
    found = work.run("portable", beam_args(config))
    assert found["examples"] == in_process["examples"]
    assert found["augmented"] == in_process["augmented"]
    assert "Starting worker with command" in pool_log.read_text(errors="replace")


def _unavailable(error: Exception) -> None:
    """Say loudly that a cluster can't be had; an error unless that is known."""
    message = f"NO CLUSTER: {error}"
    print(f"\n{'!' * 80}\n{message}\n{'!' * 80}", file=sys.__stderr__, flush=True)
    if os.environ.get("TFX_AUDIO_NO_FLINK") == "1":
        pytest.skip(message)
    pytest.fail(f"{message}\nSet TFX_AUDIO_NO_FLINK=1 where this is known.", pytrace=False)


def _library(pom: Path) -> Any:
    try:
        return processes.fetch_jars(pom, processes.JARS)
    except processes.Unavailable as error:
        return _unavailable(error)


@pytest.fixture(scope="module")
def library() -> Any:
    return _library(flink_cluster.POM)


def test_a_cluster_of_two_task_managers_goes_on_with_one(library: Path, tmp_path: Path) -> None:
    with flink_cluster.FlinkCluster(library, task_managers=2, work=tmp_path) as flink:
        left = flink.processes["taskmanager-1"]
        killed = flink.kill("taskmanager-0")
        flink.wait_for_task_managers(1)
        assert left.poll() is None
        assert killed != left.pid
    assert all(process.poll() is not None for process in flink.processes.values())


def test_flink_writes_the_same_records(
    work: _Work,
    in_process: dict[str, Any],
    library: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with flink_cluster.FlinkCluster(library, task_managers=2, work=tmp_path) as flink:
        pids = [flink.processes[f"taskmanager-{index}"].pid for index in range(2)]
        record_property("task_manager_pids", pids)
        found = work.run("flink", _flink_args(flink, work.python))
        workers = [_workers_started(tmp_path, index) for index in range(2)]
    assert len(set(pids)) == 2
    assert min(workers) >= 1  # both TaskManagers had Python workers of their own
    assert found["examples"] == in_process["examples"]
    assert found["augmented"] == in_process["augmented"]


def test_flink_writes_the_same_records_though_a_task_manager_dies_in_the_middle(
    work: _Work, in_process: dict[str, Any], library: Path, tmp_path: Path
) -> None:
    with flink_cluster.FlinkCluster(library, task_managers=2, work=tmp_path) as flink:
        driver = work.start("killed", _flink_args(flink, work.python))
        job = _wait_for_the_middle(flink, driver)
        assert _workers_started(tmp_path, 1) >= 2  # one a job: it works on this one too
        flink.kill("taskmanager-1")
        found = work.finish("killed", driver)
        assert flink.registered() == 1
        assert _attempts(flink, job) >= 2
        assert flink.rest(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        assert flink.rest(f"jobs/{job}")["state"] == "FINISHED"
    assert found["examples"] == in_process["examples"]
    assert found["augmented"] == in_process["augmented"]


def test_spark_writes_the_same_records(
    work: _Work, in_process: dict[str, Any], tmp_path: Path
) -> None:
    library = _library(spark_cluster.POM)
    with spark_cluster.SparkCluster(library, workers=2, work=tmp_path) as spark:
        endpoint, pool = spark.start_job_server(), spark.worker_pools(2, work.python)
        config = BeamConfig(runner="spark", endpoint=endpoint, worker_pool=pool)
        found = work.run("spark", beam_args(config))
        applications = spark.state()["completedapps"]
        workers = [_workers_started(tmp_path, index) for index in range(2)]
    assert [one["state"] for one in applications] == ["FINISHED"] * 2
    assert min(workers) >= 1  # both executors had Python workers of their own
    assert found["examples"] == in_process["examples"]
    assert found["augmented"] == in_process["augmented"]


def _flink_args(flink: Any, python: Path) -> list[str]:
    config = BeamConfig(
        runner="flink",
        endpoint=flink.start_job_server(),
        worker_pool=flink.worker_pools(2, python),
        workers=2,
    )
    return beam_args(config)


def _wait_for_the_middle(flink: Any, driver: subprocess.Popen[str]) -> str:
    """Return the augmenter's job when a quarter of its tasks have ended and others run."""
    while driver.poll() is None:
        jobs = sorted(flink.rest("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        if len(jobs) == 2 and jobs[1]["state"] == "RUNNING":
            tasks = jobs[1]["tasks"]
            if tasks["running"] and tasks["finished"] >= tasks["total"] / 4:
                job: str = jobs[1]["jid"]
                return job
        time.sleep(0.1)
    pytest.fail("the driver ended before a TaskManager could be killed")


def _attempts(flink: Any, job: str) -> int:
    """Return the largest number of attempts that a task of a job took."""
    vertices = [vertex["id"] for vertex in flink.rest(f"jobs/{job}")["vertices"]]
    details = [flink.rest(f"jobs/{job}/vertices/{vertex}") for vertex in vertices]
    return max(task["attempt"] + 1 for detail in details for task in detail["subtasks"])


def _workers_started(logs: Path, index: int) -> int:
    log = (logs / f"worker_pool-{index}.log").read_text(errors="replace")
    return log.count("Starting worker with command")
