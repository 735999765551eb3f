"""Log-mel spectrograms on the device, by kapre's layers."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import kapre
import keras
import tensorflow as tf
from librosa.filters import mel as mel_filters

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.model.config import FrontendSettings

FLOOR_DB = -100.0


@dataclasses.dataclass(frozen=True)
class FrontendConfig:
    """The front end with every value resolved.

    Attributes:
      sample_rate: Hz.
      n_fft: FFT size in samples.
      win_length: Window in samples, at most `n_fft`.
      hop_length: Step between frames in samples.
      n_mels: Mel bands (Slaney's scale and normalisation, as librosa's default).
      f_min_hz: Lower end of the mel bands.
      f_max_hz: Upper end of the mel bands.
      power: 1 for magnitudes, 2 for powers.
      dynamic_range_db: Values further below a clip's maximum are raised to that.
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
    def derive(cls, sample_rate: int, settings: FrontendSettings) -> FrontendConfig:
        """Fill in what the settings leave open, from the sample rate.

        Raises:
          InvalidInput: If values don't fit together.
        """
        n_fft = settings.n_fft or power_of_two(0.032 * sample_rate)
        config = cls(
            sample_rate=sample_rate,
            n_fft=n_fft,
            win_length=settings.win_length or n_fft,
            hop_length=settings.hop_length or round(0.010 * sample_rate),
            n_mels=settings.n_mels or 40,
            f_min_hz=settings.f_min_hz,
            f_max_hz=settings.f_max_hz or sample_rate / 2,
            power=settings.power,
            dynamic_range_db=settings.dynamic_range_db,
        )
        config.check()
        return config

    def check(self) -> None:
        """Raise `InvalidInput` if values don't fit together."""
        if self.win_length > self.n_fft:
            raise InvalidInput(
                f"model.frontend.win_length must be at most n_fft ({self.n_fft}), "
                f"got {self.win_length}"
            )
        if self.hop_length > self.win_length:
            raise InvalidInput(
                f"model.frontend.hop_length must be at most win_length ({self.win_length}), "
                f"got {self.hop_length}: sound between frames would be lost"
            )
        if not self.f_min_hz < self.f_max_hz <= self.sample_rate / 2:
            raise InvalidInput(
                "model.frontend needs f_min_hz < f_max_hz <= half the sample rate "
                f"({self.sample_rate / 2:g}), got {self.f_min_hz:g} and {self.f_max_hz:g}"
            )
        empty = self._empty_bands()
        if empty:
            raise InvalidInput(
                f"model.frontend.n_mels {self.n_mels} gives {empty} bands without a frequency of "
                f"an FFT of {self.n_fft}: lower n_mels or raise n_fft"
            )

    def _empty_bands(self) -> int:
        """Count mel bands too narrow to hold a frequency of the FFT."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # librosa warns of what is counted here
            bands = mel_filters(
                sr=self.sample_rate,
                n_fft=self.n_fft,
                n_mels=self.n_mels,
                fmin=self.f_min_hz,
                fmax=self.f_max_hz,
            )
        return int((bands.max(axis=1) == 0).sum())

    @property
    def db_scale(self) -> float:
        """Decibels per unit of kapre's ``10·log10``: 2 for magnitudes, 1 for powers."""
        return 2.0 / self.power

    def num_frames(self, samples: int) -> int:
        """Frames of a clip; one that is shorter than a window still has one."""
        return 1 + max(0, samples - self.win_length) // self.hop_length


def power_of_two(samples: float) -> int:
    """Return the power of two nearest by ratio, at least 16."""
    return max(16, 2 ** round(math.log2(samples)))


@keras.saving.register_keras_serializable(package="tfx_audio")
class LogMel(keras.layers.Layer):
    """Log-mel spectrogram in dB of a batch of waveforms.

    Equals ``librosa.feature.melspectrogram(center=False, power=power)`` followed by
    ``amplitude_to_db`` (``power_to_db`` for power 2), ``ref=1``, ``top_db=dynamic_range_db``.
    Where `win_length` is below `n_fft`, librosa centres the window in the frame and this layer
    starts it there: frames then lie ``(n_fft - win_length) / 2`` samples apart from librosa's.
    It computes in float32 whatever the dtype policy, since float16 can't hold a power spectrum.

    Args:
      config: A `FrontendConfig`, or its fields as a dict.

    Input shape:
      ``(batch, samples)``, float in [-1, 1]. Clips shorter than a window are padded with zeros.

    Output shape:
      ``(batch, frames, n_mels, 1)``, float32.

    Example:
      >>> config = FrontendConfig.derive(16_000, FrontendSettings())
      >>> LogMel(config)(np.zeros((2, 16_000), "float32")).shape
      TensorShape([2, 97, 40, 1])
    """

    def __init__(self, config: FrontendConfig | dict[str, Any], **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.config = FrontendConfig(**config) if isinstance(config, dict) else config
        c = self.config
        self.stft = kapre.STFT(
            n_fft=c.n_fft,
            win_length=c.win_length,
            hop_length=c.hop_length,
            input_data_format="channels_last",
            output_data_format="channels_last",
            dtype="float32",
        )
        self.magnitude = kapre.Magnitude(dtype="float32")
        self.filterbank = kapre.ApplyFilterbank(
            type="mel",
            filterbank_kwargs={
                "sample_rate": c.sample_rate,
                "n_freq": c.n_fft // 2 + 1,
                "n_mels": c.n_mels,
                "f_min": c.f_min_hz,
                "f_max": c.f_max_hz,
            },
            data_format="channels_last",
            dtype="float32",
        )
        self.decibel = kapre.MagnitudeToDecibel(
            amin=10 ** (FLOOR_DB / (10 * c.db_scale)),
            dynamic_range=c.dynamic_range_db / c.db_scale,
            dtype="float32",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build nothing: there are no weights."""
        self.built = True

    def call(self, waveform: Any) -> Any:
        """Compute the spectrogram of ``(batch, samples)``."""
        waveform = _at_least(tf.cast(waveform, tf.float32), self.config.win_length)
        magnitude = self.magnitude(self.stft(waveform[:, :, tf.newaxis]))
        if self.config.power == 2:
            magnitude = tf.square(magnitude)
        return self.config.db_scale * self.decibel(self.filterbank(magnitude))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(batch, frames, n_mels, 1)``."""
        batch, samples = input_shape
        frames = None if samples is None else self.config.num_frames(samples)
        return batch, frames, self.config.n_mels, 1

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "config": dataclasses.asdict(self.config)}


def _at_least(waveform: tf.Tensor, samples: int) -> tf.Tensor:
    """Pad ``(batch, n)`` with zeros at the end to at least `samples`."""
    if waveform.shape[1] is not None and waveform.shape[1] >= samples:
        return waveform
    missing = tf.maximum(samples - tf.shape(waveform)[1], 0)
    return tf.pad(waveform, [[0, 0], [0, missing]])


@keras.saving.register_keras_serializable(package="tfx_audio")
class ClipNormalisation(keras.layers.Layer):
    """Give each example zero mean and unit variance over all its values, in float32.

    Args:
      epsilon: Added to the variance, so that a silent clip becomes all zeros.

    Input shape:
      ``(batch, ...)``.

    Output shape:
      The same.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, log_mel: Any) -> Any:
        """Normalise over every axis but the first."""
        values = keras.ops.cast(log_mel, "float32")
        axes = tuple(range(1, len(values.shape)))
        mean = keras.ops.mean(values, axis=axes, keepdims=True)
        variance = keras.ops.mean(keras.ops.square(values - mean), axis=axes, keepdims=True)
        normal = (values - mean) * keras.ops.rsqrt(variance + self.epsilon)
        return keras.ops.cast(normal, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
