"""`tfx-audio policy check|list|show`."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest

from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy, preset_text
from tfx_audio.components.audio.policy.check import policy_schema, transform_schemas
from tfx_audio.pipeline.commands import policy as command


def tfx_audio_policy(*arguments: str) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(arguments)))


@pytest.fixture
def policy_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "copies_per_clip: 3\n"
        "transforms:\n"
        "  - {name: AddBackgroundNoise, sounds: street, p: 0.5}\n"
        "  - {name: OneOf, transforms: [Gain, PitchShift]}\n"
        "labels: {siren: {PitchShift: off}}\n"
    )
    return path


def test_check_says_what_the_policy_comes_to(policy_file, capsys):
    assert tfx_audio_policy("check", str(policy_file)) == 0
    said = capsys.readouterr().out
    assert "valid" in said
    assert "3 copies of each training clip, originals kept" in said
    assert "conditions: clean, noise_20db, noise_10db, noise_0db" in said
    assert "label siren: AddBackgroundNoise, OneOf(Gain)" in said
    assert "sound banks (not looked at): street" in said


def test_check_looks_into_the_sound_banks_that_are_given(policy_file, tmp_path, capsys):
    (tmp_path / "street").mkdir()
    with pytest.raises(InvalidInput, match="'street': expected a folder with audio files"):
        tfx_audio_policy("check", str(policy_file), "--sound-bank", f"street={tmp_path / 'street'}")
    noise = np.random.RandomState(0).uniform(-0.1, 0.1, 1000).astype(np.float32)
    (tmp_path / "street" / "a.wav").write_bytes(encode_wav(noise, 16000))
    tfx_audio_policy("check", str(policy_file), "--sound-bank", f"street={tmp_path / 'street'}")
    assert "sound banks (found): street" in capsys.readouterr().out


def test_check_finds_what_only_audiomentations_knows(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("transforms:\n  - {name: AirAbsorption, min_temperature: 15}\n")
    with pytest.raises(InvalidInput, match=r"bad.yaml, line 2, .*must be either 10.0 or 20.0"):
        tfx_audio_policy("check", str(path))


def test_list_names_presets_and_every_transform_with_needs_and_cost(capsys):
    assert tfx_audio_policy("list") == 0
    said = capsys.readouterr().out
    for name in ("classic", "telephone", *transform_schemas()):
        assert f"  {name} " in said
    assert "needs package pyroomacoustics" in said
    assert "needs a sound bank" in said
    assert "min_semitones=-4, max_semitones=4" in said


def test_show_a_preset_gives_its_file_and_a_file_gives_a_valid_policy(policy_file, capsys):
    tfx_audio_policy("show", "speech")
    assert capsys.readouterr().out == preset_text("speech")
    tfx_audio_policy("show", str(policy_file))
    shown = parse_policy(capsys.readouterr().out)
    assert shown.copies_per_clip == 3
    assert shown.seed == 0


def test_show_a_transform_gives_its_parameters_with_bounds_and_defaults(capsys):
    tfx_audio_policy("show", "TimeStretch")
    said = capsys.readouterr().out
    assert "min_rate: number (0.1 to 10.0)=0.8" in said
    assert "method: librosa_phase_vocoder | signalsmith_stretch=signalsmith_stretch" in said
    assert "Needs: package python_stretch" in said


def test_show_schema_gives_what_an_editor_needs(capsys):
    tfx_audio_policy("show", "schema")
    assert json.loads(capsys.readouterr().out) == policy_schema()


@pytest.mark.parametrize("preset", ["music", "telephone"])
def test_check_says_which_transform_can_not_take_a_sample_rate(preset, capsys):
    with pytest.raises(InvalidInput, match=r"Mp3Compression can't take clips of 96000 Hz"):
        tfx_audio_policy("check", preset, "--sample-rate", "96000")
    assert tfx_audio_policy("check", preset, "--sample-rate", "44100") == 0
    assert tfx_audio_policy("check", "classic", "--sample-rate", "96000") == 0


def test_check_warns_of_copies_that_stay_as_they_are(capsys):
    """Three transforms with p 0.5: 0.5 ** 3."""
    assert tfx_audio_policy("check", "classic") == 0
    assert "12.5 % of the copies are unchanged" in capsys.readouterr().out
