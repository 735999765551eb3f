"""SpecAugment: exact masks, the paper's distributions, identity, and every way to carry it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.features import POLICIES
from tfx_audio.pipeline.model.spec_augment import Spans, SpecAugment, apply_masks, spans_of


def spans(start, width):
    return Spans(np.array(start, "int32"), np.array(width, "int32"))


def test_masks_exactly_the_given_spans():
    log_mel = np.ones((2, 6, 5, 1), "float32")
    freq = spans([[1], [4]], [[2], [0]])
    time = spans([[0, 4], [2, 2]], [[1, 2], [3, 0]])

    masked = np.asarray(apply_masks(log_mel, freq, time, mask_value=-7.0))[..., 0]

    expected = np.ones((2, 6, 5), "float32")
    expected[0, :, 1:3] = -7.0
    expected[0, 0, :] = expected[0, 4:6, :] = -7.0
    expected[1, 2:5, :] = -7.0
    np.testing.assert_array_equal(masked, expected)


def test_spans_follow_from_uniform_draws():
    draws = np.array([[[0.0, 0.49, 0.999999]], [[0.0, 0.5, 0.999999]]], "float32")

    found = spans_of(draws, size=10, longest=3)

    np.testing.assert_array_equal(found.width, [[0, 1, 3]])  # 0..3, each a quarter of [0, 1)
    np.testing.assert_array_equal(found.start, [[0, 4, 6]])  # 0..size - width - 1


def test_widths_and_starts_are_distributed_as_in_the_paper():
    layer = SpecAugment(freq_mask_param=7, time_mask_param=30, max_time_fraction=0.2, seed=3)

    freq, time = layer.draw(10_000, 100, 16)

    counts = np.bincount(np.ravel(freq.width), minlength=8)
    assert len(counts) == 8  # 0..F inclusive
    assert np.sum((counts - 1250) ** 2 / 1250) < 24.3  # chi-squared, 7 degrees, p = 0.001
    longest = np.bincount(np.ravel(time.width), minlength=21)
    assert len(longest) == 21  # bounded by p·τ = 20, below T = 30
    assert np.sum((longest - 10_000 / 21) ** 2 / (10_000 / 21)) < 45.3  # 20 degrees, p = 0.001
    widest = np.ravel(freq.start)[np.ravel(freq.width) == 7]
    assert (widest.min(), widest.max()) == (0, 8)  # [0, ν - f) with ν = 16, f = 7
    starts = np.bincount(widest, minlength=9)
    assert np.sum((starts - widest.size / 9) ** 2 / (widest.size / 9)) < 26.1  # 8 degrees


@pytest.mark.parametrize(("frames", "widest"), [(99, 19), (4, 0), (1000, 30)])
def test_the_widest_time_mask_is_p_times_the_frames_rounded_down_and_at_most_t(frames, widest):
    layer = SpecAugment(freq_mask_param=1, time_mask_param=30, max_time_fraction=0.2, seed=3)

    _, time = layer.draw(5000, frames, 16)

    assert np.max(time.width) == widest  # 0.2 · 99 = 19.8


def test_every_example_and_mask_is_drawn_apart():
    freq, time = SpecAugment(20, 20, 2, 2, seed=1).draw(64, 500, 128)

    for drawn in (freq.start, freq.width, time.start, time.width):
        columns = np.asarray(drawn)
        assert columns.shape == (64, 2)
        assert len(np.unique(columns[:, 0])) > 10
        assert not np.array_equal(columns[:, 0], columns[:, 1])


@pytest.mark.parametrize("training", [False, None])
def test_is_the_identity_outside_training(training):
    log_mel = np.random.default_rng(0).normal(size=(2, 20, 10, 1)).astype("float32")

    out = SpecAugment(5, 5, seed=1)(log_mel, training=training)

    np.testing.assert_array_equal(out, log_mel)


def test_masks_become_the_mask_value_and_the_rest_stays():
    log_mel = np.full((8, 40, 20, 1), 3.0, "float32")

    out = np.asarray(SpecAugment(10, 10, 2, 2, seed=5)(log_mel, training=True))

    assert set(np.unique(out)) == {0.0, 3.0}
    masked = out[..., 0] == 0
    whole = masked.all(axis=1, keepdims=True) | masked.all(axis=2, keepdims=True)
    np.testing.assert_array_equal(masked, whole & np.ones_like(masked))  # whole rows and columns


@pytest.mark.parametrize("name", POLICIES)
def test_policies_of_the_paper_by_name(name):
    assert SpecAugment.from_policy(name).params == POLICIES[name]


def test_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="LB, LD, SM, SS"):
        SpecAugment.from_policy("XL")
    with pytest.raises(ValueError, match="n_freq_masks must be at least 0"):
        SpecAugment(1, 1, n_freq_masks=-1)
    with pytest.raises(ValueError, match=r"max_time_fraction .*1.01"):
        SpecAugment(1, 1, max_time_fraction=1.01)


def test_masks_wider_than_the_spectrogram_are_bounded_by_it():
    out = np.asarray(SpecAugment(27, 100, seed=2)(np.ones((50, 4, 3, 1), "float32"), training=True))

    assert out.shape == (50, 4, 3, 1)
    assert 0 < (out == 0).mean() < 1


def test_compiled_masks_are_those_of_the_same_draws():
    """XLA has a random generator of its own, so that only what follows the draws is the same."""
    draws = np.random.default_rng(0).uniform(size=(2, 4, 2)).astype("float32")

    def mask(log_mel, draws):
        freq, time = spans_of(draws, 20, 8), spans_of(1 - draws, 30, 8)
        return apply_masks(log_mel, freq, time)

    log_mel = np.ones((4, 30, 20, 1), "float32")
    compiled = tf.function(mask, jit_compile=True)(log_mel, draws)
    np.testing.assert_array_equal(compiled, mask(log_mel, draws))


def test_works_compiled_and_draws_anew_for_each_call():
    layer = SpecAugment(8, 8, seed=4)
    call = tf.function(lambda x: layer(x, training=True), jit_compile=True)

    first, second = (call(np.ones((4, 30, 20, 1), "float32")).numpy() for _ in range(2))

    assert set(np.unique(first)) == {0.0, 1.0}
    assert not np.array_equal(first, second)


def test_works_in_tf_data_and_draws_anew_for_each_batch():
    layer = SpecAugment(8, 8, seed=4)
    batches = tf.data.Dataset.from_tensors(np.ones((4, 30, 20), "float32")).repeat(3)

    out = [batch.numpy() for batch in batches.map(lambda x: layer(x, training=True))]

    assert all((batch == 0).any() for batch in out)
    assert not np.array_equal(out[0], out[1])


def test_keeps_half_precision():
    layer = SpecAugment(8, 8, seed=4, dtype="mixed_float16")

    out = layer(np.ones((4, 30, 20, 1), "float16"), training=True)

    assert out.dtype == tf.float16
    full = SpecAugment(8, 8, seed=4)(np.ones((4, 30, 20, 1), "float32"), training=True)
    np.testing.assert_array_equal(np.asarray(out, "float32"), full)


def two_layer_model():
    inputs = keras.Input((30, 20, 1))
    x = SpecAugment(8, 8, seed=1)(inputs)
    return keras.Model(inputs, SpecAugment(4, 4, 2, 2, mask_value=0.5, seed=2)(x))


def test_twice_in_one_model_and_saved_as_keras(tmp_path):
    model = two_layer_model()
    model.save(tmp_path / "model.keras")

    loaded = keras.saving.load_model(tmp_path / "model.keras")

    log_mel = np.ones((3, 30, 20, 1), "float32")
    np.testing.assert_array_equal(loaded(log_mel), log_mel)
    np.testing.assert_array_equal(loaded(log_mel, training=True), model(log_mel, training=True))
    configs = [layer.get_config() for layer in loaded.layers[1:]]
    assert [config["mask_value"] for config in configs] == [0.0, 0.5]


def test_saved_model_is_the_identity(tmp_path):
    two_layer_model().export(tmp_path / "saved", verbose=False)

    served = tf.saved_model.load(str(tmp_path / "saved")).serve

    log_mel = np.random.default_rng(0).normal(size=(3, 30, 20, 1)).astype("float32")
    np.testing.assert_array_equal(served(log_mel), log_mel)
