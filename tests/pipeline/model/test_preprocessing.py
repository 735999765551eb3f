"""Decoding, level and rate checks of the transform graph."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.pipeline.model.inputs import EXAMPLE_SPEC, read_examples
from tfx_audio.pipeline.model.preprocessing import decode, normalise_level


def rates(*values):
    return tf.constant(values, tf.int64)


def test_decodes_clips_of_different_lengths_exactly():
    first = np.array([0.0, 0.5, -0.5, 32767 / 32768], "float32")
    second = np.array([-1.0], "float32")
    wavs = tf.constant([encode_wav(first, 8000), encode_wav(second, 8000)])

    waveforms = decode(wavs, rates(8000, 8000))

    np.testing.assert_array_equal(waveforms[0], first)
    np.testing.assert_array_equal(waveforms[1], second)


def test_averages_channels():
    stereo = np.array([[0.5, 0.25], [0.0, -0.25]], "float32")

    waveforms = decode(tf.constant([encode_wav(stereo, 8000)]), rates(8000))

    np.testing.assert_array_equal(waveforms[0], [0.25, 0.0])


def test_another_rate_in_the_header_is_an_error_of_the_graph():
    call = tf.function(decode)
    wavs = tf.constant([encode_wav(np.zeros(4, "float32"), rate) for rate in (8000, 16000)])

    with pytest.raises(tf.errors.InvalidArgumentError, match="another sample rate"):
        call(wavs, rates(8000, 8000))


def test_scales_each_clip_to_one_peak_and_leaves_silence():
    clips = tf.ragged.constant([[0.1, -0.2], [0.9], [0.00005], [], [0.0]], dtype=tf.float32)

    levelled = normalise_level(clips)

    np.testing.assert_allclose(levelled.flat_values, [0.25, -0.5, 0.5, 0.00005, 0.0], rtol=1e-6)
    assert levelled.row_lengths().numpy().tolist() == [2, 1, 1, 0, 1]


def test_the_graph_maps_labels_to_ids_and_unknown_ones_to_minus_one(transform_layer, data_set):
    parsed = tf.io.parse_example(list(read_examples([data_set.evaluation])), EXAMPLE_SPEC)
    labels = tf.concat([parsed["label"][:3], [b"never heard"]], axis=0)
    features = {key: value[:4] for key, value in parsed.items()} | {"label": labels}

    transformed = transform_layer(features)

    ids = transformed["label_id"].numpy().ravel().tolist()
    assert sorted(ids) == [-1, 0, 1, 2]
    assert ids[-1] == -1
    peaks = tf.reduce_max(tf.abs(transformed["waveform"]), axis=1)
    np.testing.assert_allclose(peaks, 0.5, rtol=1e-5)
