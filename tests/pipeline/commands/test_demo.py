"""`tfx-audio demo`: its shorter training gives way to what is asked for."""

import pytest

from tfx_audio.pipeline import local_runner as runner
from tfx_audio.pipeline.cli import main
from tfx_audio.pipeline.clips import demo_data


@pytest.mark.parametrize(
    ("arguments", "training"),
    [
        ([], (600, 32, 250)),
        (["--tune", "steps=5"], (600, 32, 5)),
        (["--set", "train.steps=7", "--set", "tune.steps=6"], (7, 32, 6)),
        (["--config", "c.yaml"], (600, 8, 250)),
        (["--config", "c.yaml", "--set", "train.batch_size=9"], (600, 9, 250)),
    ],
)
def test_what_is_asked_for_comes_before_the_demos_own(monkeypatch, tmp_path, arguments, training):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("augment: {policy: speech}\ntrain: {batch_size: 8}\n")
    monkeypatch.setattr(demo_data, "write_demo_data", lambda folder: folder)
    started = []
    monkeypatch.setattr(runner, "run_pipeline", started.append)

    assert main(["demo", "--root", "root", *arguments]) == 0

    (config,) = started
    assert (config.train.steps, config.train.batch_size, config.tune.steps) == training
    assert config.augment.policy == ("speech" if "--config" in arguments else "classic")
