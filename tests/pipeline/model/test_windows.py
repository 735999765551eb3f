"""Windows out of clips: where they start, what surrounds them, how many there are."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.pipeline.model.windows import place, place_clip, spread

CLIPS = tf.ragged.constant([[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0], []], dtype=tf.float32)


@pytest.mark.parametrize(
    ("position", "long", "short"),
    [(0.0, [1, 2, 3], [6, 7, 0]), (0.5, [2, 3, 4], [6, 7, 0]), (1.0, [3, 4, 5], [0, 6, 7])],
)
def test_places_a_window_in_a_clip_or_a_clip_in_a_window(position, long, short):
    windows = place(CLIPS, [position] * 3, 3)

    np.testing.assert_array_equal(windows, [long, short, [0, 0, 0]])


def test_a_window_of_the_clips_length_is_the_clip():
    np.testing.assert_array_equal(place(CLIPS[:1], [0.3], 5), [[1, 2, 3, 4, 5]])


def test_spreads_overlapping_windows_evenly_from_start_to_end():
    clips = tf.ragged.constant([[9.0], list(map(float, range(10)))], dtype=tf.float32)

    windows, clip = spread(clips, window=4, max_windows=8)

    np.testing.assert_array_equal(clip, [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(windows[:, 0], [0, 0, 2, 4, 6])  # every 2, half a window
    np.testing.assert_array_equal(windows[0], [0, 0, 9, 0])
    np.testing.assert_array_equal(windows[-1], [6, 7, 8, 9])


def test_never_leaves_out_a_sample():
    for samples in range(1, 40):
        clips = tf.RaggedTensor.from_tensor(tf.range(1.0, samples + 1)[tf.newaxis])
        windows, _ = spread(clips, window=5, max_windows=99)
        assert set(range(1, samples + 1)) <= set(np.ravel(windows).astype(int))


def test_bounds_the_number_of_windows_and_one_is_the_centre():
    clips = tf.RaggedTensor.from_tensor(tf.range(100.0)[tf.newaxis])

    windows, _ = spread(clips, window=4, max_windows=3)
    centre, _ = spread(clips, window=4, max_windows=1)

    np.testing.assert_array_equal(windows[:, 0], [0, 48, 96])
    np.testing.assert_array_equal(centre, [[48, 49, 50, 51]])


@pytest.mark.parametrize("samples", [1, 5, 9, 10, 11, 25])
@pytest.mark.parametrize("position", [0.0, 0.3, 0.5, 1.0])
def test_one_clip_is_placed_as_in_a_batch(samples, position):
    waveform = np.arange(1.0, samples + 1, dtype=np.float32)
    ragged = tf.RaggedTensor.from_row_lengths(waveform, [samples])
    expected = place(ragged, tf.constant([position]), 10)[0]
    np.testing.assert_array_equal(place_clip(tf.constant(waveform), position, 10), expected)
