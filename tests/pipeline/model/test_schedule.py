"""Epochs, learning rate and what weight decay leaves alone."""

import keras
import numpy as np
import pytest

from tfx_audio.pipeline.model.config import TrainConfig
from tfx_audio.pipeline.model.schedule import budget, optimizer


@pytest.mark.parametrize(
    ("settings", "clips", "epochs", "steps_per_epoch"),
    [
        ({"steps": 600, "batch_size": 32}, 640, 30, 20),  # passes over the data
        ({"steps": 600, "batch_size": 32}, 100_000, 10, 60),  # a tenth of the steps at most
        ({"steps": 600, "batch_size": 32}, 5, 100, 6),  # a hundredth of them at least
        ({"steps": 50}, 5, 50, 1),
        ({"steps": 150}, 5, 75, 2),
        ({"epochs": 7, "batch_size": 32}, 33, 7, 2),
    ],
)
def test_divides_a_training_into_epochs(settings, clips, epochs, steps_per_epoch):
    assert tuple(budget(TrainConfig(**settings), clips)) == (epochs, steps_per_epoch)


def test_warms_up_linearly_and_anneals_by_a_cosine():
    config = TrainConfig(learning_rate=2e-3, warmup_fraction=0.1)
    rate = optimizer(config, steps=100)._learning_rate

    steps = [0, 5, 10, 55, 100]
    expected = [0.0, 1e-3, 2e-3, 1e-3, 0.0]
    np.testing.assert_allclose([float(rate(step)) for step in steps], expected, atol=1e-8)


def test_weight_decay_leaves_biases_and_batch_norm_alone():
    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(4, name="dense")(inputs))
    model = keras.Model(inputs, x)
    adamw = optimizer(TrainConfig(weight_decay=0.5, warmup_fraction=0.0), steps=10)
    adamw.build(model.trainable_variables)
    before = {v.path: np.asarray(v) + 1.0 for v in model.trainable_variables}
    for variable in model.trainable_variables:
        variable.assign(before[variable.path])

    adamw.apply_gradients([(np.zeros(v.shape, "float32"), v) for v in model.trainable_variables])

    after = {variable.path: np.asarray(variable) for variable in model.trainable_variables}
    changed = {path for path in before if not np.array_equal(after[path], before[path])}
    assert changed == {"dense/kernel"}
