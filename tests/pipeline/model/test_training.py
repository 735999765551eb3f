"""A training as a whole: it learns, it is the same again, it goes on after an interruption."""

import keras
import numpy as np
import pytest

from tfx_audio.pipeline.model.checkpoint import Checkpoint
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.inputs import decoded_clips, read_examples
from tfx_audio.pipeline.model.training import ClipData, compile_for_training, train

CONFIG = TrainConfig(epochs=4, batch_size=24, seed=3)


@pytest.fixture(scope="module")
def data(data_set, transform_layer):
    def clips(records):
        return decoded_clips(read_examples([records]), transform_layer).cache()

    return ClipData(clips(data_set.train), clips(data_set.evaluation), 72, 8000, 1600, 3)


class Kill(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self._epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self._epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(data):
    return train(ModelConfig(), CONFIG, data)


def test_does_its_epochs_and_returns_the_best(whole):
    assert whole.state.epoch == whole.budget.epochs == len(whole.state.history) == 4
    assert whole.budget.steps_per_epoch == 3
    assert whole.result.accuracy == pytest.approx(whole.state.best_accuracy)
    assert whole.state.best_accuracy == max(e["eval_accuracy"] for e in whole.state.history)


def test_resumed_ends_as_if_nothing_had_happened(data, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(ModelConfig(), CONFIG, data, Checkpoint(str(tmp_path)), (Kill(2),))

    resumed = train(ModelConfig(), CONFIG, data, Checkpoint(str(tmp_path)))

    assert resumed.state.epoch == whole.state.epoch
    assert resumed.state.best_epoch == whole.state.best_epoch
    for weight, expected in zip(resumed.model.weights, whole.model.weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)

    again = train(ModelConfig(), CONFIG, data, Checkpoint(str(tmp_path)), (Kill(4),))
    assert again.state == resumed.state  # what is finished is not repeated


@pytest.mark.parametrize("mixing", ["mixup", "between_class"])
def test_resumed_mixes_as_if_nothing_had_happened(data, tmp_path, mixing):
    config = CONFIG.model_copy(update={"mixing": mixing, "epochs": 2})
    whole = train(ModelConfig(), config, data)
    with pytest.raises(KeyboardInterrupt):
        train(ModelConfig(), config, data, Checkpoint(str(tmp_path)), (Kill(1),))

    resumed = train(ModelConfig(), config, data, Checkpoint(str(tmp_path)))

    for weight, expected in zip(resumed.model.weights, whole.model.weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


def test_trains_in_half_precision_on_training_statistics(data):
    model = ModelConfig.model_validate({"frontend": {"normalisation": "dataset"}})
    config = TrainConfig(epochs=1, batch_size=36, mixed_precision=True)

    trained = train(model, config, data)

    assert trained.state.epoch == 1
    assert all(np.isfinite(weight).all() for weight in trained.model.get_weights())


def test_the_loss_is_cross_entropy_from_logits_against_smoothed_labels():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("linear")])
    compile_for_training(model, TrainConfig(label_smoothing=0.3), steps=10)
    logits = np.log(np.array([[0.5, 0.25, 0.25]], "float32"))

    loss = model.evaluate(logits, np.array([[1.0, 0.0, 0.0]], "float32"), verbose=0)[0]

    # Smoothed labels: 0.7 + 0.3 / 3 = 0.8 for the true one, 0.1 for each other.
    assert loss == pytest.approx(0.8 * np.log(2) + 0.2 * np.log(4), rel=1e-6)
