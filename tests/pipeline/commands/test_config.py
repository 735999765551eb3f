"""`tfx-audio config`: all settings by their names, and a merged file that is read back."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tfx_audio.pipeline.cli import main
from tfx_audio.pipeline.config import known_fields, load_config

SECTIONS = {
    name for name in known_fields() if any(f.startswith(f"{name}.") for f in known_fields())
}


def test_every_setting_is_listed_with_type_and_meaning(capsys):
    assert main(["config", "list", "--json"]) == 0
    settings = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert {re.sub("COMPONENT.|NUMBER.", "", name) for name in settings} == set(
        known_fields()
    ) - SECTIONS
    assert all(one["description"] for one in settings.values())
    assert settings["train.batch_size"] == {
        "name": "train.batch_size",
        "type": "integer from 1 to 65536",
        "default": 96,
        "description": "Clips per step.",
    }
    assert settings["train.epochs"]["type"] == "integer from 1 to 100000000 or nothing"
    assert settings["data.channels"]["type"] == "mono | keep"


def test_one_section_or_field(capsys):
    assert main(["config", "list", "model.frontend.n_fft"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].startswith("model.frontend.n_fft: integer from 16 to")
    assert len(text.splitlines()) == 2
    main(["config", "list", "train"])
    names = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    assert names == [name for name in known_fields() if name.startswith("train.")]


def test_a_mistyped_name_gets_the_nearest(capsys):
    assert main(["config", "list", "train.batchsize"]) == 2
    assert "Did you mean 'train.batch_size'" in capsys.readouterr().err


def test_the_merged_configuration_is_a_commented_file_that_a_run_takes(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(
        "train: {steps: 7, seed: 3}\n"
        "kubeflow: {pods: {all: {labels: {team: ü}}, Trainer: {gpu: 1}}}\n"
    )
    flags = ["--config", str(tmp_path / "mine.yaml"), "--data", str(tmp_path)]
    flags += ["--set", "train.steps=9", "--policy", "speech"]
    assert main(["config", "show", *flags]) == 0
    text = capsys.readouterr().out
    assert "  # Clips per step.\n  batch_size: 96\n" in text
    values = yaml.safe_load(text)
    assert (values["train"]["steps"], values["train"]["seed"]) == (9, 3)
    (tmp_path / "shown.yaml").write_text(text)
    wanted = load_config(
        tmp_path / "mine.yaml",
        {"data.path": str(tmp_path), "augment.policy": "speech"},
        ["train.steps=9"],
    )
    shown = load_config(tmp_path / "shown.yaml")
    here = {"root": wanted.root}  # relative to the file, as all paths in one
    assert shown.model_copy(update=here) == wanted
    assert shown.kubeflow.pod("Transform") == wanted.kubeflow.pod("Transform")


@pytest.mark.parametrize("flags", [[], ["--data", "x", "--set", "train.steps=none"]])
def test_what_run_would_refuse_is_refused(flags, capsys):
    assert main(["config", "show", *flags]) == 2
    assert capsys.readouterr().err.startswith("tfx-audio config: ")
