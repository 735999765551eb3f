"""The compiled pipeline, executed as Kubeflow's launcher would (`scripts/kfp/kfp_launcher.py`).

Once with data on a plain path, which is read while compiling, and once with data and a sound bank
in a bucket and a data version, both at the same time: each run is one process a task.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.pipeline.clips.demo_data import write_demo_data

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

REPOSITORY = Path(__file__).resolve().parents[2]
BUCKET = "minio://mlpipeline"
TRAIN_STEPS = 17
LOST = "AudioSchemaGen"  # its first pod, after its work
POLICY = """
seed: 3
copies_per_clip: 1
transforms:
  - {name: PitchShift, min_semitones: -2, max_semitones: 2, p: 0.5}
  - {name: Shift, p: 0.5}
  - {name: AddBackgroundNoise, sounds: street, p: 0.5}
"""
SETTINGS = (
    "train.steps=400",
    "model.window_s=0.5",
    "evaluate.min_accuracy=0",
    "evaluate.min_noisy_accuracy=0",
    "max_rejected_fraction=0.05",
    "data.sample_rate=16000",
    f"kubeflow.pods.{LOST}.retries=1",
)
COMPONENTS = {
    "AudioExampleGen",
    "SoundBank",
    "StatisticsGen",
    "AudioSchemaGen",
    "ExampleValidator",
    "AudioAugmenter",
    "AugmentationReport",
    "EvaluationReport",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
}


@dataclass(frozen=True)
class Launched:
    """A finished run: its folder and its tasks by name."""

    work: Path
    tasks: dict[str, dict[str, Any]]

    def artifact(self, task: str, key: str) -> dict[str, Any]:
        return self.tasks[task]["artifacts"][key]

    def files(self, task: str, key: str) -> Path:
        return self.work / "store" / self.artifact(task, key)["uri"].replace("://", "/")


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, wheel_python: Path, bare_environment: dict[str, str]
) -> dict[str, Launched]:
    folder = tmp_path_factory.mktemp("kubeflow")
    (folder / "policy.yaml").write_text(POLICY)
    plain, minio = folder / "plain", folder / "minio"
    bucket = minio / "store" / "minio" / "mlpipeline"
    for data in (folder, bucket):
        write_demo_data(data / "audio", clips_per_class=12)
        (data / "audio" / "white_noise" / "broken.wav").write_bytes(b"this is not audio")
        _write_bank(data / "street")
    where = {
        plain: ["--data", str(folder / "audio"), "--sound-bank", f"street={folder / 'street'}"],
        minio: ["--data", f"{BUCKET}/audio", "--sound-bank", f"street={BUCKET}/street"],
    }
    where[minio] += ["--data-version", "1"]
    launchers = []
    for work, arguments in where.items():
        compiled = folder / f"{work.name}.yaml"
        _compile(wheel_python, bare_environment, folder, [*arguments, "-o", str(compiled)])
        launchers.append(_launch(compiled, work, wheel_python))
    failures = [launcher.communicate()[0] for launcher in launchers if launcher.wait()]
    assert not failures, "\n".join(failures)
    return {work.name: _read(work) for work in where}


def _write_bank(folder: Path) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(5).normal(0, 0.1, 32000).astype(np.float32)
    soundfile.write(folder / "street.wav", noise, 16000)


def _compile(python: Path, environment: dict[str, str], cwd: Path, arguments: list[str]) -> None:
    command = [str(python), "-m", "tfx_audio.pipeline.cli", "compile", "--image", "registry/a:1"]
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    command += ["--policy", "policy.yaml", "--root", f"{BUCKET}/runs", *settings, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _launch(compiled: Path, work: Path, python: Path) -> subprocess.Popen[str]:
    script = str(REPOSITORY / "scripts" / "kfp" / "kfp_launcher.py")
    command = [sys.executable, script, str(compiled), "--python", str(python)]
    command += ["--work", str(work), "--parameter", f"train_steps={TRAIN_STEPS}"]
    command += ["--lose-first", LOST]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _read(work: Path) -> Launched:
    report = json.loads((work / "report.json").read_text())
    return Launched(work, {task["task"]: task for task in report})


@pytest.fixture(params=["plain", "minio"])
def run(request: pytest.FixtureRequest, runs: dict[str, Launched]) -> Launched:
    return runs[request.param]


def test_every_component_ran_and_left_nothing_in_its_working_directory(run: Launched) -> None:
    ran = {name: task for name, task in run.tasks.items() if task["kind"] == "container"}
    assert set(ran) == COMPONENTS | {"summary"}
    assert {name: task["left_in_cwd"] for name, task in ran.items() if task["left_in_cwd"]} == {}


def test_data_in_an_object_store_comes_by_importer(runs: dict[str, Launched]) -> None:
    assert not {"data", "bank_street"} & set(runs["plain"].tasks)
    assert runs["minio"].artifact("data", "artifact")["uri"] == f"{BUCKET}/audio"
    assert runs["minio"].artifact("bank_street", "artifact")["uri"] == f"{BUCKET}/street"


def test_a_task_whose_pod_was_lost_ran_again(run: Launched) -> None:
    attempts = {name: task.get("attempts", 1) for name, task in run.tasks.items()}
    assert {name for name, n in attempts.items() if n > 1} == {LOST}


def test_the_pushed_model_is_in_the_store_and_loads(run: Launched) -> None:
    metadata = run.artifact("Pusher", "pushed_model")["metadata"]
    assert metadata["pushed"] == 1
    model = tf.saved_model.load(str(run.files("Pusher", "pushed_model")))
    assert "serving_default" in model.signatures


def test_the_destination_that_is_recorded_is_the_artifact(run: Launched) -> None:
    pushed = run.artifact("Pusher", "pushed_model")
    assert pushed["metadata"]["pushed_destination"] == pushed["uri"]


def test_the_rejected_table_names_the_broken_file(run: Launched) -> None:
    tables = run.files("AudioExampleGen", "rejected").glob("rejected*.jsonl")
    lines = [json.loads(line) for table in tables for line in table.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["white_noise/broken.wav"]
    metadata = run.artifact("AudioExampleGen", "rejected")["metadata"]
    assert metadata["rejected"] == 1


def test_custom_properties_reach_the_metadata(run: Launched, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    metadata = run.artifact("AudioAugmenter", "augmented_examples")["metadata"]
    assert metadata["policy_digest"] == load_policy(str(tmp_path / "policy.yaml")).digest
    assert metadata["seed"] == 3
    assert metadata["kept"] == metadata["augmented"] > 0


def test_the_summary_tells_the_run_with_the_stores_uris(run: Launched) -> None:
    summary = json.loads((run.files("summary", "summary") / "summary.json").read_text())
    assert sum(summary["clips"].values()) == 120
    assert summary["augmented"] == summary["clips"]["train"]
    assert sum(summary["rejected"].values()) == 1
    assert len(summary["labels"]) == 10
    assert summary["evaluation"]["split"] == "test"
    assert summary["blessed"] is True
    assert summary["model_uri"] == run.artifact("Trainer", "model")["uri"]
    metrics = run.artifact("summary", "summary")["metadata"]
    assert metrics["accuracy"] == pytest.approx(summary["evaluation"]["accuracy"])


def test_a_runtime_parameter_reaches_the_trainer(run: Launched) -> None:
    log = (run.work / "tasks" / "Trainer" / "log-0").read_text(errors="replace")
    assert f'"steps": {TRAIN_STEPS}' in log.replace('\\"', '"')


def test_both_runs_got_the_same_augmented_bytes(runs: dict[str, Launched]) -> None:
    def records(run: Launched) -> dict[str, list[bytes]]:
        folders = sorted(run.files("AudioAugmenter", "augmented_examples").glob("Split-*"))
        return {
            folder.name: sorted(
                record.numpy()
                for file in sorted(folder.iterdir())
                for record in tf.data.TFRecordDataset(str(file))
            )
            for folder in folders
        }

    plain, minio = records(runs["plain"]), records(runs["minio"])
    assert set(plain) >= {"Split-train", "Split-eval", "Split-test_clean"}
    assert plain == minio
