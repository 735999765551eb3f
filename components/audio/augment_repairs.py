"""Repairs of audiomentations where it breaks on valid input. Each names what it answers to."""

from __future__ import annotations

from typing import Any

import numpy as np

BELOW_NYQUIST = 0.9999


def install_repairs() -> None:
    """Repair audiomentations' transforms; a second call changes nothing."""
    from audiomentations import PeakingFilter, RepeatPart

    _keep_below_nyquist(PeakingFilter)
    _keep_part_inside(RepeatPart)


def _keep_below_nyquist(peaking_filter: Any) -> None:
    """Hold a peaking filter's centre below the Nyquist frequency, as the shelf filters are held.

    Above it the filter is unstable: at 8 kHz one in ten SevenBandParametricEQ, whose bands reach
    4404 Hz, grew without bound.
    """
    original = peaking_filter._get_biquad_coefficients_from_input_parameters
    if getattr(original, "keeps_below_nyquist", False):
        return

    def coefficients(
        self: Any, center_freq: float, gain_db: float, q_factor: float, sample_rate: int
    ) -> Any:
        center_freq = min(center_freq, BELOW_NYQUIST * sample_rate / 2)
        return original(self, center_freq, gain_db, q_factor, sample_rate)

    coefficients.keeps_below_nyquist = True  # type: ignore[attr-defined]
    peaking_filter._get_biquad_coefficients_from_input_parameters = coefficients


def _keep_part_inside(repeat_part: Any) -> None:
    """Hold the part that RepeatPart repeats, and its crossfade, inside the clip.

    It may draw a part that ends with the clip, and then fails on arrays of different lengths:
    one in fifty copies of clips of one second.
    """
    original = repeat_part.randomize_parameters
    if getattr(original, "keeps_part_inside", False):
        return

    def randomize_parameters(self: Any, samples: np.ndarray, sample_rate: int) -> None:
        original(self, samples, sample_rate)
        if not self.parameters["should_apply"]:
            return
        half_crossfade = _half_crossfade(self.crossfade_duration, sample_rate)
        last = samples.shape[-1] - self.parameters["part_num_samples"] - half_crossfade - 1
        if last < half_crossfade:
            self.parameters["should_apply"] = False
            return
        self.parameters["part_start_index"] = min(self.parameters["part_start_index"], last)

    randomize_parameters.keeps_part_inside = True  # type: ignore[attr-defined]
    repeat_part.randomize_parameters = randomize_parameters


def _half_crossfade(duration_s: float, sample_rate: int) -> int:
    """Return half a crossfade in samples, as audiomentations rounds it."""
    from audiomentations.core.utils import get_crossfade_length

    return int(get_crossfade_length(sample_rate, duration_s)) // 2
