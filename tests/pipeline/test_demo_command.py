"""`tfx-audio demo`: its shorter training gives way to what is asked for."""

import pytest

from tfx_audio.pipeline import demo_data
from tfx_audio.pipeline.cli import main
from tfx_audio.pipeline.commands import demo
from tfx_audio.pipeline.config import load_config


@pytest.mark.parametrize(
    ("arguments", "steps", "tune_steps"),
    [
        ([], 600, 250),
        (["--tune", "steps=5"], 600, 5),
        (["--set", "train.steps=7", "--set", "tune.steps=6"], 7, 6),
    ],
)
def test_what_is_asked_for_comes_before_the_demos_own(
    monkeypatch, tmp_path, arguments, steps, tune_steps
):
    monkeypatch.setattr(demo_data, "write_demo_data", lambda folder: folder)
    started = []

    def start(args, overrides):
        started.append(load_config(None, overrides, args.assignments))
        return 0

    monkeypatch.setattr(demo.run_command, "start", start)

    assert main(["demo", "--root", str(tmp_path / "root"), *arguments]) == 0

    (config,) = started
    assert (config.train.steps, config.tune.steps) == (steps, tune_steps)
