"""The network's input as a picture: the model's log-mel in NumPy.

The same numbers as `pipeline.model.frontend.LogMel` (a test holds them together), without Keras,
so that a report costs no TensorFlow start-up.
"""

import numpy as np

from tfx_audio.components.audio.features import FLOOR_DB, Frontend, mel_filters


def log_mel(waveform: np.ndarray, frontend: Frontend) -> np.ndarray:
    """Compute the log-mel spectrogram of one clip, in dB.

    Args:
      waveform: float32, ``(samples,)`` or ``(channels, samples)``; channels are averaged. A clip
        shorter than a window is padded with zeros.
      frontend: The front end.

    Returns:
      float32, ``(frames, n_mels)``.
    """
    mono = waveform if waveform.ndim == 1 else waveform.mean(axis=0)
    padded = np.pad(mono, (0, max(0, frontend.win_length - len(mono))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, frontend.win_length)
    phases = 2.0 * np.pi * np.arange(frontend.win_length) / frontend.win_length
    hann = (0.5 - 0.5 * np.cos(phases)).astype(np.float32)
    spectrum = np.fft.rfft(windows[:: frontend.hop_length] * hann, n=frontend.n_fft)
    mel = np.abs(spectrum) ** frontend.power @ mel_filters(frontend)
    scale = 10.0 * frontend.db_scale
    decibels = scale * np.log10(np.maximum(mel, 10 ** (FLOOR_DB / scale)))
    return np.maximum(decibels, decibels.max() - frontend.dynamic_range_db).astype(np.float32)
