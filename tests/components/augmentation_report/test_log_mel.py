"""The picture's log-mel is the network's, and in its own right what closed forms say."""

import numpy as np
import pytest

from tfx_audio.components.audio.features import Frontend
from tfx_audio.components.augmentation_report.log_mel import log_mel

RATE = 16_000


def tone(frequency_hz, seconds=0.5, rate=RATE):
    return (
        0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)
    ).astype(np.float32)


@pytest.mark.parametrize(
    "given",
    [{}, {"power": 2}, {"n_mels": 20, "f_min_hz": 100.0, "f_max_hz": 6_000.0}, {"win_length": 300}],
)
def test_equals_the_layer_of_the_model(given):
    from tfx_audio.pipeline.model.frontend import LogMel

    rng = np.random.default_rng(1)
    waveform = tone(700) + rng.normal(0, 0.01, 8_000).astype(np.float32)
    frontend = Frontend.derive(RATE, given)
    layer = LogMel(frontend)
    expected = np.asarray(layer(waveform[None]))[0, :, :, 0]
    np.testing.assert_allclose(log_mel(waveform, frontend), expected, atol=2e-3)


def test_a_tone_is_loudest_in_its_own_band():
    frontend = Frontend.derive(RATE)
    loudest = log_mel(tone(4_000), frontend).mean(axis=0).argmax()
    lower = log_mel(tone(400), frontend).mean(axis=0).argmax()
    assert 0 < lower < loudest < frontend.n_mels


def test_one_frame_for_a_clip_shorter_than_a_window():
    assert log_mel(np.ones(1, np.float32), Frontend.derive(RATE)).shape == (1, 40)


def test_the_dynamic_range_is_kept():
    mel = log_mel(tone(1_000), Frontend.derive(RATE, {"dynamic_range_db": 30.0}))
    assert mel.max() - mel.min() == pytest.approx(30.0, abs=1e-3)


def test_channels_are_averaged():
    both = np.stack([tone(500), tone(3_000)])
    frontend = Frontend.derive(RATE)
    np.testing.assert_array_equal(log_mel(both, frontend), log_mel(both.mean(axis=0), frontend))
