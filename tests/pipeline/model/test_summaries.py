"""What TensorBoard gets."""

import numpy as np
import tensorflow as tf

from tfx_audio.pipeline.model.config import ModelConfig, SpecAugmentConfig
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.summaries import (
    Summaries,
    as_pictures,
    draw_confusion,
    spectrograms,
    write_confusion,
)

WINDOWS = np.random.default_rng(0).normal(0, 0.1, (3, 3200)).astype("float32")


def events(directory):
    found = {}
    for file in directory.glob("events*"):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.tensor))
    return found


def test_shows_the_spectrograms_before_and_after_the_masks():
    masks = SpecAugmentConfig(policy="LD")
    model = build_classifier(ModelConfig(spec_augment=masks), 8000, 3200, 3, seed=1)
    state = np.asarray(model.get_layer("spec_augment").seed_generator.state)

    before, after = spectrograms(model, WINDOWS)

    changed = before != after
    assert changed.any()
    assert (after[changed] == 0).all()
    np.testing.assert_array_equal(model.get_layer("spec_augment").seed_generator.state, state)


def test_low_frequencies_are_at_the_bottom():
    log_mel = np.zeros((1, 4, 3, 1))
    log_mel[0, :, 0, 0] = 2.5  # the lowest band is loud

    pictures = as_pictures(log_mel)

    assert pictures.shape == (1, 3, 4, 1)
    np.testing.assert_allclose(pictures[0, :, 0, 0], [0.5, 0.5, 1.0])


def test_writes_numbers_and_pictures(tmp_path):
    model = build_classifier(ModelConfig(), 8000, 3200, 3, seed=1)
    model.compile("adam", "mse")
    callback = Summaries(str(tmp_path), WINDOWS)
    callback.set_model(model)

    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 0.5, "eval_accuracy": 0.75})
    write_confusion(str(tmp_path), np.eye(3, dtype=int), ["a", "b", "c"], 1, "confusion on eval")

    found = events(tmp_path)
    assert {"log-mel before SpecAugment", "log-mel after SpecAugment"} <= set(found)
    [(step, accuracy)] = found["eval_accuracy"]
    assert (step, tf.make_ndarray(accuracy)) == (1, 0.75)
    assert tf.make_ndarray(found["learning_rate"][0][1]) > 0
    [(_, picture)] = found["confusion on eval"]
    assert picture.string_val[2].startswith(b"\x89PNG")


def test_the_confusion_matrix_names_labels_and_counts():
    axes = draw_confusion(np.array([[3, 1], [0, 2]]), ["cat", "dog"]).axes[0]

    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "3"),
        ((1, 0), "1"),
        ((1, 1), "2"),
    }
