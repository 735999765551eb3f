"""`Blocks`, an opened audio file that is decoded a piece at a time, and what is made of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tfx_audio.components.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from tfx_audio.components.audio.reading.unusable import Unusable

BLOCK_SAMPLES = 2**20


@dataclass(frozen=True)
class Blocks:
    """An opened audio file.

    Attributes:
      sample_rate: Hz.
      channels: Number of channels.
      frames: Iterates once over float32 ``(frames, channels)``, about `BLOCK_SAMPLES` at a time.
        Decoders raise `Unusable` on the way.
      claimed: Frames that the header claims, 0 if unknown.
      is_bounded: Whether its samples can't exceed full scale: integers.
    """

    sample_rate: int
    channels: int
    frames: Iterator[np.ndarray]
    claimed: int = 0
    is_bounded: bool = False

    def __post_init__(self) -> None:
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise Unusable("bad_sample_rate", f"the header claims {self.sample_rate} Hz")
        if self.channels < 1:
            raise Unusable("unreadable", "the header claims no channel")


def bounded(audio: Blocks, max_samples: int) -> Iterator[np.ndarray]:
    """Yield the blocks of a file, none of them empty, as long as they stay within a bound.

    Raises:
      Unusable: If it claims or has more samples (of all channels together), or none.
    """
    _check_length(audio.claimed * audio.channels, "claims", max_samples)
    n_samples = 0
    for block in audio.frames:
        n_samples += block.size
        _check_length(n_samples, "has more than", max_samples)
        if block.size:
            yield block
    if not n_samples:
        raise Unusable("empty", "there is no audio")


def _check_length(samples: int, verb: str, max_samples: int) -> None:
    if samples > max_samples:
        raise Unusable(
            "too_long",
            f"the file {verb} {max(samples, max_samples)} samples, all channels together; "
            f"data.max_recording_mb allows {max_samples}",
        )


def join(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return blocks one behind the other, without a second copy of all of them in memory."""
    rest = iter(blocks)
    joined = next(rest)
    for block in rest:
        if not (joined.flags.owndata and joined.flags.c_contiguous):
            joined = np.array(joined)
        end = len(joined)
        joined.resize((end + len(block), *joined.shape[1:]), refcheck=False)
        joined[end:] = block
    return joined


def channels_first(frames: np.ndarray) -> np.ndarray:
    """Return ``(frames, channels)`` as ``(samples,)`` or ``(channels, samples)``."""
    return frames.reshape(-1) if frames.shape[1] == 1 else np.ascontiguousarray(frames.T)
