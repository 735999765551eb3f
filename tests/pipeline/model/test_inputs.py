"""tf.data: what comes out, in which order, the same again after a resume."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.records.examples import DURATION_KEY
from tfx_audio.pipeline.model.inputs import (
    Batching,
    cached,
    count,
    decoded_clips,
    eval_batches,
    fresh_batches,
    fresh_clips,
    read_examples,
    training_batches,
    window_for,
)

BATCHING = Batching(batch_size=4, window=12, num_labels=3, seed=7)
POLICY = "seed: 1\ncopies_per_clip: 1\ntransforms:\n  - {name: PolarityInversion, p: 1.0}\n"


@pytest.fixture
def clips():
    """Ten clips of 5 to 14 samples; every sample of clip i is i + 1."""

    def generate():
        for i in range(10):
            yield np.full(5 + i, i + 1.0, "float32"), i % 3

    spec = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int64))
    return tf.data.Dataset.from_generator(generate, output_signature=spec)


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="no TFRecord file matches"):
        read_examples([str(tmp_path / "*")])


def test_decodes_every_example_through_the_transform_graph(data_set, transform_layer):
    clips = decoded_clips(read_examples([data_set.evaluation]), transform_layer)

    elements = list(clips)

    assert len(elements) == count(clips) == 24
    assert all(waveform.shape.rank == 1 for waveform, _ in elements)
    assert all(1600 <= len(waveform) <= 4000 for waveform, _ in elements)
    assert sorted({int(label) for _, label in elements}) == [0, 1, 2]


@pytest.mark.parametrize("where", ["memory", "disk", "off"])
def test_a_cache_changes_nothing(clips, where, tmp_path):
    kept = cached(clips, where, str(tmp_path / "cache"))

    for _ in range(2):
        assert [len(waveform) for waveform, _ in kept] == list(range(5, 15))
    assert any(tmp_path.iterdir()) == (where == "disk")


def test_windows_hold_the_clips_and_labels_are_one_hot(clips):
    batches = list(training_batches(clips, BATCHING, 0, 2, steps_per_epoch=3))

    assert len(batches) == 6
    for windows, one_hot in batches:
        assert windows.shape == (4, 12)
        clip = np.max(windows, axis=1).astype(int) - 1
        np.testing.assert_array_equal(np.argmax(one_hot, axis=1), clip % 3)
        np.testing.assert_array_equal((windows.numpy() > 0).sum(axis=1), np.minimum(clip + 5, 12))


def test_an_epoch_shuffles_and_places_anew(clips):
    batches = [windows.numpy() for windows, _ in training_batches(clips, BATCHING, 0, 2, 2)]

    assert not np.array_equal(np.max(batches[0], axis=1), np.max(batches[2], axis=1))
    starts = np.concatenate([np.argmax(windows > 0, axis=1) for windows in batches])
    assert len(set(starts)) > 2


def starts_of(batches):
    """Return where each window starts in its clip, whose samples count up from 0."""
    return np.stack([windows.numpy()[:, 0].astype(int) for windows, _ in batches])


def test_a_position_is_drawn_for_every_step_and_place():
    counting = tf.data.Dataset.from_tensors((np.arange(1012, dtype="float32"), np.int64(0)))

    starts = starts_of(training_batches(counting, BATCHING, 0, 3, steps_per_epoch=5))

    draws = [tf.random.stateless_uniform([4], [BATCHING.seed, step]) for step in range(15)]
    np.testing.assert_array_equal(starts, np.round(np.stack(draws) * 1000))
    assert len(set(starts.ravel())) > 50  # of 60


def test_fresh_batches_go_on_with_the_positions_of_their_steps():
    counting = tf.data.Dataset.from_tensors((np.arange(1012, dtype="float32"), np.int64(0)))

    whole = starts_of(training_batches(counting, BATCHING, 0, 3, steps_per_epoch=2))
    rest = starts_of(fresh_batches(counting.repeat(), BATCHING, 1, 3, steps_per_epoch=2))

    np.testing.assert_array_equal(rest, whole[2:])


@pytest.mark.parametrize("global_seed", [0, 5])
def test_the_order_follows_from_its_own_seed_alone(clips, global_seed):
    expected = [windows.numpy() for windows, _ in training_batches(clips, BATCHING, 0, 1, 2)]
    tf.random.set_seed(global_seed)

    again = [windows.numpy() for windows, _ in training_batches(clips, BATCHING, 0, 1, 2)]

    np.testing.assert_array_equal(again, expected)


def test_a_resumed_training_sees_what_it_would_have_seen(clips):
    whole = list(training_batches(clips, BATCHING, 0, 4, steps_per_epoch=2))
    rest = list(training_batches(clips, BATCHING, 2, 4, steps_per_epoch=2))

    assert len(rest) == 4
    for (expected, _), (windows, _) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(windows, expected)


def test_eval_keeps_order_and_whole_clips(clips):
    batches = list(eval_batches(clips, 4))

    lengths = np.concatenate([waveforms.row_lengths() for waveforms, _ in batches])
    np.testing.assert_array_equal(lengths, np.arange(5, 15))


def test_the_window_is_the_95th_percentile_of_the_durations(data_set):
    examples = read_examples([data_set.train])

    assert window_for(examples) == pytest.approx(0.5)


def test_fresh_clips_are_augmented_in_every_pass(data_set, transform_layer):
    examples = read_examples([data_set.evaluation]).take(4)
    originals = {len(w): w.numpy() for w, _ in decoded_clips(examples, transform_layer)}
    policy = parse_policy(POLICY)

    fresh = fresh_clips(examples, transform_layer, policy, seed=1)(0).take(8)

    waveforms = [waveform.numpy() for waveform, _ in fresh]
    assert sorted(map(len, waveforms)) == sorted([*originals, *originals])
    for waveform in waveforms:
        np.testing.assert_allclose(waveform, -originals[len(waveform)], atol=1e-4)


def test_fresh_batches_end_with_the_last_epoch(clips):
    batches = list(fresh_batches(clips.repeat(), BATCHING, 1, 3, steps_per_epoch=2))

    assert [windows.shape for windows, _ in batches] == [(4, 12)] * 4


@pytest.mark.parametrize(("duration_s", "window_s"), [(0.05, 0.2), (0.41, 0.5), (60.0, 10.0)])
def test_the_window_has_bounds_and_is_rounded_up(duration_s, window_s):
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=[duration_s]))
    example = tf.train.Example(features=tf.train.Features(feature={DURATION_KEY: feature}))

    examples = tf.data.Dataset.from_tensors(example.SerializeToString())

    assert window_for(examples) == pytest.approx(window_s)


def test_a_seed_of_0_shuffles_too(clips):
    batches = list(training_batches(clips, BATCHING._replace(seed=0), 0, 2, steps_per_epoch=2))

    first, second = (np.max(batches[step][0], axis=1) for step in (0, 2))
    assert not np.array_equal(first, second)
