"""The network's input as a picture: the model's log-mel in NumPy.

The same numbers as `pipeline.model.frontend.LogMel` (a test holds them together), without Keras,
so that a report costs no TensorFlow start-up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FLOOR_DB = -100.0


@dataclass(frozen=True)
class LogMelSettings:
    """What the front end computes; the model's configuration has the same names.

    Attributes:
      sample_rate: Hz.
      n_fft: FFT size in samples.
      win_length: Window in samples, at most `n_fft`.
      hop_length: Step in samples.
      n_mels: Mel bands.
      f_min_hz: Lower edge of the lowest band.
      f_max_hz: Upper edge of the highest band.
      power: Exponent of the magnitude before the mel filters: 1 or 2.
      dynamic_range_db: What lies further below the clip's maximum is raised to that.
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
    def derive(cls, sample_rate: int, frontend: Mapping[str, Any] | None = None) -> LogMelSettings:
        """Fill in what the configuration's ``model.frontend`` leaves open.

        Args:
          sample_rate: Hz.
          frontend: The section as plain values; None for its defaults.
        """
        given = {name: value for name, value in (frontend or {}).items() if value is not None}
        n_fft = given.get("n_fft") or max(16, 2 ** round(math.log2(0.032 * sample_rate)))
        return cls(
            sample_rate=sample_rate,
            n_fft=n_fft,
            win_length=given.get("win_length", n_fft),
            hop_length=given.get("hop_length", round(0.010 * sample_rate)),
            n_mels=given.get("n_mels", 40),
            f_min_hz=given.get("f_min_hz", 0.0),
            f_max_hz=given.get("f_max_hz", sample_rate / 2),
            power=given.get("power", 1),
            dynamic_range_db=given.get("dynamic_range_db", 40.0),
        )


def log_mel(waveform: np.ndarray, settings: LogMelSettings) -> np.ndarray:
    """Compute the log-mel spectrogram of one clip, in dB.

    Args:
      waveform: float32, ``(samples,)`` or ``(channels, samples)``; channels are averaged. A clip
        shorter than a window is padded with zeros.
      settings: The front end's settings.

    Returns:
      float32, ``(frames, n_mels)``.
    """
    mono = waveform if waveform.ndim == 1 else waveform.mean(axis=0)
    padded = np.pad(mono, (0, max(0, settings.win_length - len(mono))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, settings.win_length)
    phases = 2.0 * np.pi * np.arange(settings.win_length) / settings.win_length
    hann = (0.5 - 0.5 * np.cos(phases)).astype(np.float32)
    spectrum = np.fft.rfft(windows[:: settings.hop_length] * hann, n=settings.n_fft)
    mel = np.abs(spectrum) ** settings.power @ _mel_filters(settings)
    scale = 20.0 / settings.power
    decibels = scale * np.log10(np.maximum(mel, 10 ** (FLOOR_DB / scale)))
    return np.maximum(decibels, decibels.max() - settings.dynamic_range_db).astype(np.float32)


def _mel_filters(settings: LogMelSettings) -> np.ndarray:
    """Return Slaney's filters, ``(n_fft // 2 + 1, n_mels)``."""
    from librosa.filters import mel

    filters: np.ndarray = mel(
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        n_mels=settings.n_mels,
        fmin=settings.f_min_hz,
        fmax=settings.f_max_hz,
    )
    return filters.T
