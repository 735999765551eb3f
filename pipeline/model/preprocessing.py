"""What TensorFlow Transform puts into the graph: decoding, level, labels as integers.

It is fed with the ingested examples, so that a new augmentation policy does not run it again.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_audio.components.audio.records.examples import AUDIO_KEY, LABEL_KEY, SAMPLE_RATE_KEY

WAVEFORM_KEY = "waveform"
LABEL_ID_KEY = "label_id"
VOCABULARY = "labels"
TARGET_PEAK = 0.5
SILENCE_PEAK = 1e-4  # three steps of 16 bit: below this, noise would be raised to full level


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Map an example's features to `WAVEFORM_KEY` and `LABEL_ID_KEY`.

    Args:
      inputs: Raw features; a batch of ``audio``, ``sample_rate``, ``label`` among them.

    Returns:
      ``waveform``: ragged float32 ``(batch, (samples))``, peak `TARGET_PEAK`; ``label_id``: int64
      ``(batch,)``, an index into the vocabulary `VOCABULARY`, -1 for an unknown label.
    """
    waveform = decode(_flat(inputs[AUDIO_KEY]), _flat(inputs[SAMPLE_RATE_KEY]))
    label_id = tft.compute_and_apply_vocabulary(
        _flat(inputs[LABEL_KEY]), vocab_filename=VOCABULARY, num_oov_buckets=0, default_value=-1
    )
    return {WAVEFORM_KEY: normalise_level(waveform), LABEL_ID_KEY: label_id}


def decode(wav: tf.Tensor, sample_rate: tf.Tensor) -> tf.RaggedTensor:
    """Decode PCM 16 WAV bytes to waveforms, averaging channels.

    A header with another rate is an error of the graph: its sound would be read at a wrong speed.

    Args:
      wav: string, ``(batch,)``.
      sample_rate: The rates that the headers must state, int64 ``(batch,)``.

    Returns:
      Ragged float32 ``(batch, (samples))``.
    """

    def decode_one(one: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        audio, rate = tf.audio.decode_wav(one[0])
        check_rate(tf.cast(rate, tf.int64), one[1])
        return tf.reduce_mean(audio, axis=1)

    spec = tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0, row_splits_dtype=tf.int64)
    return tf.map_fn(decode_one, (wav, sample_rate), fn_output_signature=spec)


def check_rate(came: tf.Tensor, expected: Any) -> None:
    """Make the graph fail where a sample rate is not the expected one."""
    tf.debugging.assert_equal(
        came, expected, message="the sound has another sample rate than expected; resample it first"
    )


def normalise_level(waveforms: tf.RaggedTensor) -> tf.RaggedTensor:
    """Scale each clip to a peak of `TARGET_PEAK`; leave a silent one as it is."""
    peak = tf.maximum(tf.reduce_max(tf.abs(waveforms), axis=1), 0.0)  # an empty row has -inf
    gain = tf.where(peak > SILENCE_PEAK, TARGET_PEAK / tf.maximum(peak, SILENCE_PEAK), 1.0)
    values = waveforms.flat_values * tf.gather(gain, waveforms.value_rowids())
    return waveforms.with_flat_values(values)


def _flat(feature: Any) -> tf.Tensor:
    """Return one value an example, ``(batch,)``, of a dense or sparse feature."""
    if isinstance(feature, tf.SparseTensor):
        feature = tf.sparse.to_dense(feature)
    return tf.reshape(feature, [-1])
