"""The exported model: serialised examples, waveforms or WAV bytes in, labels and scores out."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfx_audio.components.audio.records.examples import SAMPLE_RATE_KEY
from tfx_audio.pipeline.model.exported_facts import write_card
from tfx_audio.pipeline.model.inputs import EXAMPLE_SPEC, SERVING_SPEC
from tfx_audio.pipeline.model.preprocessing import (
    LABEL_ID_KEY,
    WAVEFORM_KEY,
    check_rate,
    normalise_level,
)
from tfx_audio.pipeline.model.wav_bytes import decode_pcm16_wav
from tfx_audio.pipeline.model.windows import spread

SERVING_DEFAULT = "serving_default"
SERVE_WAVEFORM = "waveform"
SERVE_WAV = "wav"
TRANSFORM_FEATURES = "transform_features"
SCORES = "scores"
LABELS = "labels"
LABEL = "label"
SCORE = "score"
PROBLEM = "problem"
HALF_A_STEP = 0.5 / 32768  # of 16 bit: what is below is silence in a WAV file


def clip_scores(
    model: keras.Model, waveforms: tf.RaggedTensor, window: int, max_windows: int
) -> tf.Tensor:
    """Score whole clips: probabilities, averaged over the windows of a clip.

    Args:
      model: From windows to logits.
      waveforms: Ragged float32 ``(clips, (samples))``, level normalised.
      window: Samples of a window.
      max_windows: Windows of a clip at most; 1 for its centre only.

    Returns:
      float32 ``(clips, labels)``; each row sums to 1.
    """
    windows, clip = spread(waveforms, window, max_windows)
    scores = tf.nn.softmax(model(windows, training=False))
    clips = waveforms.nrows(out_type=clip.dtype)
    totals = tf.math.unsorted_segment_sum(scores, clip, clips)
    counts = tf.math.unsorted_segment_sum(tf.ones_like(clip, tf.float32), clip, clips)
    return totals / counts[:, tf.newaxis]


class Exporter:
    """Writes a trained network as a SavedModel.

    Signatures: ``serving_default`` takes serialised examples, ``waveform`` floats of any level and
    length (one length a batch), ``wav`` PCM 16 WAV bytes of any lengths. Each answers with
    ``label`` and ``score`` of the best, ``labels`` and ``scores`` of all, and ``problem``: empty,
    or why a clip can't be judged (``empty``, ``silent``, ``not_finite``); it has no label then.
    ``transform_features`` is for TFX's Evaluator: label ids of serialised examples.

    Args:
      model: From windows to logits.
      transform: Transform's graph as a layer.
      labels: Names, by label id.
      card: Facts about the model, written beside it; `sample_rate`, `window` and `max_windows` are
        read here.
    """

    def __init__(
        self, model: keras.Model, transform: Any, labels: Sequence[str], card: dict[str, Any]
    ) -> None:
        self._model = model
        self._transform = transform
        self._labels = list(labels)
        self._card = {**card, "labels": self._labels}
        self._sample_rate = tf.constant(card["sample_rate"], tf.int64)

    def write(self, directory: str) -> None:
        """Write the SavedModel and `CARD_FILE` in it."""
        archive = keras.export.ExportArchive()
        archive.track(self._model)
        archive.track(self._transform)
        string = tf.TensorSpec([None], tf.string, name="examples")
        floats = tf.TensorSpec([None, None], tf.float32, name="waveform")
        wav = tf.TensorSpec([None], tf.string, name="wav")
        archive.add_endpoint(SERVING_DEFAULT, self.from_examples, [string])
        archive.add_endpoint(SERVE_WAVEFORM, self.from_waveform, [floats])
        archive.add_endpoint(SERVE_WAV, self.from_wav, [wav])
        archive.add_endpoint(TRANSFORM_FEATURES, self.transform_features, [string])
        archive.write_out(directory, verbose=False)
        write_card(directory, self._card)

    def from_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answer for serialised examples; their label is not needed."""
        features = tf.io.parse_example(examples, SERVING_SPEC)
        check_rate(features[SAMPLE_RATE_KEY], self._sample_rate)
        return self._answer(self._transform(features)[WAVEFORM_KEY])

    def from_waveform(self, waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answer for float waveforms at the model's rate, ``(batch, samples)``."""
        return self._answer(tf.RaggedTensor.from_tensor(waveform))

    def from_wav(self, wav: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answer for WAV files' bytes, ``(batch,)``; a header with another rate is an error."""

        def decode_one(one: tf.Tensor) -> tf.Tensor:
            waveform, rate = decode_pcm16_wav(one)
            check_rate(rate, self._sample_rate)
            return waveform

        spec = tf.RaggedTensorSpec([None], tf.float32, ragged_rank=0, row_splits_dtype=tf.int64)
        return self._answer(tf.map_fn(decode_one, wav, fn_output_signature=spec))

    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the label ids of serialised examples, for evaluation."""
        features = self._transform(tf.io.parse_example(examples, EXAMPLE_SPEC))
        return {LABEL_ID_KEY: features[LABEL_ID_KEY]}

    def _answer(self, waveforms: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        """Score clips; one that says nothing gets no label, and the same score for each."""
        problem = self._problems(waveforms)
        values = waveforms.flat_values
        finite = waveforms.with_flat_values(tf.where(tf.math.is_finite(values), values, 0.0))
        scores = clip_scores(
            self._model, normalise_level(finite), self._card["window"], self._card["max_windows"]
        )
        labels, is_fit = tf.constant(self._labels), problem == ""
        scores = tf.where(is_fit[:, tf.newaxis], scores, 1.0 / len(self._labels))
        return {
            LABEL: tf.where(is_fit, tf.gather(labels, tf.argmax(scores, axis=1)), ""),
            SCORE: tf.reduce_max(scores, axis=1),
            PROBLEM: problem,
            LABELS: tf.tile(labels[tf.newaxis, :], [tf.shape(scores)[0], 1]),
            SCORES: scores,
        }

    def _problems(self, waveforms: tf.RaggedTensor) -> tf.Tensor:
        """Return why clips can't be judged: ``empty``, ``not_finite`` or ``silent``; else ""."""
        rows = waveforms.value_rowids()
        clips = waveforms.nrows(out_type=rows.dtype)
        values = waveforms.flat_values
        broken = tf.cast(~tf.math.is_finite(values), tf.float32)
        is_broken = tf.math.unsorted_segment_sum(broken, rows, clips) > 0
        loud = tf.cast(tf.abs(values) > HALF_A_STEP, tf.float32)
        is_silent = tf.math.unsorted_segment_sum(loud, rows, clips) == 0
        is_silent &= not self._card.get("silent_labels")
        problem = tf.where(is_broken, "not_finite", tf.where(is_silent, "silent", ""))
        return tf.where(waveforms.row_lengths() == 0, "empty", problem)
