"""The network as a whole: waveform in, one logit a label out."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import keras
import numpy as np

from tfx_audio.components.audio.features import Frontend, Masks
from tfx_audio.pipeline.model.config import ModelConfig
from tfx_audio.pipeline.model.frontend import ClipNormalisation, LogMel
from tfx_audio.pipeline.model.resnet import get_backbone
from tfx_audio.pipeline.model.spec_augment import SpecAugment

FRONTEND = "frontend"
NORMALISATION = "normalisation"
SPEC_AUGMENT = "spec_augment"
LOGITS = "logits"


def build_classifier(
    config: ModelConfig,
    sample_rate: int,
    window: int,
    num_labels: int,
    seed: int = 0,
    band_statistics: BandStatistics | None = None,
    mixed_precision: bool = False,
) -> keras.Model:
    """Build front end, normalisation, SpecAugment, backbone and head.

    Args:
      config: The network's settings.
      sample_rate: Hz.
      window: Samples that it sees at once.
      num_labels: Number of outputs.
      seed: Seed of the weights, the masks and dropout.
      band_statistics: Mean and variance of each mel band over the training data, where
        ``frontend.normalisation`` is ``dataset``.
      mixed_precision: Compute the backbone in float16; the front end and the logits stay float32.

    Returns:
      A model from ``(batch, window)`` to logits ``(batch, num_labels)``, float32.
    """
    keras.utils.set_random_seed(seed)
    with _dtype_policy("mixed_float16" if mixed_precision else "float32"):
        return _connect(config, sample_rate, window, num_labels, seed, band_statistics)


def _connect(
    config: ModelConfig,
    sample_rate: int,
    window: int,
    num_labels: int,
    seed: int,
    band_statistics: BandStatistics | None,
) -> keras.Model:
    frontend = Frontend.derive(sample_rate, config.frontend).checked()
    waveform = keras.Input((window,), name="waveform", dtype="float32")
    x = LogMel(frontend, name=FRONTEND)(waveform)
    x = _normalisation(config, band_statistics)(x)
    masks = Masks.derive(config.spec_augment, frontend.num_frames(window), frontend.n_mels)
    if masks is not None:
        x = SpecAugment(**dataclasses.asdict(masks), seed=seed, name=SPEC_AUGMENT)(x)
    x = get_backbone(config.backbone)(x)
    x = keras.layers.Dropout(config.dropout, seed=seed, name="dropout")(x)
    logits = keras.layers.Dense(num_labels, dtype="float32", name=LOGITS)(x)
    return keras.Model(waveform, logits, name="classifier")


@contextlib.contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Set Keras's global dtype policy for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class BandStatistics(NamedTuple):
    """Mean and variance of each mel band over training data, ``(n_mels,)`` each."""

    mean: np.ndarray
    variance: np.ndarray


def measure_bands(
    config: ModelConfig, sample_rate: int, batches: Iterable[np.ndarray]
) -> BandStatistics:
    """Measure each mel band over batches of windows ``(batch, samples)``."""
    frontend = LogMel(Frontend.derive(sample_rate, config.frontend).checked())
    bands = [np.asarray(frontend(batch))[..., 0] for batch in batches]
    values = np.concatenate([batch.reshape(-1, batch.shape[-1]) for batch in bands])
    return BandStatistics(values.mean(axis=0), values.var(axis=0))


def _normalisation(
    config: ModelConfig, band_statistics: BandStatistics | None
) -> keras.layers.Layer:
    if config.frontend.normalisation == "clip":
        return ClipNormalisation(name=NORMALISATION)
    if band_statistics is None:
        raise ValueError("normalisation 'dataset' needs band_statistics of the training data")
    return keras.layers.Normalization(  # Keras 3.12 and 3.15 both broadcast a mean of (bands, 1)
        axis=(2, 3),
        mean=band_statistics.mean.reshape(-1, 1).tolist(),
        variance=np.maximum(band_statistics.variance, 1e-3).reshape(-1, 1).tolist(),
        dtype="float32",
        name=NORMALISATION,
    )
