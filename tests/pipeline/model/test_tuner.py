"""The search: what it draws from, and that its best values reach the network."""

import json

import keras_tuner
import pytest
from tfx.components.trainer.fn_args_utils import FnArgs

from tfx_audio.components.audio.features import Frontend
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig, TuneConfig
from tfx_audio.pipeline.model.hyperparameters import apply_hyperparameters
from tfx_audio.pipeline.model.tuner import search_space, tuner_fn


def choices(space):
    return {hp.name: list(hp.values) for hp in space.space if hasattr(hp, "values")}


def test_durations_become_samples_and_what_does_not_fit_is_left_out():
    tune = TuneConfig(n_mels=(32, 128))
    found = choices(search_space(tune, sample_rate=8_000, window=400))

    assert found["n_fft"] == [128, 256]  # 64 ms are longer than the window
    assert found["hop_length"] == [64, 80, 128]
    assert found["n_mels"] == [32]  # an FFT of 128 does not tell 128 bands apart


def test_every_combination_can_be_built():
    for rate in (8_000, 16_000, 44_100):
        found = choices(search_space(TuneConfig(), rate, window=rate))
        for n_fft in found["n_fft"]:
            for hop in found["hop_length"]:
                values = {"n_fft": n_fft, "hop_length": hop, "n_mels": max(found["n_mels"])}
                model, _ = apply_hyperparameters(ModelConfig(), TrainConfig(), values)
                Frontend.derive(rate, model.frontend).checked()


def test_values_get_into_the_configuration_and_leave_the_rest():
    values = {"n_fft": 512, "spec_augment": 0.2, "learning_rate": 0.002}
    before = ModelConfig.model_validate({"frontend": {"n_mels": 50}, "dropout": 0.3})

    model, train = apply_hyperparameters(before, TrainConfig(batch_size=8), values)

    assert (model.frontend.n_fft, model.frontend.n_mels, model.dropout) == (512, 50, 0.3)
    assert (model.spec_augment.policy, model.spec_augment.freq_fraction) == ("scaled", 0.2)
    assert (train.learning_rate, train.batch_size) == (0.002, 8)
    none, _ = apply_hyperparameters(before, train, {"spec_augment": 0.0})
    assert none.spec_augment.policy == "none"


@pytest.fixture(scope="module")
def searched(data_set, tmp_path_factory):
    fn_args = FnArgs(
        train_files=[data_set.train],
        eval_files=[data_set.evaluation],
        schema_path=data_set.schema,
        transform_graph_path=data_set.transform,
        working_dir=str(tmp_path_factory.mktemp("search")),
        custom_config={
            "model": {"window_s": 0.3},
            "train": {"batch_size": 8},
            "tune": {"trials": 2, "steps": 3, "seed": 1},
        },
    )
    result = tuner_fn(fn_args)
    result.tuner.search(**result.fit_kwargs)
    return result.tuner


def test_searches_as_many_trials_as_asked(searched):
    trials = searched.oracle.get_best_trials(9)

    assert len(trials) == 2
    assert trials[0].score >= trials[1].score
    assert all(0 <= trial.score <= 1 for trial in trials)


def test_the_best_survive_the_way_through_json_into_the_trainer(searched):
    config = json.loads(json.dumps(searched.get_best_hyperparameters()[0].get_config()))

    best = searched.oracle.get_best_trials(1)[0].hyperparameters.values
    assert config["values"] == best
    assert keras_tuner.HyperParameters.from_config(config).values == best
    model, train = apply_hyperparameters(ModelConfig(), TrainConfig(), config["values"])
    assert model.frontend.n_fft == best["n_fft"]
    assert train.learning_rate == best["learning_rate"]
