"""`ClipFormat`, what clips are made into, and how decoded audio is brought into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfx_audio.components.audio.reading.blocks import Blocks, bounded, channels_first, join
from tfx_audio.components.audio.reading.decode import open_audio
from tfx_audio.components.audio.reading.levels import RESCALE, LevelMeter
from tfx_audio.components.audio.reading.resample import mix_to_mono, resample_blocks
from tfx_audio.components.audio.reading.unusable import Unusable

MAX_CLIP_SAMPLES = 2**26  # 70 minutes at 16 kHz; what becomes of a clip takes several copies of it


@dataclass(frozen=True)
class ClipFormat:
    """What clips are made into.

    Attributes:
      sample_rate: Hz; 0 for each recording's own.
      keep_channels: Whether channels are kept; else they are mixed to one.
      trim_silence_db: How much quieter than the loudest the trimmed ends are; None: no trimming.
      window_s: Length of windows, None for whole recordings.
      hop_s: From one window's start to the next; None: one after the other.
      min_duration_s: Shortest clip.
      max_duration_s: Longest clip, None for any.
      max_samples: The most samples one decoded recording may have.
      over_full_scale: What is done with samples beyond full scale: rescale, clip or reject.
      silent_labels: Labels whose clips may be digital silence.
    """

    sample_rate: int
    keep_channels: bool = False
    trim_silence_db: float | None = None
    window_s: float | None = None
    hop_s: float | None = None
    min_duration_s: float = 0.0
    max_duration_s: float | None = None
    max_samples: int = 2**28
    over_full_scale: str = RESCALE
    silent_labels: tuple[str, ...] = ()


class Formatted(NamedTuple):
    """A recording in the format of clips.

    Attributes:
      waveform: float32, ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Hz.
      note: What was done to its level, empty for nothing.
    """

    waveform: np.ndarray
    sample_rate: int
    note: str = ""


def read_waveform(
    data: bytes, clip_format: ClipFormat, is_clip: bool = False, may_cancel: bool = False
) -> Formatted:
    """Decode a file into the format of clips; see `to_format`.

    Raises:
      Unusable: See `open_audio`; also ``too_long``, ``non_finite``, ``over_full_scale`` and
        ``channels_cancel``.
    """
    return to_format(open_audio(data), clip_format, is_clip, may_cancel)


def to_format(
    audio: Blocks, clip_format: ClipFormat, is_clip: bool = False, may_cancel: bool = False
) -> Formatted:
    """Mix, resample and level what is decoded, block by block: no copy of it is ever whole.

    Args:
      audio: An opened file.
      clip_format: What clips are made into.
      is_clip: Whether all of it is to be one clip.
      may_cancel: Whether channels may cancel in the mix, as where silence is a class.

    Raises:
      Unusable: See `read_waveform`.
    """
    meter = LevelMeter()
    blocks = formatted_blocks(audio, clip_format, meter)
    frames = join(_within(blocks, clip_format.max_samples, is_clip))
    if not may_cancel:
        meter.check_mix()
    scale, note = meter.full_scale(clip_format.over_full_scale)
    if scale != 1.0:
        frames = frames * np.float32(1.0 / scale)
    return Formatted(channels_first(frames), clip_format.sample_rate or audio.sample_rate, note)


def formatted_blocks(
    audio: Blocks, clip_format: ClipFormat, meter: LevelMeter
) -> Iterator[np.ndarray]:
    """Yield what is decoded, mixed and resampled, ``(frames, channels)``, at the file's level."""
    blocks = bounded(audio, clip_format.max_samples)
    if not audio.is_bounded:
        blocks = meter.measure(blocks)
    if audio.channels > 1 and not clip_format.keep_channels:
        blocks = _mix(blocks, meter)
    return resample_blocks(blocks, audio.sample_rate, clip_format.sample_rate or audio.sample_rate)


def _mix(blocks: Iterator[np.ndarray], meter: LevelMeter) -> Iterator[np.ndarray]:
    for block in blocks:
        mixed = mix_to_mono(block.T)
        meter.measure_mix(block, mixed)
        yield mixed.reshape(-1, 1)


def _within(blocks: Iterator[np.ndarray], max_samples: int, is_clip: bool) -> Iterator[np.ndarray]:
    """Yield resampled blocks as long as there are not too many samples."""
    n_samples = 0
    for block in blocks:
        n_samples += block.size
        if n_samples > max_samples:
            raise Unusable(
                "too_long", f"resampled, over the {max_samples} samples of data.max_recording_mb"
            )
        if is_clip and n_samples > MAX_CLIP_SAMPLES:
            raise clip_too_long(n_samples)
        yield block


def clip_too_long(n_samples: int) -> Unusable:
    """Return why something can't be one clip."""
    return Unusable(
        "too_long",
        f"a clip of {n_samples} samples or more; it may have {MAX_CLIP_SAMPLES}. data.window_s "
        "cuts recordings into clips",
    )
