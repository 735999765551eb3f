"""`SpeedPerturb`: another speed, hence another tempo and pitch together, by resampling."""

import random

import numpy as np
import soxr
from audiomentations.core.transforms_interface import BaseWaveformTransform


class SpeedPerturb(BaseWaveformTransform):  # type: ignore[misc]
    """Play faster or slower by resampling: tempo and pitch change together.

    The usual one for speech, at a fraction of PitchShift's and TimeStretch's cost (Ko et al., Audio
    augmentation for speech recognition, 2015).
    """

    supports_multichannel = True

    def __init__(
        self,
        min_rate: float = 0.9,
        max_rate: float = 1.1,
        leave_length_unchanged: bool = True,
        p: float = 0.5,
    ) -> None:
        """Check the range.

        :param min_rate: Minimum speed. Below 1.0 the sound is slower and lower.
        :param max_rate: Maximum speed. Above 1.0 the sound is faster and higher.
        :param leave_length_unchanged: If `True`, the sound is cut off or followed by silence, so
            that it keeps its duration. If `False`, the duration changes with the speed.
        :param p: The probability of applying this transform.
        """
        super().__init__(p)
        self.min_rate, self.max_rate = min_rate, max_rate
        self.leave_length_unchanged = leave_length_unchanged

    def randomize_parameters(self, samples: np.ndarray, sample_rate: int) -> None:
        """Draw the speed."""
        super().randomize_parameters(samples, sample_rate)
        if self.parameters["should_apply"]:
            self.parameters["rate"] = random.uniform(self.min_rate, self.max_rate)

    def apply(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return float32 ``(samples,)`` or ``(channels, samples)`` at the drawn speed."""
        frames = samples.T.copy()
        faster = soxr.resample(frames, self.parameters["rate"] * sample_rate, sample_rate, "HQ").T
        if self.leave_length_unchanged:
            missing = max(0, samples.shape[-1] - faster.shape[-1])
            padding = [(0, 0)] * (samples.ndim - 1) + [(0, missing)]
            faster = np.pad(faster[..., : samples.shape[-1]], padding)
        return np.ascontiguousarray(faster)
