"""Repairs of audiomentations where it breaks on valid input. Each names what it answers to."""

from __future__ import annotations

from typing import Any

BELOW_NYQUIST = 0.9999


def install_repairs() -> None:
    """Repair audiomentations' transforms; a second call changes nothing."""
    from audiomentations import PeakingFilter

    _keep_below_nyquist(PeakingFilter)


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
