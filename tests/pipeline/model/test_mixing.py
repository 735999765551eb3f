"""Label mixing: who is mixed with whom, by which ratio, and what comes out."""

import keras
import numpy as np
import pytest

from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.mixing import (
    BETWEEN_CLASS,
    MIXUP,
    MixtureClassifier,
    loudest_rms,
    mixing_draws,
    mixtures,
)
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.training import compile_for_training, for_mixing

LABELS = np.eye(2, dtype="float32")
LEVEL_WINDOW = 4


def mix(windows, kind, ratio):
    """Mix two windows with each other."""
    windows = np.asarray(windows, "float32")
    ratio = np.full(2, ratio, "float32")
    mixed = mixtures(windows, LABELS, np.array([1, 0]), ratio, kind, LEVEL_WINDOW)
    return tuple(np.asarray(part) for part in mixed)


def test_mixup_is_the_weighted_mean_of_windows_and_labels():
    windows, labels = mix([[0.4] * 8, [-0.8] * 8], MIXUP, 0.75)

    np.testing.assert_allclose(windows[:, 0], [0.75 * 0.4 - 0.25 * 0.8, 0.25 * 0.4 - 0.75 * 0.8])
    np.testing.assert_allclose(labels, [[0.75, 0.25], [0.25, 0.75]])


def test_between_classes_the_quieter_one_is_raised_until_the_levels_have_the_ratio():
    loud, quiet = [0.4] * 8, [0.1] * 8

    windows, labels = mix([loud, quiet], BETWEEN_CLASS, 0.5)

    # Levels 4:1, so amplitudes 1:4 make them as loud as each other: p = 0.2 and 0.8. The sum of
    # uncorrelated sounds has the energy p² + (1 - p)² = 0.68.
    expected = (0.2 * 0.4 + 0.8 * 0.1) / np.sqrt(0.68)
    np.testing.assert_allclose(windows, expected, rtol=1e-4)
    np.testing.assert_allclose(labels, 0.5)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
@pytest.mark.parametrize("kind", [MIXUP, BETWEEN_CLASS])
def test_at_the_ends_a_clip_is_alone(kind, ratio):
    clips = np.array([[0.4] * 8, [0.1] * 8], "float32")

    windows, labels = mix(clips, kind, ratio)

    order = [0, 1] if ratio else [1, 0]
    np.testing.assert_allclose(windows, clips[order], rtol=1e-6)
    np.testing.assert_allclose(labels, LABELS[order])


def test_silence_is_mixed_without_a_division_by_zero():
    windows, labels = mix([[0.0] * 8, [0.0] * 8], BETWEEN_CLASS, 0.25)

    np.testing.assert_array_equal(windows, 0)
    np.testing.assert_allclose(labels, [[0.25, 0.75], [0.75, 0.25]])


def test_the_level_is_that_of_the_loudest_piece():
    windows = np.zeros((1, 10), "float32")
    windows[0, 4:6] = 0.5

    np.testing.assert_allclose(loudest_rms(windows, LEVEL_WINDOW), [0.5 * np.sqrt(2 / 4)])


def test_nobody_is_its_own_partner_and_all_others_are():
    draws = [mixing_draws(1, step, 5) for step in range(200)]

    partner = np.stack([np.asarray(partner) for partner, _ in draws])
    ratio = np.stack([np.asarray(ratio) for _, ratio in draws])
    for place in range(5):
        assert set(partner[:, place]) == {0, 1, 2, 3, 4} - {place}
    assert ratio.min() > 0
    assert ratio.max() <= 1
    assert ratio.mean() == pytest.approx(0.5, abs=0.03)  # 1,000 draws: standard error 0.009
    assert [int(place) for place in mixing_draws(1, 0, 1)[0]] == [0]


def test_draws_follow_from_seed_and_step_alone():
    first = mixing_draws(3, 17, 8)
    np.testing.assert_array_equal(mixing_draws(3, 17, 8)[1], first[1])

    for seed, step in ((3, 18), (4, 17)):
        assert not np.array_equal(mixing_draws(seed, step, 8)[1], first[1])


@pytest.mark.parametrize("kind", [MIXUP, BETWEEN_CLASS])
def test_a_step_is_a_plain_step_on_the_mixtures_of_its_number(kind):
    rng = np.random.default_rng(0)
    windows = rng.normal(0, 0.1, (6, 800)).astype("float32")
    labels = np.eye(3, dtype="float32")[np.arange(6) % 3]
    config = TrainConfig(mixing=kind, seed=5, learning_rate=0.01)
    model_config = ModelConfig.model_validate({"dropout": 0, "spec_augment": {"policy": "none"}})

    def network(mixing):
        model = build_classifier(model_config, 8000, 800, 3, seed=5)
        model = for_mixing(model, config.model_copy(update={"mixing": mixing}), 8000)
        compile_for_training(model, config, steps=10)
        return model

    plain, mixing = network("none"), network(kind)
    assert isinstance(mixing, MixtureClassifier)
    assert not isinstance(plain, MixtureClassifier)
    for step in range(3):
        partner, ratio = mixing_draws(5, step, 6)
        plain.train_on_batch(*mixtures(windows, labels, partner, ratio, kind, 800))
        mixing.train_on_batch(windows, labels)

    for weight, expected in zip(mixing.weights, plain.weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)
    np.testing.assert_allclose(
        mixing.predict(windows, verbose=0), plain.predict(windows, verbose=0), atol=1e-4
    )


def test_accuracy_of_a_mixture_is_that_of_its_larger_part():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("linear")])
    compile_for_training(model, TrainConfig(), steps=10)
    logits = np.array([[2.0, 0.0], [0.0, 2.0]], "float32")

    accuracy = model.evaluate(logits, np.array([[0.7, 0.3], [0.6, 0.4]]), verbose=0)[1]

    assert accuracy == 0.5
