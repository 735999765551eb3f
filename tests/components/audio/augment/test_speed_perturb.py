"""SpeedPerturb: a tone of f Hz at the speed r is a tone of r·f Hz, r times as short."""

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip

RATE = 16000


def tone(hz, seconds=1.0):
    time_s = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def step(rate, **more):
    return [{"name": "SpeedPerturb", "min_rate": rate, "max_rate": rate, "p": 1.0, **more}]


def peak_hz(waveform):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return np.argmax(spectrum) * RATE / len(waveform)


@pytest.mark.parametrize("rate", [0.5, 0.9, 1.1, 1.7])
def test_pitch_and_length_change_together(augmenter_of, applied, rate):
    clip = Clip("a", tone(1000), RATE)
    copy = augmenter_of(step(rate, leave_length_unchanged=False)).augment(clip, 1)
    assert copy.waveform.shape == (round(RATE / rate),)
    assert peak_hz(copy.waveform) == pytest.approx(1000 * rate, abs=3)
    assert np.sqrt(2 * np.mean(copy.waveform**2)) == pytest.approx(0.5, rel=0.01)
    assert applied(copy) == [
        {"name": "SpeedPerturb", "path": "transforms[0]", "parameters": {"rate": rate}}
    ]


def test_the_length_stays_by_default(augmenter_of):
    faster = augmenter_of(step(1.25)).augment(Clip("a", tone(1000), RATE), 1).waveform
    assert faster.shape == (RATE,)
    assert not faster[round(RATE / 1.25) :].any()
    assert peak_hz(faster[: round(RATE / 1.25)]) == pytest.approx(1250, abs=3)
    slower = augmenter_of(step(0.8)).augment(Clip("a", tone(1000), RATE), 1).waveform
    assert slower.shape == (RATE,)
    assert peak_hz(slower) == pytest.approx(800, abs=3)


def test_each_channel_by_itself(augmenter_of):
    stereo = np.stack([tone(1000), tone(2000)])
    copy = augmenter_of(step(1.1)).augment(Clip("a", stereo, RATE), 1).waveform
    assert [peak_hz(channel) for channel in copy] == pytest.approx([1100, 2200], abs=5)


def test_two_channels_of_one_sample(augmenter_of):
    one = Clip("a", np.full((2, 1), 0.5, np.float32), RATE)
    assert augmenter_of(step(1.1)).augment(one, 1).waveform.shape == (2, 1)
