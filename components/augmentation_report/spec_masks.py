"""SpecAugment's masks for pictures, in NumPy: the rule of the model's layer, without Keras.

Park et al. 2019, arxiv.org/abs/1904.08779. Tests hold this and
`pipeline.model.spec_augment.SpecAugment` together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfx_audio.components.audio.features import Masks


@dataclass(frozen=True)
class Mask:
    """One mask: `width` bands (``frequency``) or frames (``time``) from `start` on."""

    axis: str
    start: int
    width: int


def draw_masks(
    generator: np.random.Generator, frames: int, n_mels: int, masks: Masks
) -> list[Mask]:
    """Draw masks: widths 0..F and 0..min(T, p·frames), both ends included."""
    longest = min(masks.time_mask_param, int(masks.max_time_fraction * frames))
    drawn = []
    for axis, count, widest, size in (
        ("frequency", masks.n_freq_masks, min(masks.freq_mask_param, n_mels), n_mels),
        ("time", masks.n_time_masks, longest, frames),
    ):
        for _ in range(count):
            width = int(generator.integers(0, widest, endpoint=True))
            start = int(generator.integers(0, max(1, size - width)))
            drawn.append(Mask(axis, start, width))
    return drawn


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
