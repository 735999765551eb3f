"""Levels and thresholds inside audiomentations are what numpy 1 computes, under either numpy."""

import numpy as np
import pytest
from audiomentations.augmentations import (
    add_gaussian_snr,
    apply_impulse_response,
    limiter,
    tanh_distortion,
)
from audiomentations.core import utils

from tfx_audio.components.audio.augment.plain_floats import install_plain_floats

install_plain_floats()
RAMP = np.linspace(-0.3, 0.3, 1001, dtype=np.float32)


@pytest.mark.parametrize(
    "level", [utils.calculate_rms, add_gaussian_snr.calculate_rms, limiter.get_max_abs_amplitude]
)
def test_levels_are_python_floats(level):
    assert type(level(RAMP)) is float


def test_noise_level_is_computed_in_float64():
    # A third is no float32: 0.1 / 3 keeps 53 bits only if the level came as a Python float.
    level = utils.calculate_rms(np.full(64, 0.1, np.float32))
    noise = utils.calculate_desired_noise_rms(level, 20 * np.log10(3))
    assert noise == pytest.approx(level / 3, rel=1e-15)


def test_percentile_is_interpolated_in_float64():
    values = np.array([0.1, 0.2], np.float32)
    low, high = values.tolist()
    threshold = tanh_distortion.np.percentile(values, 100 / 3)
    assert type(threshold) is float
    assert threshold == pytest.approx(low + (high - low) / 3, rel=1e-8)
    assert float(np.float32(threshold)) != threshold


def test_impulse_responses_are_convolved_in_float64():
    decay = 0.9 ** np.arange(500)
    out = apply_impulse_response.convolve(RAMP, decay.astype(np.float32))
    exact = np.convolve(RAMP.astype(np.float64), decay.astype(np.float32).astype(np.float64))
    assert np.abs(out - exact).max() < 1e-14


def test_a_second_call_wraps_nothing_again():
    before = add_gaussian_snr.calculate_rms
    install_plain_floats()
    assert add_gaussian_snr.calculate_rms is before
