"""The wheel in an environment without the checkout, from a directory with folders of our names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

QUICK = (
    "train.steps=20",
    "model.window_s=0.5",
    "evaluate.min_accuracy=0",
    "evaluate.min_noisy_accuracy=0",
    "beam.components={AudioExampleGen: {workers: 2}, AudioAugmenter: {workers: 2}}",
)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's directory: its `components` and `pipeline` must never be imported for ours."""
    folder = tmp_path_factory.mktemp("users")
    for name in ("components", "pipeline", "schemas"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('not the one you want')\n")
    return folder


def test_the_demo_runs_with_two_beam_processes(
    workdir: Path, wheel_python: Path, bare_environment: dict[str, str]
) -> None:
    settings = [f"--set={setting}" for setting in QUICK]
    command = [str(wheel_python), "-m", "tfx_audio.pipeline.cli", "demo", "--root", "out"]
    done = subprocess.run(
        [*command, *settings],
        cwd=workdir,
        env=bare_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((workdir / "out" / "summary.json").read_text())
    assert sum(summary["clips"].values()) == 1200
    assert summary["augmented"] > 0
    assert summary["rejected"] == {}
    assert (Path(summary["pushed_uri"]) / "saved_model.pb").exists()
    logs = "".join(path.read_text(errors="replace") for path in (workdir / "out/logs").glob("*"))
    assert "sdk_worker_main" in logs  # Beam's worker processes, which an in-process run has not


LIGHT = """
from importlib.machinery import PathFinder

MISSING = {
    "tfx", "tensorflow", "keras", "kapre", "ml_metadata", "kfp", "matplotlib", "streamlit",
    "tensorflow_metadata", "tensorflow_transform", "tensorflow_model_analysis",
    "tensorflow_data_validation", "tfx_bsl",
}


find = PathFinder.find_spec


def find_others(name, path=None, target=None):
    return None if name.partition(".")[0] in MISSING else find(name, path, target)


PathFinder.find_spec = find_others
"""


def test_the_extra_augment_is_enough_for_its_commands(
    tmp_path: Path, wheel_python: Path, bare_environment: dict[str, str]
) -> None:
    """The other extras' packages are hidden, from Beam's worker processes as well."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(LIGHT)
    for number in range(6):
        path = tmp_path / "sounds" / f"{'ab'[number % 2]}_{number}.wav"
        path.parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 4000)
        soundfile.write(path, noise, 8000)

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(wheel_python), "-m", "tfx_audio.pipeline.cli", *words],
            cwd=tmp_path,
            env=bare_environment | {"PYTHONPATH": str(tmp_path / "hidden")},
            capture_output=True,
            text=True,
            check=False,
        )

    source = ("--data", "sounds", "--label-from", "{label}_{index}", "--policy", "speech")
    for words in (
        ("augment", *source, "--workers", "2", "--out", "out"),
        ("verify", "out", "--share", "1"),
        ("preview", *source, "--out", "page.html"),
        ("policy", "check", "speech"),
    ):
        done = command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    refused = command("run", "--data", "sounds")
    assert (refused.returncode, refused.stdout) == (2, "")
    said = "needs tfx, which is not installed: pip install 'tfx-audio[pipeline]'"
    assert refused.stderr == f"tfx-audio run {said}\n"


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(wheel: Path) -> None:
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tfx_audio"}
    assert "tfx_audio/schemas/clip.pbtxt" in names
    assert "tfx_audio/components/audio/policy/presets/classic.yaml" in names
    assert "tfx_audio/components/augmentation_report/page.html" in names
