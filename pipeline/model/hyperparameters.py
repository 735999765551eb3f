"""Names of what the Tuner searches for, and how a find gets into the configuration."""

from collections.abc import Mapping
from typing import Any

from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig, merge

N_FFT = "n_fft"
HOP_LENGTH = "hop_length"
N_MELS = "n_mels"
SPEC_AUGMENT = "spec_augment"
LEARNING_RATE = "learning_rate"


def apply_hyperparameters(
    model: ModelConfig, train: TrainConfig, values: Mapping[str, Any]
) -> tuple[ModelConfig, TrainConfig]:
    """Return both configurations with a trial's values in them; others stay as they are."""
    frontend = {name: values[name] for name in (N_FFT, HOP_LENGTH, N_MELS) if name in values}
    changes: dict[str, Any] = {"frontend": frontend}
    if N_FFT in values:
        frontend["win_length"] = None
    if SPEC_AUGMENT in values:
        strength = values[SPEC_AUGMENT]
        changes["spec_augment"] = {
            "policy": "scaled" if strength else "none",
            "freq_fraction": strength,
            "time_fraction": strength,
        }
    rate = {LEARNING_RATE: values[LEARNING_RATE]} if LEARNING_RATE in values else {}
    return merge(model, changes), merge(train, rate)
