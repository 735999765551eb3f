"""Steps, epochs, learning rate and optimiser."""

import math
from typing import NamedTuple

import keras

from tfx_audio.pipeline.model.config import TrainConfig

MIN_EPOCHS, MAX_EPOCHS = 10, 100
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

    An epoch is one pass over the data, within two bounds. At most a tenth of the steps: eval is
    then measured often enough. At least a hundredth: with little data, eval would take the time.
    """
    per_pass = max(1, math.ceil(num_clips / config.batch_size))
    if config.epochs is not None:
        return Budget(config.epochs, per_pass)
    shortest = math.ceil(config.steps / MAX_EPOCHS)
    per_epoch = min(max(per_pass, shortest), max(1, config.steps // MIN_EPOCHS))
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
