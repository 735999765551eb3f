"""Fingerprint of a recording that survives coding, another level and a shift of its start.

Landmarks as in Wang, "An Industrial-Strength Audio Search Algorithm" (ISMIR 2003): peaks of the
spectrogram, hashed by their frequencies and by the time between them. Here three peaks make a
hash, so that hashes that clips share by chance are rare. The smallest hashes stand for all of them
(Broder, "On the resemblance and containment of documents", 1997): a fingerprint is small, and two
recordings of one sound choose the same.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import soxr

from tfx_audio.components.audio.reading.resample import mix_to_mono

MAX_LANDMARKS = 128
_MIN_SHARED = 6  # places 32 ms apart, at one offset; of ESC-10 and FSDD 5 met in clips that differ
_RATE_HZ = 5500  # what is above half of it says little, and codecs change it most
_N_FFT = 256
_HOP = 44
_MIN_BIN = 10  # 215 Hz: below are hum and rumble
_NEAR_BINS, _NEAR_FRAMES = 4, 8  # a peak is the highest so far around
_RANGE_NEPERS = 10.0  # power below the loudest: quieter peaks don't count
_PARTNERS = 5  # peaks that follow one and make hashes with it
_MAX_FRAMES_APART = 63
_FRAMES_A_STEP = 4  # of the times in a hash, and of offsets
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, multiplicative hashing)


def landmarks(waveform: np.ndarray, sample_rate: int) -> dict[int, int]:
    """Return a recording's fingerprint.

    Args:
      waveform: Shape ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Hz.

    Returns:
      At most `MAX_LANDMARKS` hashes and the step of 32 ms at which each stands first. Empty for
      what is silent or too short.
    """
    time, band = _peaks(mix_to_mono(waveform), sample_rate)
    hashes, times = [], []
    for second, third in itertools.combinations(range(1, _PARTNERS + 1), 2):
        n = max(0, len(time) - third)
        apart = [time[k : k + n] - time[:n] for k in (second, third)]
        near = apart[1] <= _MAX_FRAMES_APART
        value = np.zeros(n, np.uint64)
        parts = [band[k : k + n] for k in (0, second, third)]
        for part in (*parts, *(frames // _FRAMES_A_STEP for frames in apart)):
            value = value << np.uint64(8) | part.astype(np.uint64)
        hashes.append((value * _MIX)[near])
        times.append(time[:n][near])
    found, first = np.unique(np.concatenate(hashes), return_index=True)
    steps = np.concatenate(times)[first[:MAX_LANDMARKS]] // _FRAMES_A_STEP
    return dict(zip(found[:MAX_LANDMARKS].tolist(), steps.tolist(), strict=True))


def is_same_sound(shared: Iterable[tuple[int, int]]) -> bool:
    """Say whether two recordings hold the same sound, whatever its start.

    Args:
      shared: Where the landmarks of both stand: the step in the one and in the other.
    """
    by_offset = defaultdict(set)
    for step, other in shared:
        for offset in (step - other, step - other + 1):  # the offset may lie between two steps
            by_offset[offset].add(step)
    return max(map(len, by_offset.values()), default=0) >= _MIN_SHARED


def _peaks(waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return frame and bin of each peak of the spectrogram, in order of time."""
    samples = soxr.resample(waveform, sample_rate, _RATE_HZ, quality="LQ")
    if samples.size < _N_FFT or not samples.any():
        return np.zeros(0, int), np.zeros(0, int)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)
    frames = frames[::_HOP] * np.hanning(_N_FFT).astype(np.float32)
    power = np.abs(np.fft.rfft(frames)[:, _MIN_BIN:]) ** 2
    level = np.log(np.maximum(power, power.max() * np.exp(-_RANGE_NEPERS))).astype(np.float32)
    highest = _highest_near(_highest_near(level, _NEAR_FRAMES, 0), _NEAR_BINS, 1)
    time, band = np.nonzero((level >= highest) & (level > level.min()))
    return time, band


def _highest_near(level: np.ndarray, reach: int, axis: int) -> np.ndarray:
    """Return the maximum within `reach` of each place along an axis."""
    pad = [(reach, reach) if i == axis else (0, 0) for i in range(2)]
    padded = np.pad(level, pad, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis).max(-1)
