"""Time ingest and augmentation on 1 and on 2 TaskManagers and compare the records.

    python scripts/clusters/compare.py --data DIR [--label-from PATTERN] [--policy FILE]

Runs `scripts/beam_job.py` in process first. Fails where Flink wrote other records.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flink import POM, FlinkCluster
from processes import JARS, Unavailable, fetch_jars

from tfx_audio.pipeline.beam.options import BeamConfig, beam_args

_REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    """Print a line for each place where the job ran."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--label-from", default="")
    parser.add_argument("--policy", default="classic")
    parser.add_argument("--jar-dir", type=Path, default=JARS)
    args = parser.parse_args()
    job = ["--data", args.data, f"--label-from={args.label_from}", "--policy", args.policy]
    try:
        library = fetch_jars(POM, args.jar_dir)
        expected = _run("in process", job, BeamConfig(workers=1))
        same = [_on_flink(library, count, job) == expected for count in (1, 2)]
    except Unavailable as error:
        print(f"flink: {error}", file=sys.stderr)
        return 1
    print("the same records" if all(same) else "OTHER RECORDS than in process")
    return 0 if all(same) else 1


def _on_flink(library: Path, task_managers: int, job: list[str]) -> dict[str, Any]:
    with FlinkCluster(library, task_managers) as flink:
        pids = [flink.processes[f"taskmanager-{index}"].pid for index in range(task_managers)]
        config = BeamConfig(
            runner="flink",
            endpoint=flink.start_job_server(),
            worker_pool=flink.worker_pools(task_managers),
            workers=task_managers,
        )
        found = _run(f"TaskManagers {pids}", job, config)
        jobs = sorted(flink.rest("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        seconds = [f"{each['duration'] / 1000:.0f} s" for each in jobs]
        print(f"  without submission: {', '.join(seconds)}", flush=True)
    return found


def _run(name: str, job: list[str], config: BeamConfig) -> dict[str, Any]:
    """Run the job in a folder of its own, print its times and return its digests."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, str(_REPOSITORY / "scripts" / "beam_job.py"), *job]
        command += ["--out", str(Path(out) / "out"), "--", *beam_args(config)]
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        wall_s = time.monotonic() - started
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    times = f"ingest {found.pop('ingest_s')} s, augment {found.pop('augment_s')} s"
    print(f"{name}: {wall_s:.0f} s ({times})", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
