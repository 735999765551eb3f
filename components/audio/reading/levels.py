"""Levels of decoded audio: what is not finite, lies beyond full scale, or cancels in a mix."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from tfx_audio.components.audio.reading.unusable import Unusable

RESCALE, CLIP, REJECT = "rescale", "clip", "reject"
NOTE_RESCALED = "rescaled to full scale"
NOTE_CLIPPED = "clipped at full scale"
NOTE_INTEGERS = "floats read as integers"
_ROUNDING = 1.001  # a hundredth of a dB: files that somebody scaled by 32767 and not 32768
_INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)
_SURELY_INTEGERS = 256.0
_CANCELLED = 1e-3  # 30 dB: channels that have nothing in common lose 3 dB


def check_finite(samples: np.ndarray) -> None:
    """Check that a float array has finite values only.

    Raises:
      Unusable: If it hasn't.
    """
    flat = samples.reshape(-1)
    # A finite sum of squares is quickly had and has no other cause than finite values.
    with np.errstate(all="ignore"):
        power = float(np.dot(flat, flat))
    if not math.isfinite(power) and not np.isfinite(samples).all():
        raise Unusable("non_finite", "the audio has values that are not finite")


class LevelMeter:
    """Measures blocks of float samples as they pass."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._all_whole = True
        self._channel_power = self._mix_power = 0.0
        self._mix_peak: float | None = None

    def measure(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield blocks as they are; raises Unusable for values that are not finite."""
        for block in blocks:
            check_finite(block)
            peak = max(float(block.max()), -float(block.min()))
            if peak > _ROUNDING and self._all_whole:
                self._all_whole = bool((block == np.rint(block)).all())
            self.peak = max(self.peak, peak)
            yield block

    def measure_mix(self, block: np.ndarray, mixed: np.ndarray) -> None:
        """Take note of the power of channels, ``(frames, channels)``, and of their mix."""
        self._channel_power += float(np.vdot(block, block)) / block.shape[1]
        self._mix_power += float(np.vdot(mixed, mixed))
        self._mix_peak = max(self._mix_peak or 0.0, float(mixed.max()), -float(mixed.min()))

    def check_mix(self) -> None:
        """Check that the channels did not cancel.

        Raises:
          Unusable: If next to nothing of them is left.
        """
        if self._mix_power < _CANCELLED * self._channel_power:
            raise Unusable(
                "channels_cancel",
                "mixed to one, the channels cancel: one is the other with its sign turned; "
                "data.channels=keep keeps them",
            )

    def full_scale(self, rule: str) -> tuple[float, str]:
        """Return what the samples are to be divided by, and a note of it; empty for nothing.

        Integers that somebody stored as floats are taken for what they are. Of mixed channels the
        mix counts.

        Args:
          rule: `RESCALE` to a peak of full scale, `CLIP` or `REJECT`.

        Raises:
          Unusable: If the rule is to reject and they are beyond full scale.
        """
        peak = self.peak if self._mix_peak is None else self._mix_peak
        if self.peak <= _ROUNDING:
            return 1.0, ""
        if self.peak > _SURELY_INTEGERS or (self._all_whole and self.peak > 2.0):
            for scale in _INTEGER_SCALES:
                if self.peak <= scale:
                    return scale, NOTE_INTEGERS
        if peak <= _ROUNDING:
            return 1.0, ""
        if rule == REJECT:
            raise Unusable(
                "over_full_scale",
                f"a peak of {peak:.4g}, full scale is 1; data.over_full_scale=rescale or clip "
                "takes it",
            )
        return (peak, NOTE_RESCALED) if rule == RESCALE else (1.0, NOTE_CLIPPED)
