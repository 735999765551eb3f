"""The backbone: sizes by name, pre-activation, swapping it."""

import keras
import numpy as np
import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.model.resnet import SPECS, ResNetSpec, get_backbone, resnet


def build(spec, shape=(80, 40, 1)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, resnet(inputs, spec))


@pytest.mark.parametrize(
    ("name", "features", "parameters"),
    [("resnet_small", 64, 77_392), ("resnet_medium", 128, 696_224), ("resnet18", 512, 11_173_696)],
)
def test_sizes_by_name(name, features, parameters):
    model = build(SPECS[name])

    assert model.output_shape == (None, features)
    assert model.count_params() == parameters


def test_halves_time_and_frequency_at_the_stem_and_at_each_later_stage():
    model = build(ResNetSpec(4, (2, 2), (4, 8, 16), (1, 2, 1)))

    shapes = [model.get_layer(f"stage{stage}_block0_add").output.shape[1:3] for stage in range(3)]
    assert [tuple(shape) for shape in shapes] == [(40, 20), (20, 10), (10, 5)]


def test_the_shortcut_carries_the_input_where_shapes_agree():
    """With the block's last convolution at zero the block is the identity (He et al. 2016)."""
    model = build(ResNetSpec(4, (1, 1), (4,), (1,)), shape=(6, 6, 1))
    last = model.get_layer("stage0_block0_conv2")
    last.set_weights([np.zeros_like(last.get_weights()[0])])
    block = keras.Model(
        model.inputs, [model.get_layer("stem").output, model.get_layer("stage0_block0_add").output]
    )

    stem, added = block(np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype("float32"))

    np.testing.assert_array_equal(stem, added)


def test_takes_a_function_of_ones_own():
    backbone = get_backbone("keras.ops:sum")

    assert backbone is keras.ops.sum


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet_smal", "Did you mean 'resnet_small'"),
        ("no_such_module:build", "can't be imported"),
        ("keras.ops:nothing", "can't be imported"),
    ],
)
def test_names_what_it_can_not_find(name, message):
    with pytest.raises(InvalidInput, match=message):
        get_backbone(name)
