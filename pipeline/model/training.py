"""Train a classifier on clips, without TFX: what Trainer, Tuner and benchmarks share."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from tfx_audio.pipeline.model.callbacks import BestKeeper, EvalResult, Evaluation
from tfx_audio.pipeline.model.checkpoint import Checkpoint, TrainingState
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.inputs import Batching, eval_batches, training_batches
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.schedule import Budget, budget, optimizer

EVAL_BATCH = 64


class ClipData(NamedTuple):
    """Decoded clips of a training.

    Attributes:
      train: Elements (waveform, label id), cached.
      evaluation: The same of the eval split.
      num_train: Elements of `train`.
      sample_rate: Hz.
      window: Samples that the network sees at once.
      num_labels: Labels.
    """

    train: tf.data.Dataset
    evaluation: tf.data.Dataset
    num_train: int
    sample_rate: int
    window: int
    num_labels: int


class Trained(NamedTuple):
    """A trained network with its best weights, and how it went."""

    model: keras.Model
    state: TrainingState
    result: EvalResult
    budget: Budget


def train(
    model_config: ModelConfig,
    config: TrainConfig,
    data: ClipData,
    checkpoint: Checkpoint | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    stage: str = "Trainer",
) -> Trained:
    """Train, or go on where a killed training stopped, and return the best epoch's network."""
    plan = budget(config, data.num_train)
    model = build_classifier(
        model_config, data.sample_rate, data.window, data.num_labels, config.seed
    )
    compile_for_training(model, config, plan.steps)
    batches = eval_batches(data.evaluation, EVAL_BATCH)
    evaluation = Evaluation(model, batches, data.window, model_config.max_windows)
    keeper = BestKeeper(
        evaluation,
        checkpoint or Checkpoint(""),
        epochs=plan.epochs,
        min_epochs=math.ceil(config.min_steps_fraction * plan.epochs),
        patience=config.patience,
        stage=stage,
    )
    keeper.resume(model)
    if not keeper.state.stopped:
        batching = Batching(config.batch_size, data.window, data.num_labels, config.seed)
        model.fit(
            training_batches(
                data.train, batching, keeper.state.epoch, plan.epochs, plan.steps_per_epoch
            ),
            initial_epoch=keeper.state.epoch,
            epochs=plan.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            callbacks=[keeper, *callbacks],
            verbose=0,
        )
    keeper.restore_best(model)
    return Trained(model, keeper.state, evaluation.run(), plan)


def compile_for_training(model: keras.Model, config: TrainConfig, steps: int) -> None:
    """Attach optimiser, loss and accuracy; the optimiser's variables exist afterwards."""
    model.compile(
        optimizer=optimizer(config, steps),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=config.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
