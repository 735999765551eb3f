"""Where a recording is cut: trimmed silence, windows of fixed length. All in samples."""

import numpy as np

_FRAME_S = 0.010
_MARGIN_S = 0.030


def trim_bounds(waveform: np.ndarray, sample_rate: int, below_db: float) -> tuple[int, int]:
    """Return start and end of what is left when silence at both ends is trimmed.

    A frame of 10 ms is silent if its RMS stays `below_db` under that of the loudest; 30 ms beside
    the first and the last other frame are kept. What is silent throughout is left as it is.

    Args:
      waveform: ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Hz.
      below_db: How much quieter than the loudest frame is silence.
    """
    n_samples = waveform.shape[-1]
    frame = max(1, round(_FRAME_S * sample_rate))
    power = np.square(waveform, dtype=np.float32)
    if power.ndim == 2:
        power = power.mean(axis=0)
    starts = np.arange(0, n_samples, frame)
    sums = np.add.reduceat(power, starts, dtype=np.float64)
    mean = sums / np.minimum(frame, n_samples - starts)
    loud = np.flatnonzero(mean > mean.max() * 10 ** (-below_db / 10))
    if not loud.size:
        return 0, n_samples
    margin = round(_MARGIN_S * sample_rate)
    start = int(loud[0]) * frame - margin
    end = (int(loud[-1]) + 1) * frame + margin
    return max(0, start), min(n_samples, end)


def window_bounds(n_samples: int, window: int, hop: int) -> list[tuple[int, int]]:
    """Return start and end of each window.

    The last one may be shorter, by half at most; a rest shorter than that is left out. What is
    shorter than a window is one window.
    """
    if n_samples <= window:
        return [(0, n_samples)]
    bounds = []
    for start in range(0, n_samples, hop):
        if n_samples - start < window / 2:
            break
        bounds.append((start, min(start + window, n_samples)))
        if start + window >= n_samples:
            break
    return bounds
