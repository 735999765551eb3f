"""Steps, epochs, learning rate, optimiser, and how long there are masks."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras

from tfx_audio.pipeline.model.config import SpecAugmentSettings, TrainConfig
from tfx_audio.pipeline.model.spec_augment import SpecAugment

MIN_EPOCHS = 10
NO_WEIGHT_DECAY = ("bias", "gamma", "beta")


class Budget(NamedTuple):
    """Length of a training: epochs of equal numbers of steps."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * self.steps_per_epoch


def budget(config: TrainConfig, num_clips: int) -> Budget:
    """Divide a training into epochs.

    An epoch is one pass over the data, or a tenth of the steps where a pass is longer than that,
    so that eval is looked at often enough.
    """
    per_pass = max(1, math.ceil(num_clips / config.batch_size))
    if config.epochs is not None:
        return Budget(config.epochs, per_pass)
    per_epoch = min(per_pass, max(1, config.steps // MIN_EPOCHS))
    return Budget(math.ceil(config.steps / per_epoch), per_epoch)


def optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW, warmed up linearly and annealed by a cosine to zero at `steps`."""
    warmup = int(config.warmup_fraction * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=max(1, steps - warmup),
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    adamw = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    adamw.exclude_from_weight_decay(var_names=list(NO_WEIGHT_DECAY))
    return adamw


class MaskSchedule(keras.callbacks.Callback):
    """Turns SpecAugment off for the last steps of a training.

    The network then learns from whole spectrograms, as it will meet them, while the learning rate
    falls, and batch normalisation forgets the statistics of masked ones.

    Args:
      settings: `active_fraction` is the share of the steps with masks.
      steps: Optimiser steps in all.
    """

    def __init__(self, settings: SpecAugmentSettings, steps: int) -> None:
        super().__init__()
        self._until = round(settings.active_fraction * steps)
        self._step = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin at the optimiser's step: a resumed training is somewhere in the middle."""
        self._step = int(self.model.optimizer.iterations)
        self._set(float(self._step < self._until))

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Turn the masks off when their share of the steps is done."""
        if self._step == self._until:
            self._set(0.0)
        self._step += 1

    def _set(self, strength: float) -> None:
        for layer in self.model.layers:
            if isinstance(layer, SpecAugment):
                layer.strength.assign(strength)
