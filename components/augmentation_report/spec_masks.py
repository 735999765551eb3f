"""SpecAugment's masks for pictures, in NumPy: the rule of the model's layer, without Keras.

Park et al. 2019, arxiv.org/abs/1904.08779. Tests hold this and
`pipeline.model.spec_augment.SpecAugment` together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfx_audio.components.audio.features import Frontend, Masks


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
    """Return the log-mel ``(frames, n_mels)`` with its masked stretches at its mean.

    The layer masks a normalised spectrogram with 0, which is the clip's mean.
    """
    masked = log_mel.copy()
    for mask in masks:
        stop = mask.start + mask.width
        if mask.axis == "frequency":
            masked[:, mask.start : stop] = log_mel.mean()
        else:
            masked[mask.start : stop] = log_mel.mean()
    return masked


def describe_masks(masks: Sequence[Mask], frontend: Frontend) -> str:
    """Return what was masked in s and Hz, width 0 included: it is a draw like any other."""
    return ", ".join(_describe(mask, frontend) for mask in masks)


def _describe(mask: Mask, frontend: Frontend) -> str:
    if not mask.width:
        return f"no {mask.axis}"
    if mask.axis == "time":
        step_s = frontend.hop_length / frontend.sample_rate
        return f"{mask.width * step_s:.2f} s at {mask.start * step_s:.2f} s"
    low, high = frontend.band_hz([mask.start, mask.start + mask.width])
    return f"{low:.0f} to {high:.0f} Hz"
