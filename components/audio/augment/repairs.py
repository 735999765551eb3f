"""Repairs of audiomentations where it breaks on valid input. Each names what it answers to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfx_audio.components.audio.augment.bank_files import load_sound

BELOW_NYQUIST = 0.9999
SILENT_RMS = 1e-9  # below it AddBackgroundNoise adds nothing


def install_repairs() -> None:
    """Repair audiomentations' transforms; a second call changes nothing."""
    from audiomentations import AddBackgroundNoise, AddShortNoises, PeakingFilter, RepeatPart

    _keep_below_nyquist(PeakingFilter)
    _mend_draws(RepeatPart, _keep_part_inside)
    _mend_draws(AddBackgroundNoise, _keep_to_audible_stretches)
    _mend_draws(AddShortNoises, _keep_to_sounds_in_the_clip)


def _mend_draws(transform_class: Any, mend: Callable[[Any, np.ndarray, int], None]) -> None:
    """Have `mend` look at what a transform has drawn, wherever it is to be applied."""
    original = transform_class.randomize_parameters
    if hasattr(original, "mended"):
        return

    def randomize_parameters(self: Any, samples: np.ndarray, sample_rate: int) -> None:
        original(self, samples, sample_rate)
        refused = samples.ndim > 1 and not self.supports_multichannel  # by the library, afterwards
        if self.parameters["should_apply"] and not refused:
            mend(self, samples, sample_rate)

    randomize_parameters.mended = True  # type: ignore[attr-defined]
    transform_class.randomize_parameters = randomize_parameters


def _keep_below_nyquist(peaking_filter: Any) -> None:
    """Hold a peaking filter's centre below the Nyquist frequency, as the shelf filters are held.

    Above it the filter is unstable: at 8 kHz one in ten SevenBandParametricEQ, whose bands reach
    4404 Hz, grew without bound.
    """
    original = peaking_filter._get_biquad_coefficients_from_input_parameters
    if hasattr(original, "mended"):
        return

    def coefficients(
        self: Any, center_freq: float, gain_db: float, q_factor: float, sample_rate: int
    ) -> Any:
        center_freq = min(center_freq, BELOW_NYQUIST * sample_rate / 2)
        return original(self, center_freq, gain_db, q_factor, sample_rate)

    coefficients.mended = True  # type: ignore[attr-defined]
    peaking_filter._get_biquad_coefficients_from_input_parameters = coefficients


def _keep_part_inside(repeat_part: Any, samples: np.ndarray, sample_rate: int) -> None:
    """Hold the part that RepeatPart repeats, and its crossfade, inside the clip.

    It may draw a part that ends with the clip, and then fails on arrays of different lengths:
    one in fifty copies of clips of one second.
    """
    drawn = repeat_part.parameters
    half_crossfade = _half_crossfade(repeat_part.crossfade_duration, sample_rate)
    last = samples.shape[-1] - drawn["part_num_samples"] - half_crossfade - 1
    if last < half_crossfade:
        drawn["should_apply"] = False
    else:
        drawn["part_start_index"] = min(drawn["part_start_index"], last)


def _keep_to_audible_stretches(
    background_noise: Any, samples: np.ndarray, sample_rate: int
) -> None:
    """Have AddBackgroundNoise use a stretch of its file that can be heard.

    Where the stretch is digital silence (files padded with zeros have much of it), the library
    returns the clip unchanged, and what it says it drew would be recorded as applied. A silent
    stretch is moved to the loudest moment of the file. A file without any is not applied, nor is
    noise in proportion to a clip that is digital silence.
    """
    drawn = background_noise.parameters
    if background_noise.noise_rms == "relative" and not np.any(samples):
        drawn["should_apply"] = False
        return
    if _is_audible(drawn, sample_rate):
        return
    sound, rate = load_sound(drawn["noise_file_path"], sample_rate)
    loudest_s, duration_s = int(np.argmax(np.abs(sound))) / rate, drawn["duration"]
    last_s = max(0.0, len(sound) / rate - duration_s)
    drawn["offset"] = min(max(0.0, loudest_s - duration_s / 2), last_s)
    drawn["should_apply"] = _is_audible(drawn, sample_rate)


def _keep_to_sounds_in_the_clip(short_noises: Any, samples: np.ndarray, sample_rate: int) -> None:
    """Leave out the sounds that AddShortNoises draws before the clip begins or after it ends.

    Where none is left it is not applied: of clips of 1 s that is the fate of four in five with
    the library's default pauses.
    """
    drawn = short_noises.parameters
    end_s = samples.shape[-1] / sample_rate
    heard = [sound for sound in drawn["sounds"] if sound["end"] > 0 and sound["start"] < end_s]
    drawn["sounds"] = heard
    drawn["should_apply"] = bool(heard)


def _is_audible(drawn: Mapping[str, Any], sample_rate: int) -> bool:
    """Return whether AddBackgroundNoise would add the stretch of sound that it has drawn."""
    from audiomentations.core.utils import calculate_rms

    stretch, _ = load_sound(
        drawn["noise_file_path"], sample_rate, offset=drawn["offset"], duration=drawn["duration"]
    )
    return stretch.size > 0 and bool(calculate_rms(stretch) >= SILENT_RMS)


def _half_crossfade(duration_s: float, sample_rate: int) -> int:
    """Return half a crossfade in samples, as audiomentations rounds it."""
    from audiomentations.core.utils import get_crossfade_length

    return int(get_crossfade_length(sample_rate, duration_s)) // 2
