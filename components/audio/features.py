"""The front end and SpecAugment's masks, resolved: samples, bands and frames.

The configuration's sections (`pipeline.model.config`) hold what a user wants and take their
defaults from here. Model, report and explorer compute with what `Frontend.derive` and
`Masks.derive` make of a section. SpecAugment: Park et al. 2019, arxiv.org/abs/1904.08779.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Union

import numpy as np

from tfx_audio.components.audio.errors import InvalidInput

FLOOR_DB = -100.0
N_MELS = 40
MASK_FRACTION = 0.1
_FFT_S, _HOP_S = 0.032, 0.010

Section = Union[Mapping[str, Any], Iterable[tuple[str, Any]]]
"""A configuration's section: its values by name, or a pydantic model, which iterates as pairs."""


@dataclass(frozen=True)
class Frontend:
    """The log-mel front end with every value resolved.

    Attributes:
      sample_rate: Hz.
      n_fft: FFT size in samples.
      win_length: Window in samples, at most `n_fft`.
      hop_length: Step between frames in samples.
      n_mels: Mel bands (Slaney's scale and normalisation, as librosa's default).
      f_min_hz: Lower end of the mel bands.
      f_max_hz: Upper end of the mel bands.
      power: 1 for magnitudes, 2 for powers.
      dynamic_range_db: Values further below a clip's maximum are raised to that.
    """

    sample_rate: int
    n_fft: int
    win_length: int
    hop_length: int
    n_mels: int
    f_min_hz: float
    f_max_hz: float
    power: int = 1
    dynamic_range_db: float = 40.0

    @classmethod
    def derive(cls, sample_rate: int, section: Section = ()) -> Frontend:
        """Fill in what the section ``model.frontend`` leaves open, from the sample rate."""
        given = {name: value for name, value in dict(section).items() if value is not None}
        given.pop("normalisation", None)
        n_fft = given.pop("n_fft", power_of_two(_FFT_S * sample_rate))
        derived = {
            "win_length": n_fft,
            "hop_length": round(_HOP_S * sample_rate),
            "n_mels": N_MELS,
            "f_min_hz": 0.0,
            "f_max_hz": sample_rate / 2,
        }
        return cls(sample_rate=sample_rate, n_fft=n_fft, **(derived | given))

    def checked(self) -> Frontend:
        """Return the front end itself, or raise `InvalidInput` if values don't fit together."""
        if self.win_length > self.n_fft:
            raise InvalidInput(
                f"model.frontend.win_length must be at most n_fft ({self.n_fft}), "
                f"got {self.win_length}"
            )
        if self.hop_length > self.win_length:
            raise InvalidInput(
                f"model.frontend.hop_length must be at most win_length ({self.win_length}), "
                f"got {self.hop_length}: sound between frames would be lost"
            )
        if not self.f_min_hz < self.f_max_hz <= self.sample_rate / 2:
            raise InvalidInput(
                "model.frontend needs f_min_hz < f_max_hz <= half the sample rate "
                f"({self.sample_rate / 2:g}), got {self.f_min_hz:g} and {self.f_max_hz:g}"
            )
        empty = int((mel_filters(self).max(axis=0) == 0).sum())
        if empty:
            raise InvalidInput(
                f"model.frontend.n_mels {self.n_mels} gives {empty} bands without a frequency of "
                f"an FFT of {self.n_fft}: lower n_mels or raise n_fft"
            )
        return self

    @property
    def db_scale(self) -> float:
        """Decibels per unit of kapre's ``10·log10``: 2 for magnitudes, 1 for powers."""
        return 2.0 / self.power

    def band_hz(self, bands: Sequence[float]) -> list[float]:
        """Return the frequencies at numbers of mel bands, from 0 to `n_mels`."""
        from librosa import hz_to_mel, mel_to_hz

        low, high = hz_to_mel(self.f_min_hz), hz_to_mel(self.f_max_hz)
        return [float(mel_to_hz(low + (high - low) * band / self.n_mels)) for band in bands]

    def num_frames(self, samples: int) -> int:
        """Return the frames of a clip; one that is shorter than a window still has one."""
        return 1 + max(0, samples - self.win_length) // self.hop_length


def power_of_two(samples: float) -> int:
    """Return the power of two nearest by ratio, at least 16."""
    return max(16, 2 ** round(math.log2(samples)))


@functools.lru_cache(maxsize=8)
def mel_filters(frontend: Frontend) -> np.ndarray:
    """Return Slaney's filters, ``(n_fft // 2 + 1, n_mels)``."""
    from librosa.filters import mel  # loads slowly, and only who computes needs it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # librosa warns of bands without a frequency
        filters: np.ndarray = mel(
            sr=frontend.sample_rate,
            n_fft=frontend.n_fft,
            n_mels=frontend.n_mels,
            fmin=frontend.f_min_hz,
            fmax=frontend.f_max_hz,
        )
    return filters.T


@dataclass(frozen=True)
class Masks:
    """SpecAugment's parameters; the paper's letters are F, T, m_F, m_T and p.

    Attributes:
      freq_mask_param: F, the widest frequency mask in bands.
      time_mask_param: T, the widest time mask in frames.
      n_freq_masks: Frequency masks per example.
      n_time_masks: Time masks per example.
      max_time_fraction: p, the widest time mask as a share of the frames.

    Raises:
      InvalidInput: If one is negative, or `max_time_fraction` more than 1.
    """

    freq_mask_param: int
    time_mask_param: int
    n_freq_masks: int = 1
    n_time_masks: int = 1
    max_time_fraction: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise InvalidInput(f"SpecAugment's {name} must be at least 0, got {value}")
        if self.max_time_fraction > 1:
            raise InvalidInput(
                f"SpecAugment's max_time_fraction is at most 1, got {self.max_time_fraction}"
            )

    @classmethod
    def derive(cls, section: Section, frames: int, n_mels: int) -> Masks | None:
        """Return the masks for a spectrogram of this size, or None for no masks.

        Args:
          section: The section ``model.spec_augment``; what it lacks is at its default.
          frames: Frames of the spectrogram.
          n_mels: Its mel bands.
        """
        given = dict(section)
        policy = given.pop("policy", "scaled")
        freq = given.pop("freq_fraction", MASK_FRACTION)
        time = given.pop("time_fraction", MASK_FRACTION)
        if policy == "none":
            return None
        return POLICIES.get(policy) or cls(round(freq * n_mels), round(time * frames), **given)


# Table 1 of the paper, without time warping (W); for 80 mel bands and a hop of 10 ms.
POLICIES: Mapping[str, Masks] = MappingProxyType(
    {
        "LB": Masks(27, 100, 1, 1, 1.0),
        "LD": Masks(27, 100, 2, 2, 1.0),
        "SM": Masks(15, 70, 2, 2, 0.2),
        "SS": Masks(27, 70, 2, 2, 0.2),
    }
)
