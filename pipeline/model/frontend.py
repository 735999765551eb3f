"""Log-mel spectrograms on the device, by kapre's layers."""

import dataclasses
from typing import Any

import kapre
import keras
import tensorflow as tf

from tfx_audio.components.audio.features import FLOOR_DB, Frontend


@keras.saving.register_keras_serializable(package="tfx_audio")
class LogMel(keras.layers.Layer):
    """Log-mel spectrogram in dB of a batch of waveforms.

    Equals ``librosa.feature.melspectrogram(center=False, power=power)`` followed by
    ``amplitude_to_db`` (``power_to_db`` for power 2), ``ref=1``, ``top_db=dynamic_range_db``.
    Where `win_length` is below `n_fft`, librosa centres the window in the frame and this layer
    starts it there: frames then lie ``(n_fft - win_length) / 2`` samples apart from librosa's.
    It computes in float32 whatever the dtype policy, since float16 can't hold a power spectrum.

    Args:
      config: A `Frontend`, or its fields as a dict.

    Input shape:
      ``(batch, samples)``, float in [-1, 1]. Clips shorter than a window are padded with zeros.

    Output shape:
      ``(batch, frames, n_mels, 1)``, float32.

    Example:
      >>> LogMel(Frontend.derive(16_000))(np.zeros((2, 16_000), "float32")).shape
      TensorShape([2, 97, 40, 1])
    """

    def __init__(self, config: Frontend | dict[str, Any], **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.config = Frontend(**config) if isinstance(config, dict) else config
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
