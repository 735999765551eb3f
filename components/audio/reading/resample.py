"""Resampling and mixing down."""

from collections.abc import Iterator

import numpy as np
import soxr


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample with soxr's high quality setting.

    Args:
      waveform: float32, ``(samples,)`` or ``(channels, samples)``.
      from_rate: Hz.
      to_rate: Hz.

    Returns:
      The same layout, ``round(samples * to_rate / from_rate)`` samples.
    """
    if from_rate == to_rate:
        return waveform
    if waveform.ndim == 1:
        return soxr.resample(waveform, from_rate, to_rate, quality="HQ")
    frames = waveform.T.copy()  # soxr refuses one frame of several channels otherwise
    resampled = soxr.resample(frames, from_rate, to_rate, quality="HQ")
    return np.ascontiguousarray(resampled.T)


def resample_blocks(
    blocks: Iterator[np.ndarray], from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Resample blocks of one recording, ``(frames, channels)``: to the bit what `resample` gives.

    At least one block comes out, empty where the recording is too short for one sample.
    """
    if from_rate == to_rate:
        yield from blocks
        return
    block, following = next(blocks), next(blocks, None)
    if following is None:
        yield soxr.resample(block, from_rate, to_rate, quality="HQ")
        return
    stream = soxr.ResampleStream(from_rate, to_rate, block.shape[1], "float32", "HQ")
    while following is not None:
        yield stream.resample_chunk(block)
        block, following = following, next(blocks, None)
    yield stream.resample_chunk(block, last=True)


def mix_to_mono(waveform: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of ``(samples,)`` or ``(channels, samples)``."""
    return waveform if waveform.ndim == 1 else waveform.mean(axis=0, dtype=np.float32)
