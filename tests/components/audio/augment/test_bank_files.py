"""Sound banks in the augmenter."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_audio.components.audio.clip import encode_wav

RATE = 16000


class TestSoundBanks:
    def test_choice_depends_on_relative_names_alone(self, tmp_path, bank, noise, augmenter_of):
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

    def test_background_noise_is_mixed_in_at_the_stated_ratio(self, bank, noise, augmenter_of):
        steps = [{"name": "AddBackgroundNoise", "sounds": "street", "p": 1.0,
                  "min_snr_db": 6.0, "max_snr_db": 6.0}]  # fmt: skip
        copy = augmenter_of(steps, {"street": bank}).augment(noise(), 1)
        added = copy.waveform - noise().waveform
        rms = [np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (noise().waveform, added)]
        assert 20 * np.log10(rms[0] / rms[1]) == pytest.approx(6.0, abs=0.01)

    def test_a_file_is_read_once(self, bank, monkeypatch, noise, augmenter_of):
        from tfx_audio.components.audio.augment import bank_files

        reads = []
        original = bank_files.read_waveform
        monkeypatch.setattr(
            bank_files, "read_waveform", lambda *args: reads.append(1) or original(*args)
        )
        steps = [{"name": "ApplyImpulseResponse", "sounds": "rooms", "p": 1.0}]
        augmenter = augmenter_of(steps, {"rooms": bank})
        for n in range(1, 9):
            augmenter.augment(noise(), n)
        assert len(reads) == 2

    def test_a_bank_at_another_rate_is_resampled(self, tmp_path, noise, augmenter_of):
        tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(32000) / 32000)
        (tmp_path / "tone.wav").write_bytes(encode_wav(tone.astype(np.float32), 32000))
        steps = [{"name": "AddBackgroundNoise", "sounds": "tones", "p": 1.0}]
        clip = noise(1.0)
        copy = augmenter_of(steps, {"tones": str(tmp_path)}).augment(clip, 1)
        spectrum = np.abs(np.fft.rfft(copy.waveform - clip.waveform))
        assert np.argmax(spectrum) == 1000  # bins of 1 Hz
