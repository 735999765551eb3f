"""Which epoch is kept, when training stops, what is reported."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.progress import LOGGER_NAME
from tfx_audio.pipeline.model.callbacks import BestKeeper, EvalResult, Evaluation
from tfx_audio.pipeline.model.checkpoint import Checkpoint


class Script:
    """An evaluation that answers with given (accuracy, loss) in turn."""

    def __init__(self, *results):
        self._results = iter(results)

    def run(self):
        accuracy, loss = next(self._results)
        return EvalResult(loss, accuracy, np.zeros((2, 2)))


def tiny_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def go_through(results, directory="", **settings):
    model = tiny_model()
    keeper = BestKeeper(
        Script(*results), Checkpoint(directory), **{"epochs": len(results), **settings}
    )
    keeper.set_model(model)
    for epoch in range(len(results)):
        model.layers[0].kernel.assign([[epoch + 1.0]])  # the weight says which epoch it is from
        keeper.on_epoch_end(epoch, {"loss": 0.5})
        if model.stop_training:
            break
    return model, keeper


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(0.5, 1.0), (0.9, 1.0), (0.7, 0.1)], 2),  # accuracy comes first
        ([(0.9, 1.0), (0.9, 0.8), (0.9, 0.9)], 2),  # then the loss
        ([(0.9, 1.0), (0.9, 1.0)], 1),  # the first of equals
    ],
)
def test_keeps_the_best_epochs_weights(results, best):
    model, keeper = go_through(results)

    keeper.restore_best(model)

    assert keeper.state.best_epoch == best
    assert model.get_weights()[0] == best


def test_stops_after_patience_but_not_before_the_minimum():
    results = [(0.9, 1.0)] + [(0.5, 1.0)] * 9

    assert go_through(results, patience=2)[1].state.epoch == 3
    assert go_through(results, patience=2, min_epochs=6)[1].state.epoch == 6
    assert go_through(results, patience=0)[1].state.epoch == 10


def test_reports_each_epoch(caplog):
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        go_through([(0.5, 1.0), (0.75, 1.0)], stage="Trainer")

    assert [record.progress["done"] for record in caplog.records] == [1, 2]
    assert "eval accuracy 0.750, best 0.750" in caplog.messages[-1]


def test_goes_on_where_a_killed_one_stopped(tmp_path):
    go_through([(0.9, 1.0), (0.5, 1.0)], str(tmp_path), epochs=4)
    model = tiny_model()
    resumed = BestKeeper(Script((0.7, 1.0)), Checkpoint(str(tmp_path)), epochs=4)

    resumed.resume(model)

    assert (resumed.state.epoch, resumed.state.best_epoch, resumed.state.waited) == (2, 1, 1)
    assert model.get_weights()[0] == 2.0
    resumed.restore_best(model)
    assert model.get_weights()[0] == 1.0


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path, monkeypatch):
    go_through([(0.9, 1.0)], str(tmp_path), epochs=4)
    before = (tmp_path / "training.npz").read_bytes()

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.io.gfile, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        go_through([(0.5, 1.0)], str(tmp_path), epochs=4)

    assert (tmp_path / "training.npz").read_bytes() == before


def test_refuses_the_checkpoint_of_another_network(tmp_path):
    go_through([(0.9, 1.0)], str(tmp_path), epochs=4)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    other.compile("sgd", "mse")
    other.optimizer.build(other.trainable_variables)

    with pytest.raises(ValueError, match="belongs to another network"):
        BestKeeper(Script(), Checkpoint(str(tmp_path)), epochs=1).resume(other)


def test_evaluates_whole_clips():
    """A network that says class 1 with logit = the window's maximum."""
    inputs = keras.Input((4,))
    highest = keras.ops.max(inputs, axis=1, keepdims=True)
    model = keras.Model(inputs, keras.ops.concatenate([keras.ops.zeros_like(highest), highest], 1))
    waveforms = tf.ragged.constant([[1.0, 1.0], [2.0], [-1.0] * 4], dtype=tf.float32)
    batches = tf.data.Dataset.from_tensors((waveforms, tf.constant([1, 0, 0], tf.int64)))

    result = Evaluation(model, batches, window=4, max_windows=2).run()

    assert result.accuracy == pytest.approx(2 / 3)
    np.testing.assert_array_equal(result.confusion, [[1, 1], [0, 1]])
    losses = [np.log(1 + np.exp(-1.0)), np.log(1 + np.exp(2.0)), np.log(1 + np.exp(-1.0))]
    assert result.loss == pytest.approx(np.mean(losses), rel=1e-5)
