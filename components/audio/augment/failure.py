"""`AugmentationFailed`, and the checks that find a waveform no transform may see or leave."""

import math

import numpy as np

MAX_PEAK = 1000.0
MAX_SECONDS = 3600.0


class AugmentationFailed(Exception):
    """One copy of one clip can't be made; its original and its other copies are unaffected.

    Attributes:
      transform: Name of the transform, empty where it was the clip itself or its level.
      reason: A short snake_case name that is counted: ``non_finite_input``, ``empty_input``,
        ``bad_input``, ``raised``, ``mono_only``, ``non_finite``, ``empty``, ``too_long``,
        ``bad_shape``, ``exploded``, ``over_full_scale``.
      detail: One sentence for a person.
    """

    def __init__(self, transform: str, reason: str, detail: str) -> None:
        super().__init__(transform, reason, detail)
        self.transform = transform
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.transform or 'clip'}: {self.reason}: {self.detail}"


def peak_of(waveform: np.ndarray) -> float:
    """Return the largest magnitude; NaN or infinite if any sample is."""
    flat = waveform.reshape(-1)
    return max(float(flat.max()), -float(flat.min()))


def ready_input(waveform: np.ndarray) -> np.ndarray:
    """Return a clip's waveform as transforms need it: float32, contiguous, writeable, finite.

    Raises:
      AugmentationFailed: If it is empty, not finite, or no waveform.
    """
    if waveform.ndim not in (1, 2) or waveform.dtype.kind != "f":
        raise AugmentationFailed(
            "",
            "bad_input",
            "expected float samples of shape (samples,) or (channels, samples), got "
            f"{waveform.dtype} {waveform.shape}",
        )
    if waveform.size == 0:
        raise AugmentationFailed("", "empty_input", "the clip has no samples")
    waveform = _plain(waveform)
    _check_magnitude("", "non_finite_input", "the clip holds", waveform)
    return waveform


def ready_output(name: str, waveform: object, before: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return what a transform returned as the next one needs it.

    Raises:
      AugmentationFailed: If it can't be used.
    """
    if not isinstance(waveform, np.ndarray) or waveform.dtype.kind != "f":
        raise AugmentationFailed(name, "bad_shape", f"it returned {type(waveform).__name__}")
    if waveform.ndim != before.ndim or waveform.shape[:-1] != before.shape[:-1]:
        raise AugmentationFailed(
            name, "bad_shape", f"it turned shape {before.shape} into {waveform.shape}"
        )
    samples = waveform.shape[-1]
    if samples == 0:
        raise AugmentationFailed(name, "empty", "it left no samples")
    if samples > before.shape[-1] and samples > MAX_SECONDS * sample_rate:
        raise AugmentationFailed(
            name, "too_long", f"it turned {before.shape[-1]} samples into {samples}"
        )
    waveform = _plain(waveform)
    _check_magnitude(name, "non_finite", "it returned", waveform)
    return waveform


def _plain(waveform: np.ndarray) -> np.ndarray:
    """Return float32, C-contiguous, aligned, writeable; the array itself where it is."""
    if waveform.dtype == np.float32 and waveform.flags.carray:
        return waveform
    with np.errstate(over="ignore"):
        return np.require(waveform, np.float32, ("C", "A", "W"))


def _check_magnitude(name: str, reason: str, subject: str, waveform: np.ndarray) -> None:
    """Refuse samples that are not finite or beyond `MAX_PEAK`.

    The sum of squares bounds the peak and takes one pass; only where it is large (or not finite)
    is the peak itself looked at. No rounding takes the sum below the square of one of its terms, so
    the peak alone decides, whatever BLAS makes of the sum.
    """
    flat = waveform.reshape(-1)
    if np.dot(flat, flat) < MAX_PEAK * MAX_PEAK:
        return
    peak = peak_of(flat)
    if not math.isfinite(peak):
        raise AugmentationFailed(name, reason, f"{subject} NaN or infinite samples")
    if peak > MAX_PEAK:
        raise AugmentationFailed(name, "exploded", f"{subject} a peak of {peak:.3g}")
