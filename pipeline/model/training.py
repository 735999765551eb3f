"""Train a classifier on clips, without TFX: what Trainer, Tuner and benchmarks share."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from tfx_audio.pipeline.model.callbacks import BestKeeper, EvalResult, Evaluation
from tfx_audio.pipeline.model.checkpoint import Checkpoint, TrainingState
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.inputs import (
    Batching,
    as_ragged,
    eval_batches,
    fresh_batches,
    training_batches,
)
from tfx_audio.pipeline.model.mixing import NONE, MixtureClassifier
from tfx_audio.pipeline.model.network import BandStatistics, build_classifier, measure_bands
from tfx_audio.pipeline.model.schedule import Budget, budget, optimizer
from tfx_audio.pipeline.model.windows import place

EVAL_BATCH = 64
MEASURED_CLIPS = 512


class ClipData(NamedTuple):
    """Decoded clips of a training.

    Attributes:
      train: Elements (waveform, label id), cached.
      evaluation: The same of the eval split.
      num_train: Elements of `train`.
      sample_rate: Hz.
      window: Samples that the network sees at once.
      num_labels: Labels.
      fresh: Where the policy runs on the fly, the clips to train on from a given pass over the
        data on; then `train` only says what is measured and counted.
    """

    train: tf.data.Dataset
    evaluation: tf.data.Dataset
    num_train: int
    sample_rate: int
    window: int
    num_labels: int
    fresh: Callable[[int], tf.data.Dataset] | None = None


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
        model_config,
        data.sample_rate,
        data.window,
        data.num_labels,
        config.seed,
        band_statistics(model_config, data),
        config.mixed_precision,
    )
    model = for_mixing(model, config, data.sample_rate)
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
        model.fit(
            _batches(config, data, plan, keeper.state.epoch),
            initial_epoch=keeper.state.epoch,
            epochs=plan.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            callbacks=[keeper, *callbacks],
            verbose=0,
        )
    keeper.restore_best(model)
    return Trained(model, keeper.state, evaluation.run(), plan)


def _batches(
    config: TrainConfig, data: ClipData, plan: Budget, first_epoch: int
) -> tf.data.Dataset:
    """Return the training batches of the epochs from `first_epoch` on."""
    batching = Batching(config.batch_size, data.window, data.num_labels, config.seed)
    epochs = (first_epoch, plan.epochs, plan.steps_per_epoch)
    if data.fresh is None:
        return training_batches(data.train, batching, *epochs)
    seen = first_epoch * plan.steps_per_epoch * config.batch_size
    return fresh_batches(data.fresh(seen // data.num_train), batching, *epochs)


def band_statistics(config: ModelConfig, data: ClipData) -> BandStatistics | None:
    """Measure the mel bands of some training clips, where normalisation is by them."""
    if config.frontend.normalisation != "dataset":
        return None
    batches = eval_batches(data.train.take(MEASURED_CLIPS), EVAL_BATCH)
    return measure_bands(config, data.sample_rate, (centred(w, data.window) for w, _ in batches))


def centred(waveforms: tf.RaggedTensor, window: int) -> tf.Tensor:
    """Return the middle of each clip, ``(clips, window)``."""
    ragged = as_ragged(waveforms)
    return place(ragged, tf.fill([ragged.nrows()], 0.5), window)


def for_mixing(model: keras.Model, config: TrainConfig, sample_rate: int) -> keras.Model:
    """Return the model itself, or one of the same layers that trains on mixtures."""
    if config.mixing == NONE:
        return model
    return MixtureClassifier(model.input, model.output, config.mixing, config.seed, sample_rate)


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
