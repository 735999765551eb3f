"""The augmenter: randomness, provenance, levels, failures, sound banks."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import audiomentations
import numpy as np
import pytest
from audiomentations.augmentations import add_gaussian_noise

from tfx_audio.components.audio.augment import AugmentationFailed, Augmenter, augment, check_policy
from tfx_audio.components.audio.augment_random import Seeded, _generators, install_generators
from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy import load_policy, parse_policy

RATE = 16000


def key_int(key):
    return int.from_bytes(key, "little")


def noise(seconds=0.3, level=0.1, clip_id="noise.wav", label="noise", seed=0):
    samples = np.random.RandomState(seed).standard_normal(round(seconds * RATE))
    return Clip(clip_id, (level * samples).astype(np.float32), RATE, label=label)


def augmenter_of(transforms, banks=None, **settings):
    text = json.dumps({"transforms": transforms, "conditions": {}, **settings})
    return Augmenter(parse_policy(text), banks)


def applied(clip):
    return json.loads(clip.augmentation)["transforms"]


@pytest.fixture
def bank(tmp_path):
    for name, level in (("b/two.wav", 0.2), ("a/one.wav", 0.1)):
        path = tmp_path / "bank" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_wav(noise(0.5, level, seed=round(level * 10)).waveform, RATE))
    return str(tmp_path / "bank")


class TestRandomness:
    def test_same_clip_policy_and_copy_give_the_same_bytes_in_any_order(self):
        augmenter, clip = Augmenter(load_policy("classic")), noise()
        first = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 9)]
        again = [augmenter.augment(clip, n).waveform.tobytes() for n in reversed(range(1, 9))]
        assert first == again[::-1]
        assert len(set(first)) > 4

    def test_seed_clip_id_and_copy_index_each_change_the_draw(self):
        gain = [{"name": "Gain", "p": 1.0}]
        draws = {
            applied(augmenter_of(gain, seed=seed).augment(noise(clip_id=name), copy))[0][
                "parameters"
            ]["amplitude_ratio"]
            for seed in (0, 1)
            for name in ("a", "b")
            for copy in (1, 2)
        }
        assert len(draws) == 8

    def test_numpys_stream_is_sfc64_from_the_clips_key(self):
        """Closed form: the state's three words are bytes 32 to 56 of the key, the counter is 1."""
        key = hashlib.sha512(b"7\0copy\0002\0x").digest()
        source = np.random.SFC64()
        words = [int.from_bytes(key[i : i + 8], "little") for i in (32, 40, 48)]
        state = source.state
        state["state"]["state"] = np.array([*words, 1], np.uint64)
        source.state = state
        expected = np.random.RandomState(source)
        with Seeded(7, "copy", 2, "x"):
            np.testing.assert_array_equal(_generators.numpy.normal(size=5), expected.normal(size=5))
            assert _generators.random.random() == random.Random(key_int(key[:32])).random()

    def test_white_noise_is_drawn_by_numpys_generator_from_the_same_state(self):
        with Seeded(7, "copy", 2, "x"):
            noise = add_gaussian_noise.np.random.randn(4, 3)
        with Seeded(7, "copy", 2, "x"):
            state = _generators.numpy.get_state(legacy=False)["state"]
        source = np.random.SFC64()
        source.state = {**source.state, "state": state}
        np.testing.assert_array_equal(noise, np.random.Generator(source).standard_normal((4, 3)))

    def test_nothing_is_left_over_from_the_clip_before(self):
        """An odd count of normal numbers leaves the second of a pair behind."""
        with Seeded(0, "copy", 1, "x"):
            first = _generators.numpy.normal(size=3)
        with Seeded(0, "copy", 1, "x"):
            np.testing.assert_array_equal(_generators.numpy.normal(size=3), first)

    def test_every_module_of_audiomentations_draws_from_the_stand_ins(self):
        """An upstream module with a source of randomness of its own is found here."""
        names = [
            info.name
            for info in pkgutil.walk_packages(
                audiomentations.__path__, "audiomentations.", onerror=lambda name: None
            )
            if "spec_augmentations" not in info.name  # for spectrograms; 0.43 can't load them
        ]
        modules = [importlib.import_module(name) for name in names]
        install_generators()
        generators = (random.Random, np.random.RandomState, np.random.Generator)
        for module in modules:
            for name, item in vars(module).items():
                where = f"{module.__name__}.{name}"
                assert not any(item is source for source in (random, np, np.random)), where
                assert not isinstance(item, generators), where
                assert not isinstance(getattr(item, "__self__", None), generators), where
            source = Path(module.__file__).read_text(encoding="utf-8")
            assert "default_rng" not in source, module.__name__
            assert "secrets" not in source, module.__name__

    def test_global_generators_stay_untouched_and_do_not_matter(self):
        augmenter, clip = Augmenter(load_policy("speech")), noise()
        expected = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 5)]
        stop = threading.Event()

        def draw():
            while not stop.is_set():
                random.seed(5), np.random.seed(5), random.random(), np.random.rand(10)

        thread = threading.Thread(target=draw)
        thread.start()
        try:
            beside = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 5)]
        finally:
            stop.set()
            thread.join()
        assert beside == expected
        random.seed(1)
        np.random.seed(1)
        augmenter.augment(clip, 9)
        assert random.random() == random.Random(1).random()
        assert np.random.uniform() == np.random.RandomState(1).uniform()

    def test_audiomentations_used_beside_us_still_follows_the_global_generators(self):
        Augmenter(load_policy("classic")).augment(noise(), 1)
        transform, draws = audiomentations.Gain(p=1.0), []
        for _ in range(2):
            random.seed(7)
            transform(noise().waveform, RATE)
            draws.append(transform.parameters["amplitude_ratio"])
        assert draws[0] == draws[1]

    def test_four_threads_on_one_augmenter(self):
        augmenter = Augmenter(load_policy("music"))
        clips = [noise(clip_id=f"{n}.wav", seed=n) for n in range(12)]
        alone = [augmenter.augment(clip, 1).waveform.tobytes() for clip in clips]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda c: augmenter.augment(c, 1).waveform.tobytes(), clips))
        assert together == alone

    def test_slow_time_stretch_is_seeded_though_signalsmith_is_random(self):
        slow = [{"name": "TimeStretch", "min_rate": 0.3, "max_rate": 0.3, "p": 1.0}]
        copies = [augmenter_of(slow).augment(noise(), 1).waveform.tobytes() for _ in range(2)]
        assert copies[0] == copies[1]

    def test_ray_traced_room_is_seeded_and_independent_of_the_core_count(self):
        import pyroomacoustics

        room = augmenter_of([{"name": "RoomSimulator", "p": 1.0}])
        before = pyroomacoustics.constants.get("num_threads")
        copies = set()
        try:
            for threads in (1, 2, 3):
                pyroomacoustics.constants.set("num_threads", threads)
                copies.add(room.augment(noise(0.1), 1).waveform.tobytes())
                assert pyroomacoustics.constants.get("num_threads") == threads
        finally:
            pyroomacoustics.constants.set("num_threads", before)
        assert len(copies) == 1


class TestProvenance:
    def test_copy_carries_where_it_comes_from(self):
        copy = augment(noise(), load_policy("classic"), 3)
        assert (copy.clip_id, copy.source_clip_id, copy.copy_index) == (
            "noise.wav~3",
            "noise.wav",
            3,
        )
        assert (copy.label, copy.condition) == ("noise", "clean")

    def test_recorded_parameters_are_what_was_applied(self):
        copy = augmenter_of([{"name": "Gain", "p": 1.0, "id": "level"}]).augment(noise(), 1)
        (record,) = applied(copy)
        ratio = record["parameters"].pop("amplitude_ratio")
        assert record == {"name": "Gain", "path": "transforms[0]", "id": "level", "parameters": {}}
        np.testing.assert_array_equal(copy.waveform, noise().waveform * np.float32(ratio))

    def test_nested_and_shuffled_steps_are_listed_in_the_order_they_ran(self):
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

    def test_nothing_stale_and_nothing_for_what_did_not_run(self):
        augmenter = augmenter_of([{"name": "Gain", "p": 0.5}])
        for n in range(1, 12):
            copy = augmenter.augment(noise(), n)
            changed = not np.array_equal(copy.waveform, noise().waveform)
            assert bool(applied(copy)) == changed

    def test_filters_inside_an_equaliser_are_recorded(self):
        copy = augmenter_of([{"name": "SevenBandParametricEQ", "p": 1.0}]).augment(noise(), 1)
        (record,) = applied(copy)
        bands = record["parameters"]
        assert len(bands["peaking_filters"]) == 5
        assert set(bands["low_shelf_filter"]) == {"center_freq", "gain_db", "q_factor"}

    def test_sound_file_and_offset_are_named_relative_to_the_bank(self, bank):
        steps = [{"name": "AddBackgroundNoise", "sounds": "street", "p": 1.0}]
        augmenter = augmenter_of(steps, {"street": bank})
        records = [applied(augmenter.augment(noise(), n))[0]["parameters"] for n in range(1, 9)]
        files = {record["noise_file_path"] for record in records}
        assert files == {"street/a/one.wav", "street/b/two.wav"}
        assert all(0 <= record["offset"] <= 0.2 for record in records)

    def test_strict_json_even_where_a_parameter_is_infinite(self):
        silent = noise(0.5).replace(waveform=np.zeros(8000, np.float32))
        copy = augmenter_of([{"name": "LoudnessNormalization", "p": 1.0}]).augment(silent, 1)
        record = json.loads(copy.augmentation, parse_constant=pytest.fail)
        assert record["transforms"][0]["parameters"]["loudness"] == "-inf"

    def test_statistics_count_what_was_applied(self):
        augmenter = augmenter_of([{"name": "Gain", "p": 1.0}, {"name": "Trim", "p": 0.0}])
        assert augmenter.stats == {}
        for n in range(1, 4):
            augmenter.augment(noise(), n)
        assert {name: stats.applied for name, stats in augmenter.stats.items()} == {"Gain": 3}
        assert 0 < augmenter.stats["Gain"].seconds < 1


class TestLevels:
    @staticmethod
    def loud(level):
        """A copy 6.02 dB up: a peak of 0.75 becomes 1.5."""
        gain = {"name": "Gain", "min_gain_db": 6.0206, "max_gain_db": 6.0206, "p": 1.0}
        clip = Clip("c", np.array([0.75, -0.3, 0.1], np.float32), RATE)
        return augmenter_of([gain], level=level).augment(clip, 1)

    def test_clip_cuts_off(self):
        np.testing.assert_allclose(
            self.loud("clip").waveform, [32767 / 32768, -0.6, 0.2], atol=1e-4
        )

    def test_rescale_turns_the_whole_copy_down(self):
        copy = self.loud("rescale")
        np.testing.assert_allclose(
            copy.waveform, np.array([1, -0.4, 0.4 / 3]) * 32767 / 32768, 1e-4
        )
        level = json.loads(copy.augmentation)["level"]
        assert level["rule"] == "rescale"
        assert level["peak"] == pytest.approx(1.5, abs=1e-4)

    def test_reject_sets_the_copy_aside(self):
        with pytest.raises(AugmentationFailed) as failure:
            self.loud("reject")
        assert (failure.value.transform, failure.value.reason) == ("", "over_full_scale")


class TestConditions:
    def test_noise_has_the_stated_ratio(self):
        clip = noise(2.0)
        augmenter = Augmenter(load_policy("classic"))
        for name, ratio_db in (("noise_20db", 20), ("noise_10db", 10), ("noise_0db", 0)):
            made = augmenter.condition(clip, name)
            added = made.waveform - clip.waveform
            measured = 20 * np.log10(np.std(clip.waveform) / np.std(added))
            assert measured == pytest.approx(ratio_db, abs=0.2)
            assert (made.clip_id, made.condition) == (f"noise.wav@{name}", name)
            assert (made.source_clip_id, made.copy_index) == ("noise.wav", 0)

    def test_clean_is_the_clip_itself(self):
        made = Augmenter(load_policy("classic")).condition(noise(), "clean")
        np.testing.assert_array_equal(made.waveform, noise().waveform)
        assert (made.clip_id, made.augmentation) == ("noise.wav@clean", "{}")

    def test_unknown_condition(self):
        with pytest.raises(InvalidInput, match="Did you mean 'noise_10db'"):
            Augmenter(load_policy("classic")).condition(noise(), "noise_10")


class TestFailures:
    @pytest.mark.parametrize(
        ("waveform", "reason"),
        [
            (np.array([0.1, np.nan], np.float32), "non_finite_input"),
            (np.array([0.1, -np.inf], np.float32), "non_finite_input"),
            (np.zeros(0, np.float32), "empty_input"),
            (np.zeros(100, np.int16), "bad_input"),
            (np.zeros((1, 2, 3), np.float32), "bad_input"),
        ],
    )
    def test_what_no_transform_may_see(self, waveform, reason):
        augmenter = augmenter_of([{"name": "Mp3Compression", "p": 1.0}])  # aborts on NaN
        with pytest.raises(AugmentationFailed) as failure:
            augmenter.augment(Clip("c", waveform, RATE), 1)
        assert failure.value.reason == reason

    def test_non_finite_between_two_transforms_does_not_reach_the_second(self, monkeypatch):
        monkeypatch.setattr(audiomentations.Gain, "apply", lambda self, x, rate: x * np.nan)
        augmenter = augmenter_of([{"name": "Gain", "p": 1}, {"name": "Mp3Compression", "p": 1}])
        with pytest.raises(AugmentationFailed) as failure:
            augmenter.augment(noise(), 1)
        assert (failure.value.transform, failure.value.reason) == ("Gain", "non_finite")

    @pytest.mark.parametrize(
        ("result", "reason"),
        [
            (lambda x: x[:0], "empty"),
            (lambda x: x[None], "bad_shape"),
            (lambda x: x * 1e9, "exploded"),
            (lambda x: x.astype(np.int16), "bad_shape"),
            (lambda x: np.zeros(3601 * 100, np.float32), "too_long"),
            (lambda x: 1 / 0, "raised"),
        ],
    )
    def test_what_may_not_come_out(self, monkeypatch, result, reason):
        monkeypatch.setattr(audiomentations.Gain, "apply", lambda self, x, rate: result(x))
        clip = Clip("c", noise().waveform, 100)
        with pytest.raises(AugmentationFailed) as failure:
            augmenter_of([{"name": "Gain", "p": 1.0}]).augment(clip, 1)
        assert (failure.value.transform, failure.value.reason) == ("Gain", reason)

    def test_what_comes_out_is_contiguous_writeable_float32(self):
        copy = augmenter_of([{"name": "Reverse", "p": 1.0}]).augment(noise(), 1)
        np.testing.assert_array_equal(copy.waveform, noise().waveform[::-1])
        assert copy.waveform.flags.carray
        assert copy.waveform.dtype == np.float32

    def test_read_only_input_is_no_obstacle(self):
        clip = noise()
        clip.waveform.flags.writeable = False
        Augmenter(load_policy("classic")).augment(clip, 1)

    def test_failures_survive_pickling(self):
        import pickle

        failure = pickle.loads(pickle.dumps(AugmentationFailed("Gain", "raised", "why")))
        assert (failure.transform, failure.reason, str(failure)) == (
            "Gain",
            "raised",
            "Gain: raised: why",
        )


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

    def test_sound_banks(self, tmp_path, bank):
        policy = parse_policy("transforms: [{name: AddBackgroundNoise, sounds: street}]")
        check_policy(policy)  # without banks: their names are all there is to check
        check_policy(policy, {"street": bank})
        with pytest.raises(InvalidInput, match=r"--sound-bank street=DIR.*Did you mean 'streets'"):
            check_policy(policy, {"streets": bank})
        (tmp_path / "empty").mkdir()
        with pytest.raises(InvalidInput, match="has no sounds"):
            check_policy(policy, {"street": str(tmp_path / "empty")})


class TestSoundBanks:
    def test_choice_depends_on_relative_names_alone(self, tmp_path, bank):
        import shutil

        moved = shutil.copytree(bank, tmp_path / "elsewhere" / "deeper")
        steps = [{"name": "AddBackgroundNoise", "sounds": "street", "p": 1.0}]
        here = augmenter_of(steps, {"street": bank})
        there = augmenter_of(steps, {"street": str(moved)})
        for n in range(1, 6):
            assert here.augment(noise(), n).augmentation == there.augment(noise(), n).augmentation
            np.testing.assert_array_equal(
                here.augment(noise(), n).waveform, there.augment(noise(), n).waveform
            )

    def test_background_noise_is_mixed_in_at_the_stated_ratio(self, bank):
        steps = [{"name": "AddBackgroundNoise", "sounds": "street", "p": 1.0,
                  "min_snr_db": 6.0, "max_snr_db": 6.0}]  # fmt: skip
        copy = augmenter_of(steps, {"street": bank}).augment(noise(), 1)
        added = copy.waveform - noise().waveform
        rms = [np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (noise().waveform, added)]
        assert 20 * np.log10(rms[0] / rms[1]) == pytest.approx(6.0, abs=0.01)

    def test_a_file_is_read_once(self, bank, monkeypatch):
        from tfx_audio.components.audio import augment_sounds

        reads = []
        original = augment_sounds.decode
        monkeypatch.setattr(
            augment_sounds, "decode", lambda *args: reads.append(1) or original(*args)
        )
        steps = [{"name": "ApplyImpulseResponse", "sounds": "rooms", "p": 1.0}]
        augmenter = augmenter_of(steps, {"rooms": bank})
        for n in range(1, 9):
            augmenter.augment(noise(), n)
        assert len(reads) == 2

    def test_a_bank_at_another_rate_is_resampled(self, tmp_path):
        tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(32000) / 32000)
        (tmp_path / "tone.wav").write_bytes(encode_wav(tone.astype(np.float32), 32000))
        steps = [{"name": "AddBackgroundNoise", "sounds": "tones", "p": 1.0}]
        clip = noise(1.0)
        copy = augmenter_of(steps, {"tones": str(tmp_path)}).augment(clip, 1)
        spectrum = np.abs(np.fft.rfft(copy.waveform - clip.waveform))
        assert np.argmax(spectrum) == 1000  # bins of 1 Hz


class TestRepairs:
    def test_peaking_filter_stays_stable_above_nyquist(self):
        """Its default range reaches 7.5 kHz; unrepaired, two of five copies at 8 kHz explode."""
        augmenter = augmenter_of([{"name": "PeakingFilter", "p": 1.0, "min_center_freq": 4200}])
        clip = noise().replace(sample_rate=8000)
        for n in range(1, 20):
            assert np.isfinite(augmenter.augment(clip, n).waveform).all()

    def test_repeated_part_and_its_crossfade_fit_into_the_clip(self):
        """Unrepaired, about one of fifty copies fails on arrays of different lengths."""
        for mode in ("insert", "replace"):
            for fade_s in (0.0, 0.005):
                step = {"name": "RepeatPart", "p": 1.0, "mode": mode, "crossfade_duration": fade_s,
                        "min_part_duration": 0.02, "max_part_duration": 0.0251}  # fmt: skip
                augmenter = augmenter_of([step])
                clip = noise(0.03)
                copies = [augmenter.augment(clip, n) for n in range(1, 60)]
                assert any(applied(copy) for copy in copies)

    def test_background_noise_never_comes_from_a_silent_stretch(self, tmp_path):
        """One tenth of the file sounds: without the repair nine of ten copies stay as they are."""
        sound = np.zeros(10 * RATE, np.float32)
        sound[4 * RATE : 5 * RATE] = noise(1.0, 0.1, seed=3).waveform
        (tmp_path / "padded.wav").write_bytes(encode_wav(sound, RATE))
        step = {"name": "AddBackgroundNoise", "sounds": "bank", "p": 1.0}
        augmenter = augmenter_of(
            [{**step, "min_snr_db": 10, "max_snr_db": 10}], {"bank": str(tmp_path)}
        )
        clip = noise(0.5)
        for copy in range(1, 21):
            made = augmenter.augment(clip, copy)
            added = made.waveform - clip.waveform
            snr = 20 * np.log10(np.std(clip.waveform) / np.std(added))
            assert snr == pytest.approx(10.0, abs=0.1)
            (step_applied,) = applied(made)
            assert 3.4 <= step_applied["parameters"]["offset"] <= 5.0

    def test_a_silent_file_is_not_recorded_as_applied(self, tmp_path):
        (tmp_path / "silent.wav").write_bytes(encode_wav(np.zeros(RATE, np.float32), RATE))
        step = {"name": "AddBackgroundNoise", "sounds": "bank", "p": 1.0}
        augmenter = augmenter_of([step], {"bank": str(tmp_path)})
        made = augmenter.augment(noise(), 1)
        assert applied(made) == []
        assert augmenter.stats == {}

    def test_short_noises_outside_the_clip_are_neither_recorded_nor_counted(self, bank):
        augmenter = augmenter_of(
            [{"name": "AddShortNoises", "sounds": "bank", "p": 1.0}], {"bank": bank}
        )
        clip, changed = noise(1.0), 0
        for copy in range(1, 41):
            made = augmenter.augment(clip, copy)
            differs = not np.array_equal(made.waveform, clip.waveform)
            assert bool(applied(made)) == differs
            changed += differs
        assert 0 < changed < 40
        assert augmenter.stats["AddShortNoises"].applied == changed

    def test_noise_in_proportion_to_silence_is_not_recorded_as_applied(self, bank):
        step = {"name": "AddBackgroundNoise", "sounds": "bank", "p": 1.0}
        silent = Clip("silent.wav", np.zeros(RATE, np.float32), RATE)
        assert applied(augmenter_of([step], {"bank": bank}).augment(silent, 1)) == []
