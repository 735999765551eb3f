"""Transforms of audiomentations repaired where they break on valid input.

Each class answers to one fault and keeps the library's name. `PeakingFilter` alone is patched:
SevenBandParametricEQ builds its own.
"""

from collections.abc import Mapping
from typing import Any

import audiomentations
import numpy as np
from audiomentations.core.transforms_interface import BaseWaveformTransform
from audiomentations.core.utils import calculate_rms, get_crossfade_length

from tfx_audio.components.audio.augment.bank_files import load_sound
from tfx_audio.components.audio.augment.random_streams import SeededRoom, install_generators
from tfx_audio.components.audio.augment.speed_perturb import SpeedPerturb
from tfx_audio.components.audio.policy.extensions import extensions

BELOW_NYQUIST = 0.9999
SILENT_RMS = 1e-9  # below it AddBackgroundNoise adds nothing


def transform_class(name: str) -> Any:
    """Return the class of a transform or composition, which draws from the seeded streams.

    It is the repaired one or our own where there is one, else an installed package's, else
    audiomentations'.
    """
    point = extensions().get(name)
    if point is None:
        return _OWN.get(name) or getattr(audiomentations, name)
    cls = point.load()
    if not (isinstance(cls, type) and issubclass(cls, BaseWaveformTransform)):
        raise TypeError(f"{point.value} is no subclass of BaseWaveformTransform")
    install_generators(point.module.partition(".")[0])
    return cls


def keep_peaking_filter_below_nyquist() -> None:
    """Hold a peaking filter's centre below the Nyquist frequency, as the shelf filters are held.

    Above it the filter is unstable: at 8 kHz one in ten SevenBandParametricEQ, whose bands reach
    4404 Hz, grew without bound. A second call changes nothing.
    """
    original = audiomentations.PeakingFilter._get_biquad_coefficients_from_input_parameters
    if hasattr(original, "mended"):
        return

    def coefficients(
        self: Any, center_freq: float, gain_db: float, q_factor: float, sample_rate: int
    ) -> Any:
        center_freq = min(center_freq, BELOW_NYQUIST * sample_rate / 2)
        return original(self, center_freq, gain_db, q_factor, sample_rate)

    coefficients.mended = True  # type: ignore[attr-defined]
    audiomentations.PeakingFilter._get_biquad_coefficients_from_input_parameters = coefficients


class RepeatPart(audiomentations.RepeatPart):  # type: ignore[misc]
    """Holds the part that is repeated, and its crossfade, inside the clip.

    The library may draw a part that ends with the clip, and then fails on arrays of different
    lengths: one in fifty copies of clips of one second.
    """

    def randomize_parameters(self, samples: np.ndarray, sample_rate: int) -> None:
        """Draw, and move a part that lies too late."""
        super().randomize_parameters(samples, sample_rate)
        if not _is_applied(self, samples):
            return
        drawn = self.parameters
        half_crossfade = int(get_crossfade_length(sample_rate, self.crossfade_duration)) // 2
        last = samples.shape[-1] - drawn["part_num_samples"] - half_crossfade - 1
        if last < half_crossfade:
            drawn["should_apply"] = False
        else:
            drawn["part_start_index"] = min(drawn["part_start_index"], last)


class AddBackgroundNoise(audiomentations.AddBackgroundNoise):  # type: ignore[misc]
    """Uses a stretch of its file that can be heard.

    Where the stretch is digital silence (files padded with zeros have much of it), the library
    returns the clip unchanged, and what it says it drew would be recorded as applied. A silent
    stretch is moved to the loudest moment of the file. A file without any is not applied, nor is
    noise in proportion to a clip that is digital silence.
    """

    def randomize_parameters(self, samples: np.ndarray, sample_rate: int) -> None:
        """Draw, and move a stretch that is silent."""
        super().randomize_parameters(samples, sample_rate)
        if not _is_applied(self, samples):
            return
        drawn = self.parameters
        if self.noise_rms == "relative" and not np.any(samples):
            drawn["should_apply"] = False
            return
        if _is_audible(drawn, sample_rate):
            return
        sound, rate = load_sound(drawn["noise_file_path"], sample_rate)
        loudest_s, duration_s = int(np.argmax(np.abs(sound))) / rate, drawn["duration"]
        last_s = max(0.0, len(sound) / rate - duration_s)
        drawn["offset"] = min(max(0.0, loudest_s - duration_s / 2), last_s)
        drawn["should_apply"] = _is_audible(drawn, sample_rate)


class AddShortNoises(audiomentations.AddShortNoises):  # type: ignore[misc]
    """Leaves out the sounds that would lie before the clip begins or after it ends.

    Where none is left it is not applied: of clips of 1 s that is the fate of four in five with
    the library's default pauses.
    """

    def randomize_parameters(self, samples: np.ndarray, sample_rate: int) -> None:
        """Draw, and keep the sounds that lie in the clip."""
        super().randomize_parameters(samples, sample_rate)
        if not _is_applied(self, samples):
            return
        drawn = self.parameters
        end_s = samples.shape[-1] / sample_rate
        heard = [sound for sound in drawn["sounds"] if sound["end"] > 0 and sound["start"] < end_s]
        drawn["sounds"] = heard
        drawn["should_apply"] = bool(heard)


class RoomSimulator(audiomentations.RoomSimulator):  # type: ignore[misc]
    """Draws what pyroomacoustics draws from the copy's stream as well."""

    def __call__(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Apply, one room at a time."""
        with SeededRoom():
            return np.asarray(super().__call__(samples, sample_rate))


_OWN = {
    cls.__name__: cls
    for cls in (AddBackgroundNoise, AddShortNoises, RepeatPart, RoomSimulator, SpeedPerturb)
}


def _is_applied(transform: BaseWaveformTransform, samples: np.ndarray) -> bool:
    """Return whether a transform will run: it may still refuse a clip of several channels."""
    refused = samples.ndim > 1 and not transform.supports_multichannel
    return bool(transform.parameters["should_apply"]) and not refused


def _is_audible(drawn: Mapping[str, Any], sample_rate: int) -> bool:
    """Return whether AddBackgroundNoise would add the stretch of sound that it has drawn."""
    stretch, _ = load_sound(
        drawn["noise_file_path"], sample_rate, offset=drawn["offset"], duration=drawn["duration"]
    )
    return stretch.size > 0 and float(calculate_rms(stretch)) >= SILENT_RMS
