"""`tuner_fn` of TFX's Tuner: search over front end, SpecAugment and learning rate, on eval."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import keras_tuner
from tfx.components.trainer.fn_args_utils import FnArgs

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.features import Frontend, power_of_two
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig, TuneConfig, merge
from tfx_audio.pipeline.model.hyperparameters import (
    HOP_LENGTH,
    LEARNING_RATE,
    N_FFT,
    N_MELS,
    SPEC_AUGMENT,
    apply_hyperparameters,
)
from tfx_audio.pipeline.model.trainer import MODEL, TRAIN, TUNE, load_inputs
from tfx_audio.pipeline.model.training import ClipData, train

OBJECTIVE = "eval_accuracy"


class TunerFnResult(NamedTuple):
    """What TFX's Tuner expects: a tuner, and the arguments of its `search`."""

    tuner: keras_tuner.engine.base_tuner.BaseTuner
    fit_kwargs: dict[str, Any]


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Build a random search whose trials train as the Trainer does, but shorter."""
    custom = fn_args.custom_config or {}
    model_config = ModelConfig.model_validate(custom.get(MODEL, {}))
    tune = TuneConfig.model_validate(custom.get(TUNE, {}))
    short = {"steps": tune.steps, "epochs": None, "tensorboard": False}
    train_config = merge(TrainConfig.model_validate(custom.get(TRAIN, {})), short)
    data = load_inputs(fn_args, model_config, train_config).data
    search = AudioSearch(
        model_config,
        train_config,
        tune,
        data,
        directory=os.path.join(fn_args.working_dir, "search"),
    )
    return TunerFnResult(search, {"verbose": 0})


class AudioSearch(keras_tuner.RandomSearch):
    """Random search whose trials are whole trainings; only their best eval accuracy is kept.

    Args:
      model_config: What is not searched for.
      train_config: How long a trial trains, and the rest.
      tune: Trials and the ranges to draw from.
      data: Decoded clips, shared by all trials: the front end is part of the network.
      directory: Where keras-tuner keeps its state.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        train_config: TrainConfig,
        tune: TuneConfig,
        data: ClipData,
        directory: str,
    ) -> None:
        self._model_config, self._train_config = model_config, train_config
        self._tune, self._data = tune, data
        self._started = 0
        super().__init__(
            hypermodel=None,
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=max(1, tune.trials),
            seed=tune.seed,
            hyperparameters=search_space(tune, data.sample_rate, data.window),
            tune_new_entries=False,
            directory=directory,
            project_name="trials",
            overwrite=True,
        )

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Train one candidate and return its best accuracy on eval."""
        del args, kwargs
        self._started += 1
        model_config, train_config = apply_hyperparameters(
            self._model_config, self._train_config, trial.hyperparameters.values
        )
        stage = f"Tuner trial {self._started} of {self._tune.trials}"
        trained = train(model_config, train_config, self._data, stage=stage)
        return {OBJECTIVE: trained.state.best_accuracy}

    def results_summary(self, num_trials: int = 10) -> None:
        """Print nothing: the results are in the component's artifact."""

    def search_space_summary(self, extended: bool = False) -> None:
        """Print nothing."""


def search_space(tune: TuneConfig, sample_rate: int, window: int) -> keras_tuner.HyperParameters:
    """Return the values to draw from, in samples, at this sample rate.

    Values that can't be combined with the rest are left out: an FFT longer than the window, a
    hop longer than the shortest FFT, more mel bands than that can tell apart.
    """
    space = keras_tuner.HyperParameters()
    n_fft = sorted({power_of_two(ms * sample_rate / 1000) for ms in tune.window_ms})
    n_fft = [size for size in n_fft if size <= window] or n_fft[:1]
    hops = sorted({max(1, round(ms * sample_rate / 1000)) for ms in tune.hop_ms})
    hops = [hop for hop in hops if hop <= n_fft[0]] or [n_fft[0] // 2]
    space.Choice(N_FFT, n_fft)
    space.Choice(HOP_LENGTH, hops)
    n_mels = [bands for bands in tune.n_mels if _fits(sample_rate, n_fft[0], hops[0], bands)]
    space.Choice(N_MELS, n_mels or [min(tune.n_mels)])
    space.Choice(SPEC_AUGMENT, list(tune.spec_augment))
    space.Float(LEARNING_RATE, *tune.learning_rate, sampling="log")
    return space


def _fits(sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> bool:
    section = {"n_fft": n_fft, "hop_length": hop_length, "n_mels": n_mels}
    try:
        Frontend.derive(sample_rate, section).checked()
    except InvalidInput:
        return False
    return True
