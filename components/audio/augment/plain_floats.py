"""The same samples under numpy 1 and numpy 2, and under each version of SciPy.

Where a float32 scalar meets a Python number, numpy 1 goes on in float64 and numpy 2 in float32
(NEP 50). That moves the last bit of samples and parameters. The functions from which
audiomentations takes such scalars return Python floats here, which both treat alike: the samples
are numpy 1's. docs/limits.md names the transforms that still differ.
"""

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

_LEVELS = ("calculate_rms", "calculate_rms_without_silence", "get_max_abs_amplitude")


def install_plain_floats() -> None:
    """Replace those functions in audiomentations' modules; a second call changes nothing."""
    from audiomentations.augmentations import apply_impulse_response, tanh_distortion

    for name, module in list(sys.modules.items()):
        if name.startswith("audiomentations."):
            for level in _LEVELS:
                if hasattr(module, level):
                    setattr(module, level, _plain_float(getattr(module, level)))
    tanh_distortion.np = types.SimpleNamespace(abs=np.abs, tanh=np.tanh, percentile=_percentile)
    apply_impulse_response.convolve = _convolve


def _plain_float(function: Callable[..., Any]) -> Callable[..., float]:
    if hasattr(function, "is_plain"):
        return function

    @functools.wraps(function)
    def plain(*args: Any) -> float:
        return float(function(*args))

    plain.is_plain = True  # type: ignore[attr-defined]
    return plain


def _percentile(values: np.ndarray, percent: float) -> float:
    """Interpolate in float64, as numpy 1 does; an array for `percent` has numpy 2 do so too."""
    return float(np.percentile(values, np.asarray(percent)))


def _convolve(waveform: np.ndarray, impulse_response: np.ndarray) -> np.ndarray:
    """Convolve in float64.

    In float32 the last bits depend on SciPy's version and on the processor; in float64 the rounding
    to float32 afterwards hides them.
    """
    from scipy.signal import convolve

    return convolve(waveform.astype(np.float64), impulse_response.astype(np.float64))
