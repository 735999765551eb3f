"""Settings of the model side: front end, SpecAugment, backbone, training, search, evaluation."""

import importlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from tfx_audio.components.audio.clip import CLEAN
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.features import MASK_FRACTION, N_MELS, Frontend, Masks
from tfx_audio.components.config_section import ConfigSection

BACKBONES = ("resnet_small", "resnet_medium", "resnet18")
_MAX_FFT = 2**20
_MAX_STEPS = 10**8
_Milliseconds = Annotated[float, Field(gt=0, le=10_000)]
_Rate = Annotated[float, Field(gt=0, le=100)]


class FrontendConfig(ConfigSection):
    """What the log-mel front end should compute; None means derived from the sample rate."""

    n_fft: int | None = Field(
        None, ge=16, le=_MAX_FFT, description="FFT size; None: power of 2 nearest 32 ms."
    )
    win_length: int | None = Field(
        None, ge=2, le=_MAX_FFT, description="Window in samples; None: n_fft."
    )
    hop_length: int | None = Field(
        None, ge=1, le=_MAX_FFT, description="Step in samples; None: 10 ms."
    )
    n_mels: int | None = Field(None, ge=4, le=1024, description=f"Mel bands; None: {N_MELS}.")
    f_min_hz: float = Field(0.0, ge=0, description="Lowest frequency of the mel bands.")
    f_max_hz: float | None = Field(None, gt=0, description="Highest; None: half the sample rate.")
    power: Literal[1, 2] = Field(1, description="Exponent of the magnitude: 1 or 2.")
    dynamic_range_db: float = Field(
        Frontend.dynamic_range_db, gt=0, le=1000, description="Range kept below a window's maximum."
    )
    normalisation: Literal["clip", "dataset"] = Field(
        "clip", description="Zero mean and unit variance of each clip, or by training statistics."
    )


class SpecAugmentConfig(ConfigSection):
    """Masks on the log-mel spectrogram while training."""

    policy: Literal["scaled", "LB", "LD", "SM", "SS", "none"] = Field(
        "scaled",
        description="One of the paper's policies (for 80 mel bands), none, or scaled: masks in "
        "proportion to the spectrogram's size, by the fields below.",
    )
    freq_fraction: float = Field(
        MASK_FRACTION, ge=0, le=1, description="F as a fraction of the mel bands."
    )
    time_fraction: float = Field(
        MASK_FRACTION, ge=0, le=1, description="T as a fraction of the frames."
    )
    n_freq_masks: int = Field(
        Masks.n_freq_masks, ge=0, le=100, description="Frequency masks per clip."
    )
    n_time_masks: int = Field(Masks.n_time_masks, ge=0, le=100, description="Time masks per clip.")
    max_time_fraction: float = Field(
        Masks.max_time_fraction, ge=0, le=1, description="The paper's p, bounds T by p·τ."
    )


class ModelConfig(ConfigSection):
    """The network: waveform in, scores out."""

    window_s: float | None = Field(
        None,
        ge=0.01,
        le=3600,
        description="Seconds of sound that the network sees at once; None: the 95th percentile of "
        "the training clips, at most 10 s.",
    )
    frontend: FrontendConfig = Field(FrontendConfig(), description="Log-mel front end.")
    spec_augment: SpecAugmentConfig = Field(SpecAugmentConfig(), description="Masking.")
    backbone: str = Field(
        "resnet_small",
        description="resnet_small, resnet_medium, resnet18, or module:function of one's own.",
    )

    @field_validator("backbone")
    @classmethod
    def _is_known_or_a_function(cls, name: str) -> str:
        module, colon, function = name.partition(":")
        is_function = colon and function.isidentifier()
        if name in BACKBONES or (is_function and all(map(str.isidentifier, module.split(".")))):
            return name
        raise ValueError(
            f"expected one of {', '.join(BACKBONES)} or module:function."
            f"{did_you_mean(name, BACKBONES)}"
        )

    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout before the output layer.")
    max_windows: int = Field(
        32,
        ge=1,
        le=10_000,
        description="Windows averaged over a clip longer than one; 1: its centre only.",
    )


class TrainConfig(ConfigSection):
    """How the network is trained."""

    steps: int = Field(1200, ge=1, le=_MAX_STEPS, description="Optimiser steps in all.")
    epochs: int | None = Field(
        None, ge=1, le=_MAX_STEPS, description="Passes over the data instead of steps."
    )
    batch_size: int = Field(96, ge=1, le=65_536, description="Clips per step.")
    learning_rate: float = Field(3e-3, gt=0, le=100, description="Peak learning rate.")
    warmup_fraction: float = Field(0.05, ge=0, lt=1, description="Share of steps to warm up in.")
    weight_decay: float = Field(
        0.02, ge=0, le=100, description="AdamW's, not on biases and batch norm."
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Mass spread over all labels.")
    mixing: Literal["none", "mixup", "between_class"] = Field(
        "none", description="Train on mixtures of two clips and their labels."
    )
    seed: int = Field(
        1, ge=0, lt=2**31, description="Seed of weights, order, placement, mixing, masks, dropout."
    )
    patience: int = Field(
        10,
        ge=0,
        le=_MAX_STEPS,
        description="Epochs without a better eval before stopping; 0: never.",
    )
    min_steps_fraction: float = Field(0.5, ge=0, le=1, description="Share of steps always done.")
    mixed_precision: bool = Field(False, description="Compute in float16 (GPUs), weights float32.")
    jit_compile: bool = Field(False, description="Compile the training step with XLA.")
    cache: Literal["memory", "disk", "off"] = Field(
        "memory", description="Where decoded clips wait for the next epoch."
    )
    tensorboard: bool = Field(True, description="Write training and evaluation for TensorBoard.")


class TuneConfig(ConfigSection):
    """Search over the front end, SpecAugment and the learning rate."""

    trials: int = Field(0, ge=0, le=10_000, description="Trials; 0: no search.")
    steps: int = Field(100, ge=1, le=_MAX_STEPS, description="Optimiser steps of each trial.")
    seed: int = Field(1, ge=0, lt=2**31, description="Seed of the search.")
    window_ms: tuple[_Milliseconds, ...] = Field(
        (16.0, 32.0, 64.0), description="n_fft, by duration."
    )
    hop_ms: tuple[_Milliseconds, ...] = Field(
        (8.0, 10.0, 16.0), description="hop_length, by duration."
    )
    n_mels: tuple[Annotated[int, Field(ge=4, le=1024)], ...] = Field(
        (32, 40, 64), description="Mel bands."
    )
    spec_augment: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (0.0, 0.1, 0.2), description="Mask size as a fraction of bands and frames; 0: none."
    )
    learning_rate: tuple[_Rate, _Rate] = Field((1e-3, 6e-3), description="Range, drawn by log.")


class EvaluateConfig(ConfigSection):
    """What a model must reach to be blessed."""

    min_accuracy: float = Field(0.6, ge=0, le=1, description="On clean clips.")
    noisy_condition: str = Field("noise_10db", description="The condition with a threshold.")
    min_noisy_accuracy: float = Field(0.2, ge=0, le=1, description="On that condition.")
    max_regression: float = Field(
        0.02, ge=0, le=1, description="Accuracy that may be lost against the latest blessed model."
    )
    clean_condition: str = Field(CLEAN, description="The condition that is reported as accuracy.")
    baseline_model: str = Field(
        "", description="Kubeflow only: URI of the model that a new one must not fall behind."
    )


def import_function(name: str) -> Callable[..., Any]:
    """Return the function that ``package.module:function`` names in `model.backbone`.

    Raises:
      InvalidInput: If it can't be imported, or is not a function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f"model.backbone {name!r} can't be imported: {error}") from error
    if not callable(found):
        raise InvalidInput(f"model.backbone {name!r} is not a function")
    return found


def merge(section: Any, values: dict[str, Any]) -> Any:
    """Return a section with some values changed, nested ones by dicts, validated again."""
    changed = section.model_dump()
    for name, value in values.items():
        old = getattr(section, name, None)
        nested = isinstance(old, BaseModel) and isinstance(value, dict)
        changed[name] = merge(old, value).model_dump() if nested else value
    return type(section).model_validate(changed)
