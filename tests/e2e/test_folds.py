"""`tfx-audio folds`: a run a fold, each tested on its own fold, and their mean and spread."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

SETS = (
    *("train.steps=2", "train.batch_size=8", "model.window_s=0.2", "train.tensorboard=false"),
    *("evaluate.min_accuracy=0", "evaluate.min_noisy_accuracy=0"),
)


def write_esc(root):
    """The layout of ESC-50 with three folds, two classes, and a sound of its own in each file."""
    rng, lines = np.random.default_rng(0), ["filename,fold,target,category,esc10,src_file,take"]
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    for fold in "123":
        for target, (label, hz) in enumerate((("dog", 300), ("siren", 2000))):
            for take in "ABC":
                name = f"{fold}-{ord(take)}-{take}-{target}.wav"
                tone = np.sin(2 * np.pi * hz * np.arange(2000) / 8000)
                soundfile.write(root / "audio" / name, 0.4 * tone + rng.normal(0, 0.01, 2000), 8000)
                lines.append(f"{name},{fold},{target},{label},True,{ord(take)},{take}")
    (root / "meta/esc50.csv").write_text("\n".join(lines) + "\n")


def test_three_folds(tmp_path):
    write_esc(tmp_path / "esc")
    (tmp_path / "policy.yaml").write_text("{copies_per_clip: 1, transforms: [{name: Gain}]}")
    command = [str(Path(sys.executable).parent / "tfx-audio"), "folds", "--data", "esc"]
    command += ["--root", "out", "--policy", "policy.yaml", *(f"--set={one}" for one in SETS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = {}
    for fold in "123":
        root = tmp_path / f"out/fold-{fold}"
        paths = root.glob("artifacts/AudioExampleGen/examples/*/Split-test/*")
        records = [record for path in paths for record in read_records(path.open("rb"))]
        assert {example_to_clip(record).group for record in records} == {fold}
        assert len(records) == 6
        accuracy[fold] = json.loads((root / "summary.json").read_text())["evaluation"]["accuracy"]
    found = json.loads((tmp_path / "out/folds.json").read_text())
    assert found["accuracy"] == accuracy
    assert found["mean"] == pytest.approx(statistics.fmean(accuracy.values()))
    assert found["standard_deviation"] == pytest.approx(statistics.stdev(accuracy.values()))
    assert f"mean {found['mean']:.3f}" in done.stdout
