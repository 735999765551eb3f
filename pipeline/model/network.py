"""The network as a whole: waveform in, one logit a label out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfx_audio.pipeline.model.config import ModelConfig, SpecAugmentSettings
from tfx_audio.pipeline.model.frontend import ClipNormalisation, FrontendConfig, LogMel
from tfx_audio.pipeline.model.resnet import get_backbone
from tfx_audio.pipeline.model.spec_augment import POLICIES, MaskParams, SpecAugment

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
    band_statistics: tuple[np.ndarray, np.ndarray] | None = None,
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

    Returns:
      A model from ``(batch, window)`` to logits ``(batch, num_labels)``, float32.
    """
    keras.utils.set_random_seed(seed)
    frontend = FrontendConfig.derive(sample_rate, config.frontend)
    waveform = keras.Input((window,), name="waveform", dtype="float32")
    x = LogMel(frontend, name=FRONTEND)(waveform)
    x = _normalisation(config, band_statistics)(x)
    masks = mask_params(config.spec_augment, frontend.num_frames(window), frontend.n_mels)
    if masks is not None:
        x = SpecAugment(**masks._asdict(), seed=seed, name=SPEC_AUGMENT)(x)
    x = get_backbone(config.backbone)(x)
    x = keras.layers.Dropout(config.dropout, seed=seed, name="dropout")(x)
    logits = keras.layers.Dense(num_labels, dtype="float32", name=LOGITS)(x)
    return keras.Model(waveform, logits, name="classifier")


def mask_params(settings: SpecAugmentSettings, frames: int, bands: int) -> MaskParams | None:
    """Return SpecAugment's parameters for a spectrogram of this size, or None for no masks."""
    if settings.policy == "none":
        return None
    if settings.policy in POLICIES:
        return POLICIES[settings.policy]
    return MaskParams(
        freq_mask_param=round(settings.freq_fraction * bands),
        time_mask_param=round(settings.time_fraction * frames),
        n_freq_masks=settings.n_freq_masks,
        n_time_masks=settings.n_time_masks,
        max_time_fraction=settings.max_time_fraction,
    )


def _normalisation(config: ModelConfig, band_statistics: Any) -> keras.layers.Layer:
    if config.frontend.normalisation == "clip":
        return ClipNormalisation(name=NORMALISATION)
    if band_statistics is None:
        raise ValueError("normalisation 'dataset' needs band_statistics of the training data")
    mean, variance = band_statistics
    return keras.layers.Normalization(
        axis=2,
        mean=np.reshape(mean, (1, 1, -1, 1)),
        variance=np.reshape(variance, (1, 1, -1, 1)),
        name=NORMALISATION,
    )
