"""The augmenter: provenance, levels, conditions, what a policy is checked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import (
    AugmentationFailed,
    Augmenter,
    augment,
    check_policy,
)
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy, parse_policy

RATE = 16000


class TestProvenance:
    def test_copy_carries_where_it_comes_from(self, noise):
        copy = augment(noise(), load_policy("classic"), 3)
        assert (copy.clip_id, copy.source_clip_id, copy.copy_index) == (
            "noise.wav~3",
            "noise.wav",
            3,
        )
        assert (copy.label, copy.condition) == ("noise", "clean")

    def test_recorded_parameters_are_what_was_applied(self, noise, augmenter_of, applied):
        copy = augmenter_of([{"name": "Gain", "p": 1.0, "id": "level"}]).augment(noise(), 1)
        (record,) = applied(copy)
        ratio = record["parameters"].pop("amplitude_ratio")
        assert record == {"name": "Gain", "path": "transforms[0]", "id": "level", "parameters": {}}
        np.testing.assert_array_equal(copy.waveform, noise().waveform * np.float32(ratio))

    def test_nested_and_shuffled_steps_are_listed_in_the_order_they_ran(
        self, noise, augmenter_of, applied
    ):
        augmenter = augmenter_of(
            [
                {
                    "name": "Compose",
                    "shuffle": True,
                    "transforms": [
                        {"name": "PolarityInversion", "p": 1.0},
                        {"name": "SomeOf", "num_transforms": 1, "transforms": [
                            {"name": "Reverse", "p": 1.0}, {"name": "Gain", "p": 1.0}]},
                    ],
                }
            ]
        )  # fmt: skip
        seen = {
            tuple((step["name"], step["path"]) for step in applied(augmenter.augment(noise(), n)))
            for n in range(1, 20)
        }
        first = ("PolarityInversion", "transforms[0].transforms[0]")
        inner = "transforms[0].transforms[1].transforms"
        others = [("Reverse", f"{inner}[0]"), ("Gain", f"{inner}[1]")]
        assert seen == {pair for other in others for pair in ((first, other), (other, first))}

    def test_nothing_stale_and_nothing_for_what_did_not_run(self, noise, augmenter_of, applied):
        augmenter = augmenter_of([{"name": "Gain", "p": 0.5}])
        for n in range(1, 12):
            copy = augmenter.augment(noise(), n)
            changed = not np.array_equal(copy.waveform, noise().waveform)
            assert bool(applied(copy)) == changed

    def test_filters_inside_an_equaliser_are_recorded(self, noise, augmenter_of, applied):
        copy = augmenter_of([{"name": "SevenBandParametricEQ", "p": 1.0}]).augment(noise(), 1)
        (record,) = applied(copy)
        bands = record["parameters"]
        assert len(bands["peaking_filters"]) == 5
        assert set(bands["low_shelf_filter"]) == {"center_freq", "gain_db", "q_factor"}

    def test_sound_file_and_offset_are_named_relative_to_the_bank(
        self, bank, noise, augmenter_of, applied
    ):
        steps = [{"name": "AddBackgroundNoise", "sounds": "street", "p": 1.0}]
        augmenter = augmenter_of(steps, {"street": bank})
        records = [applied(augmenter.augment(noise(), n))[0]["parameters"] for n in range(1, 9)]
        files = {record["noise_file_path"] for record in records}
        assert files == {"street/a/one.wav", "street/b/two.wav"}
        assert all(0 <= record["offset"] <= 0.2 for record in records)

    def test_strict_json_even_where_a_parameter_is_infinite(self, noise, augmenter_of):
        silent = noise(0.5).replace(waveform=np.zeros(8000, np.float32))
        copy = augmenter_of([{"name": "LoudnessNormalization", "p": 1.0}]).augment(silent, 1)
        record = json.loads(copy.augmentation, parse_constant=pytest.fail)
        assert record["transforms"][0]["parameters"]["loudness"] == "-inf"

    def test_statistics_count_what_was_applied(self, noise, augmenter_of):
        augmenter = augmenter_of([{"name": "Gain", "p": 1.0}, {"name": "Trim", "p": 0.0}])
        assert augmenter.stats == {}
        for n in range(1, 4):
            augmenter.augment(noise(), n)
        assert {name: stats.applied for name, stats in augmenter.stats.items()} == {"Gain": 3}
        assert 0 < augmenter.stats["Gain"].seconds < 1


class TestLevels:
    @pytest.fixture
    def loud(self, augmenter_of):
        """Make a copy 6.02 dB up, by a level rule: a peak of 0.75 becomes 1.5."""
        gain = {"name": "Gain", "min_gain_db": 6.0206, "max_gain_db": 6.0206, "p": 1.0}
        clip = Clip("c", np.array([0.75, -0.3, 0.1], np.float32), RATE)
        return lambda level: augmenter_of([gain], level=level).augment(clip, 1)

    def test_clip_cuts_off(self, loud):
        np.testing.assert_allclose(loud("clip").waveform, [32767 / 32768, -0.6, 0.2], atol=1e-4)

    def test_rescale_turns_the_whole_copy_down(self, loud):
        copy = loud("rescale")
        np.testing.assert_allclose(
            copy.waveform, np.array([1, -0.4, 0.4 / 3]) * 32767 / 32768, 1e-4
        )
        level = json.loads(copy.augmentation)["level"]
        assert level["rule"] == "rescale"
        assert level["peak"] == pytest.approx(1.5, abs=1e-4)

    def test_reject_sets_the_copy_aside(self, loud):
        with pytest.raises(AugmentationFailed) as failure:
            loud("reject")
        assert (failure.value.transform, failure.value.reason) == ("", "over_full_scale")


class TestConditions:
    def test_noise_has_the_stated_ratio(self, noise):
        clip = noise(2.0)
        augmenter = Augmenter(load_policy("classic"))
        for name, ratio_db in (("noise_20db", 20), ("noise_10db", 10), ("noise_0db", 0)):
            made = augmenter.condition(clip, name)
            added = made.waveform - clip.waveform
            measured = 20 * np.log10(np.std(clip.waveform) / np.std(added))
            assert measured == pytest.approx(ratio_db, abs=0.2)
            assert (made.clip_id, made.condition) == (f"noise.wav@{name}", name)
            assert (made.source_clip_id, made.copy_index) == ("noise.wav", 0)

    def test_clean_is_the_clip_itself(self, noise):
        made = Augmenter(load_policy("classic")).condition(noise(), "clean")
        np.testing.assert_array_equal(made.waveform, noise().waveform)
        assert (made.clip_id, made.augmentation) == ("noise.wav@clean", "{}")

    def test_unknown_condition(self, noise):
        with pytest.raises(InvalidInput, match="Did you mean 'noise_10db'"):
            Augmenter(load_policy("classic")).condition(noise(), "noise_10")


class TestPolicyCheck:
    def test_constructor_refuses_and_the_place_is_named(self):
        policy = parse_policy(
            "transforms:\n  - Gain\n  - {name: AirAbsorption, min_temperature: 15}\n", "my.yaml"
        )
        with pytest.raises(InvalidInput, match=r"my.yaml, line 3, transforms\[1\]: AirAbsorption"):
            check_policy(policy)

    def test_assertion_without_a_message_shows_its_condition(self):
        policy = parse_policy("transforms: [{name: TanhDistortion, min_distortion: -1}]")
        with pytest.raises(InvalidInput, match="assert 0 <= min_distortion <= 1"):
            check_policy(policy)

    def test_labels_and_conditions_are_checked_too(self):
        labels = "transforms: [AirAbsorption]\nlabels: {a: {AirAbsorption: {min_humidity: 1}}}"
        conditions = (
            "transforms: [Gain]\nconditions: {far: [{name: AirAbsorption, max_humidity: 99}]}"
        )
        for text in (labels, conditions):
            with pytest.raises(InvalidInput, match="AirAbsorption refuses its parameters"):
                check_policy(parse_policy(text))

    def test_missing_package_is_found_before_the_first_clip(self, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "numpy_audio_limiter", None)
        with pytest.raises(InvalidInput, match="Limiter needs the package numpy-audio-limiter"):
            check_policy(parse_policy("transforms: [Limiter]"))

    def test_sound_banks_are_not_looked_at(self):
        check_policy(parse_policy("transforms: [{name: AddBackgroundNoise, sounds: street}]"))

    def test_banks_are_listed_when_an_augmenter_is_built(self, tmp_path, bank):
        policy = parse_policy("transforms: [{name: AddBackgroundNoise, sounds: street}]")
        Augmenter(policy, {"street": bank})
        with pytest.raises(InvalidInput, match=r"--sound-bank street=DIR.*Did you mean 'streets'"):
            Augmenter(policy, {"streets": bank})
        (tmp_path / "empty").mkdir()
        with pytest.raises(InvalidInput, match="has no sounds"):
            Augmenter(policy, {"street": str(tmp_path / "empty")})
