"""Waveforms that no transform may see, or leave behind."""

from __future__ import annotations

import audiomentations
import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.augment.failure import MAX_PEAK
from tfx_audio.components.audio.clip import CLIPPED_LEVEL, Clip
from tfx_audio.components.audio.policy.augmentation_policy import load_policy

RATE = 16000


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
    def test_what_no_transform_may_see(self, waveform, reason, augmenter_of):
        augmenter = augmenter_of([{"name": "Mp3Compression", "p": 1.0}])  # aborts on NaN
        with pytest.raises(AugmentationFailed) as failure:
            augmenter.augment(Clip("c", waveform, RATE), 1)
        assert failure.value.reason == reason

    def test_non_finite_between_two_transforms_does_not_reach_the_second(
        self, monkeypatch, noise, augmenter_of
    ):
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
    def test_what_may_not_come_out(self, monkeypatch, result, reason, noise, augmenter_of):
        monkeypatch.setattr(audiomentations.Gain, "apply", lambda self, x, rate: result(x))
        clip = Clip("c", noise().waveform, 100)
        with pytest.raises(AugmentationFailed) as failure:
            augmenter_of([{"name": "Gain", "p": 1.0}]).augment(clip, 1)
        assert (failure.value.transform, failure.value.reason) == ("Gain", reason)

    @pytest.mark.parametrize(
        ("peak", "allowed"),
        [(MAX_PEAK, True), (np.nextafter(np.float32(MAX_PEAK), np.float32(np.inf)), False)],
    )
    def test_the_peak_alone_decides(self, monkeypatch, peak, allowed, noise, augmenter_of):
        def apply(self, samples, rate):
            samples = np.zeros_like(samples)
            samples[1] = peak
            return samples

        monkeypatch.setattr(audiomentations.Gain, "apply", apply)
        augmenter = augmenter_of([{"name": "Gain", "p": 1.0}])
        if allowed:
            copy = augmenter.augment(noise(), 1)
            assert copy.waveform[1] == pytest.approx(CLIPPED_LEVEL, abs=1e-6)
        else:
            with pytest.raises(AugmentationFailed, match="peak of 1e"):
                augmenter.augment(noise(), 1)

    def test_what_comes_out_is_contiguous_writeable_float32(self, noise, augmenter_of):
        copy = augmenter_of([{"name": "Reverse", "p": 1.0}]).augment(noise(), 1)
        np.testing.assert_array_equal(copy.waveform, noise().waveform[::-1])
        assert copy.waveform.flags.carray
        assert copy.waveform.dtype == np.float32

    def test_read_only_input_is_no_obstacle(self, noise):
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
