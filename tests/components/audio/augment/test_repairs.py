"""Where audiomentations breaks on valid input, or says what it did not do."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed
from tfx_audio.components.audio.clip import Clip, encode_wav

RATE = 16000


class TestRepairs:
    def test_peaking_filter_stays_stable_above_nyquist(self, noise, augmenter_of):
        """Its default range reaches 7.5 kHz; unrepaired, two of five copies at 8 kHz explode."""
        augmenter = augmenter_of([{"name": "PeakingFilter", "p": 1.0, "min_center_freq": 4200}])
        clip = noise().replace(sample_rate=8000)
        for n in range(1, 20):
            assert np.isfinite(augmenter.augment(clip, n).waveform).all()

    def test_repeated_part_and_its_crossfade_fit_into_the_clip(self, noise, augmenter_of, applied):
        """Unrepaired, about one of fifty copies fails on arrays of different lengths."""
        for mode in ("insert", "replace"):
            for fade_s in (0.0, 0.005):
                step = {"name": "RepeatPart", "p": 1.0, "mode": mode, "crossfade_duration": fade_s,
                        "min_part_duration": 0.02, "max_part_duration": 0.0251}  # fmt: skip
                augmenter = augmenter_of([step])
                clip = noise(0.03)
                copies = [augmenter.augment(clip, n) for n in range(1, 60)]
                assert any(applied(copy) for copy in copies)

    def test_background_noise_never_comes_from_a_silent_stretch(
        self, tmp_path, noise, augmenter_of, applied
    ):
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

    def test_a_silent_file_is_not_recorded_as_applied(self, tmp_path, noise, augmenter_of, applied):
        (tmp_path / "silent.wav").write_bytes(encode_wav(np.zeros(RATE, np.float32), RATE))
        step = {"name": "AddBackgroundNoise", "sounds": "bank", "p": 1.0}
        augmenter = augmenter_of([step], {"bank": str(tmp_path)})
        made = augmenter.augment(noise(), 1)
        assert applied(made) == []
        assert augmenter.stats == {}

    def test_short_noises_outside_the_clip_are_neither_recorded_nor_counted(
        self, bank, noise, augmenter_of, applied
    ):
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

    def test_noise_in_proportion_to_silence_is_not_recorded_as_applied(
        self, bank, augmenter_of, applied
    ):
        step = {"name": "AddBackgroundNoise", "sounds": "bank", "p": 1.0}
        silent = Clip("silent.wav", np.zeros(RATE, np.float32), RATE)
        assert applied(augmenter_of([step], {"bank": bank}).augment(silent, 1)) == []

    @pytest.mark.parametrize("name", ["AddBackgroundNoise", "AddShortNoises"])
    def test_two_channels_are_refused_whatever_was_drawn(self, tmp_path, augmenter_of, name):
        (tmp_path / "silent.wav").write_bytes(encode_wav(np.zeros(RATE, np.float32), RATE))
        step = {"name": name, "sounds": "bank", "p": 1.0}
        augmenter = augmenter_of([step], {"bank": str(tmp_path)})
        for copy in range(1, 6):
            with pytest.raises(AugmentationFailed, match="mono_only"):
                augmenter.augment(Clip("c", np.zeros((2, 800), np.float32), RATE), copy)
