"""TFX's own command line drives the pipeline from any directory, and `tfx-audio runs` shows it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tfx_audio.pipeline.clips.demo_data import write_demo_data

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

_TFX = "from tfx.tools.cli.cli_main import cli_group; cli_group()"
_RUNNER = "import tfx_audio.pipeline as p; print(*p.__path__)"


class _Shell:
    """Commands in a directory that is neither the checkout nor the run's root."""

    def __init__(self, folder: Path, python: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.python = str(python)
        self.cwd = folder / "elsewhere"
        self.cwd.mkdir()
        self.environment = {
            **environment,
            "LOCAL_HOME": str(folder / "tfx_state"),
            "TFX_AUDIO_CONFIG": str(folder / "config.yaml"),
        }
        package = self._call("-c", _RUNNER).stdout.strip()
        self.runner = str(Path(package) / "local_runner.py")

    def tfx(self, *arguments: str) -> str:
        done = self._call("-c", _TFX, *arguments, "--engine", "local")
        return done.stdout + done.stderr

    def runs(self, *arguments: str) -> Any:
        root = str(self.folder / "root")
        command = ["-m", "tfx_audio.pipeline.cli", "runs", "--root", root, "--json", *arguments]
        return json.loads(self._call(*command).stdout)

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def shell(
    tmp_path_factory: pytest.TempPathFactory, wheel_python: Path, bare_environment: dict[str, str]
) -> _Shell:
    folder = tmp_path_factory.mktemp("tfx_cli")
    write_demo_data(folder / "audio", clips_per_class=12)
    config = {
        "name": "sounds",
        "root": "root",  # relative to this file, not to where the command runs
        "data": {"path": "audio"},
        "train": {"steps": 20},
        "model": {"window_s": 0.5},
        "evaluate": {"min_accuracy": 0, "min_noisy_accuracy": 0},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    shell = _Shell(folder, wheel_python, bare_environment)
    shell.tfx("pipeline", "create", "--pipeline_path", shell.runner)
    return shell


def test_a_created_pipeline_is_listed_and_nothing_has_run(shell: _Shell) -> None:
    assert "sounds" in shell.tfx("pipeline", "list")
    assert not (shell.folder / "root" / "metadata.sqlite").exists()


def test_a_run_ends_with_a_pushed_model_that_runs_shows(shell: _Shell) -> None:
    shell.tfx("run", "create", "--pipeline_name", "sounds")
    summary = json.loads((shell.folder / "root" / "summary.json").read_text())
    assert summary["blessed"] is True
    assert (Path(summary["pushed_uri"]) / "saved_model.pb").exists()
    (run,) = shell.runs()
    assert run["state"] == "COMPLETE"
    assert {"AudioAugmenter", "Trainer", "Pusher"} <= {node["id"] for node in run["components"]}
    lineage = shell.runs("--lineage", summary["pushed_uri"])
    digests = {step["node_id"]: set(step["digests"]) for step in lineage["steps"]}
    assert digests["Trainer"] == {"code_digest"}
    assert digests["AudioAugmenter"] >= {"code_digest", "policy_digest"}
    assert digests["AudioExampleGen"] >= {"code_digest", "data_digest"}
    assert list(shell.cwd.iterdir()) == []
