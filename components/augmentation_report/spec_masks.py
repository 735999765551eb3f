"""SpecAugment's masks for pictures, in NumPy: the rule of the model's layer, without Keras.

Park et al. 2019, arxiv.org/abs/1904.08779. Tests hold this and
`pipeline.model.spec_augment.SpecAugment` together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class MaskSettings:
    """SpecAugment's parameters; the paper's letters are F, T, m_F, m_T and p."""

    freq_mask_param: int
    time_mask_param: int
    n_freq_masks: int = 1
    n_time_masks: int = 1
    max_time_fraction: float = 1.0

    @classmethod
    def derive(
        cls, spec_augment: Mapping[str, Any] | None, frames: int, n_mels: int
    ) -> MaskSettings | None:
        """Return the masks' settings for a spectrogram of this size; None for no masks.

        Args:
          spec_augment: The configuration's ``model.spec_augment`` as plain values; None for its
            defaults.
          frames: Frames of the spectrogram.
          n_mels: Its mel bands.
        """
        given = spec_augment or {}
        policy = given.get("policy", "scaled")
        if policy == "none":
            return None
        if policy in POLICIES:
            return POLICIES[policy]
        return cls(
            freq_mask_param=round(given.get("freq_fraction", 0.15) * n_mels),
            time_mask_param=round(given.get("time_fraction", 0.15) * frames),
            n_freq_masks=given.get("n_freq_masks", 1),
            n_time_masks=given.get("n_time_masks", 1),
            max_time_fraction=given.get("max_time_fraction", 1.0),
        )


# Table 1 of the paper, without time warping
POLICIES: Mapping[str, MaskSettings] = MappingProxyType(
    {
        "LB": MaskSettings(27, 100, 1, 1, 1.0),
        "LD": MaskSettings(27, 100, 2, 2, 1.0),
        "SM": MaskSettings(15, 70, 2, 2, 0.2),
        "SS": MaskSettings(27, 70, 2, 2, 0.2),
    }
)


@dataclass(frozen=True)
class Mask:
    """One mask: `width` bands (``frequency``) or frames (``time``) from `start` on."""

    axis: str
    start: int
    width: int


def draw_masks(
    generator: np.random.Generator, frames: int, n_mels: int, settings: MaskSettings
) -> list[Mask]:
    """Draw masks: widths 0..F and 0..min(T, p·frames), both ends included."""
    longest = min(settings.time_mask_param, int(settings.max_time_fraction * frames))
    masks = []
    for axis, count, widest, size in (
        ("frequency", settings.n_freq_masks, min(settings.freq_mask_param, n_mels), n_mels),
        ("time", settings.n_time_masks, longest, frames),
    ):
        for _ in range(count):
            width = int(generator.integers(0, widest, endpoint=True))
            start = int(generator.integers(0, max(1, size - width)))
            masks.append(Mask(axis, start, width))
    return masks


def apply_masks(log_mel: np.ndarray, masks: Sequence[Mask]) -> np.ndarray:
    """Return the log-mel with its masked stretches at its mean.

    The layer masks a normalised spectrogram with 0, which is the clip's mean.

    Args:
      log_mel: ``(frames, n_mels)``.
      masks: What `draw_masks` drew.
    """
    masked = log_mel.copy()
    for mask in masks:
        stop = mask.start + mask.width
        if mask.axis == "frequency":
            masked[:, mask.start : stop] = log_mel.mean()
        else:
            masked[mask.start : stop] = log_mel.mean()
    return masked


def describe_masks(masks: Sequence[Mask]) -> str:
    """Return what was masked in words, width 0 included: it is a draw like any other."""
    units = {"frequency": ("mel band", "mel bands"), "time": ("frame", "frames")}
    return ", ".join(
        f"{mask.width} {units[mask.axis][mask.width != 1]} from {mask.start}" for mask in masks
    )
