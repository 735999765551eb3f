"""Configuration: sources and their order, paths, and refusals that name the nearest field."""

import os

import pytest
import yaml

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.config import PipelineConfig, known_fields, load_config


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "conf" / "run.yaml"
    path.parent.mkdir()
    tree = {
        "root": "out",
        "data": {"path": "../audio"},
        "augment": {"policy": "mine.yaml", "sound_banks": {"rain": "noise/rain"}},
        "train": {"steps": 10, "batch_size": 4},
    }
    path.write_text(yaml.safe_dump(tree))
    (path.parent / "mine.yaml").write_text("transforms: []\n")
    return path


def test_paths_in_a_file_are_relative_to_it(config_file):
    config = load_config(config_file)
    base = config_file.parent
    assert config.root == str(base / "out")
    assert config.data.path == str(base.parent / "audio")
    assert config.augment.policy == str(base / "mine.yaml")
    assert config.augment.sound_banks == {"rain": str(base / "noise" / "rain")}


def test_flags_win_over_the_file_and_assignments_over_flags(config_file):
    config = load_config(config_file, {"train.steps": 20, "root": None}, ["train.steps=30"])
    assert config.train.steps == 30
    assert config.train.batch_size == 4
    assert load_config(config_file, {"train.steps": 20}).train.steps == 20


def test_paths_of_flags_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {"data.path": "audio", "root": "out"})
    assert config.data.path == os.path.join(os.getcwd(), "audio")
    assert config.failed_dir == os.path.join(os.getcwd(), "out", "failed")


def test_a_preset_and_a_uri_are_no_paths():
    config = load_config(None, {"data.path": "gs://bucket/audio", "augment.policy": "speech"})
    assert config.data.path == "gs://bucket/audio"
    assert config.augment.policy == "speech"


def test_a_root_that_beam_takes_for_a_pattern_is_refused():
    with pytest.raises(InvalidInput, match=r"root: expected a path without '\['"):
        load_config(overrides={"data.path": "x", "root": "runs[1]"})


def test_values_are_yaml():
    config = load_config(
        None, {"data.path": "x"}, ["split.select={test: index in 0-4}", "augment.on_the_fly=true"]
    )
    assert config.split.select == {"test": "index in 0-4"}
    assert config.augment.on_the_fly is True


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.step=3", "unknown field 'train.step'. Did you mean 'train.steps'?"),
        ("spilt.by=speaker", "unknown field 'spilt'. Did you mean 'split'?"),
        ("train.steps=many", "train.steps: Input should be a valid integer"),
        ("max_rejected_fraction=2", "max_rejected_fraction: Input should be less than or equal"),
        ("train.steps", "--set expects section.field=value, got 'train.steps'"),
        ("train.steps=[", "--set train.steps, line 1, column 2: not YAML"),
        ("root.x=1", "already has a value"),
    ],
)
def test_refusals_say_what_was_expected(assignment, message):
    with pytest.raises(InvalidInput, match=r"\S") as refusal:
        load_config(None, {"data.path": "x", "root": "r"}, [assignment])
    assert message in str(refusal.value)


@pytest.mark.parametrize("text", ["a: [", "just text", "- 1"])
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path, text):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"odd\.yaml"):
        load_config(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.yaml: No such file"):
        load_config(tmp_path / "none.yaml")


def test_every_field_is_described_and_known_by_its_dotted_name():
    def undescribed(model, prefix=""):
        for name, info in model.model_fields.items():
            if not info.description:
                yield prefix + name

    assert list(undescribed(PipelineConfig)) == []
    assert {"train.steps", "model.frontend.n_mels", "split.by", "beam.workers"} <= set(
        known_fields()
    )
