"""tf.data: examples through the transform graph, cached, placed in windows, prefetched."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import (
    AUDIO_KEY,
    DURATION_KEY,
    LABEL_KEY,
    SAMPLE_RATE_KEY,
)
from tfx_audio.pipeline.model.on_the_fly import augment_dataset
from tfx_audio.pipeline.model.preprocessing import LABEL_ID_KEY, WAVEFORM_KEY
from tfx_audio.pipeline.model.windows import place_clip

PARSE_BATCH = 64
SHUFFLE_CLIPS = 20_000
PLACING_THREADS = 2  # a clip takes little time: with more threads, handing over takes more
SHORTEST_WINDOW_S = 0.2
LONGEST_WINDOW_S = 10.0

EXAMPLE_SPEC = {
    AUDIO_KEY: tf.io.FixedLenFeature([], tf.string),
    SAMPLE_RATE_KEY: tf.io.FixedLenFeature([], tf.int64),
    LABEL_KEY: tf.io.FixedLenFeature([], tf.string),
}
SERVING_SPEC = {key: spec for key, spec in EXAMPLE_SPEC.items() if key != LABEL_KEY}

TransformFn = Callable[[dict[str, Any]], dict[str, Any]]


class Batching(NamedTuple):
    """How training batches are drawn; everything random follows from `seed`."""

    batch_size: int
    window: int
    num_labels: int
    seed: int


def read_examples(patterns: Sequence[str]) -> tf.data.Dataset:
    """Return serialised examples of all files that match, in the order of the file names.

    Raises:
      InvalidInput: If no file matches.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not files:
        raise InvalidInput(f"no TFRecord file matches {', '.join(patterns)}")
    return tf.data.TFRecordDataset(files, num_parallel_reads=None)


def decoded_clips(examples: tf.data.Dataset, transform: TransformFn) -> tf.data.Dataset:
    """Put serialised examples through the transform graph.

    Args:
      examples: Serialised examples.
      transform: The graph of Transform, features in, features out.

    Returns:
      Elements ``(waveform, label_id)``: float32 ``(samples,)``, int64 scalar.
    """

    def decode(serialized: Any) -> tuple[Any, Any]:
        features = transform(tf.io.parse_example(serialized, EXAMPLE_SPEC))
        return features[WAVEFORM_KEY], tf.reshape(features[LABEL_ID_KEY], [-1])

    batches = examples.batch(PARSE_BATCH)
    clips = batches.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return clips.unbatch().map(_dense)


def _dense(waveform: Any, label_id: Any) -> tuple[Any, Any]:
    """Make the elements of an unbatched ragged tensor plain tensors."""
    if isinstance(waveform, tf.RaggedTensor):
        waveform = waveform.flat_values
    return tf.ensure_shape(waveform, [None]), label_id


def cached(clips: tf.data.Dataset, where: str, file: str = "") -> tf.data.Dataset:
    """Keep clips for the next epoch: in ``memory``, on ``disk`` in `file`, or ``off``."""
    if where == "off":
        return clips
    return clips.cache(file if where == "disk" else "")


def fresh_clips(
    examples: tf.data.Dataset, transform: TransformFn, policy: AugmentationPolicy, seed: int
) -> Callable[[int], tf.data.Dataset]:
    """Return what makes an endless stream of clips whose originals are augmented anew each pass.

    These copies differ from the written ones: their numbers go on after them.

    Args:
      examples: Serialised examples; written copies among them pass as they are.
      transform: The graph of Transform.
      policy: What is done to the originals; it names no sound banks.
      seed: Seed of the order.

    Returns:
      A function from the number of the first pass to elements (waveform, label id).
    """
    kept = examples.cache()

    def from_pass(first_pass: int) -> tf.data.Dataset:
        copies = augment_dataset(
            kept.shuffle(SHUFFLE_CLIPS, seed=seed + first_pass),
            policy,
            first_epoch=first_pass,
            first_copy=policy.copies_per_clip + 1,
        )
        return decoded_clips(copies, transform)

    return from_pass


def fresh_batches(
    clips: tf.data.Dataset, batching: Batching, first_epoch: int, epochs: int, steps_per_epoch: int
) -> tf.data.Dataset:
    """Return batches as `training_batches` does, from an endless stream in the order it comes."""
    first_step, steps = first_epoch * steps_per_epoch, epochs * steps_per_epoch
    batches = _placed_batches(clips, batching, first_step, steps - first_step)
    return batches.prefetch(tf.data.AUTOTUNE)


def training_batches(
    clips: tf.data.Dataset, batching: Batching, first_epoch: int, epochs: int, steps_per_epoch: int
) -> tf.data.Dataset:
    """Return shuffled batches of randomly placed windows with one-hot labels.

    What an epoch holds follows from the seed and its number alone, so that a resumed training
    sees what an uninterrupted one would have seen.

    Args:
      clips: Elements ``(waveform, label_id)``.
      batching: Sizes and seed.
      first_epoch: Number of the first epoch.
      epochs: Epochs in all, those before `first_epoch` included.
      steps_per_epoch: Batches of each epoch.

    Returns:
      Elements ``(windows, one_hot)``: ``(batch, window)``, ``(batch, labels)``, float32.
    """

    def one_epoch(epoch: Any) -> tf.data.Dataset:
        # This graph's own seed, not Keras's: with a global seed of 0 `shuffle` takes no tensor.
        tf.compat.v1.set_random_seed(batching.seed + 1)
        order = clips.shuffle(SHUFFLE_CLIPS, seed=batching.seed * 1_000_003 + epoch).repeat()
        return _placed_batches(order, batching, epoch * steps_per_epoch, steps_per_epoch)

    numbers = tf.data.Dataset.range(first_epoch, epochs)
    return numbers.flat_map(one_epoch).prefetch(tf.data.AUTOTUNE)


def _placed_batches(
    clips: tf.data.Dataset, batching: Batching, first_step: Any, steps: int
) -> tf.data.Dataset:
    """Return `steps` batches of windows, each clip at a position drawn for its step and place."""

    def positions_of(step: Any) -> tf.Tensor:
        seed = tf.stack([tf.constant(batching.seed, tf.int64), step])
        return tf.random.stateless_uniform([batching.batch_size], seed)

    def placed(position: Any, clip: tuple[Any, Any]) -> tuple[Any, Any]:
        waveform, label_id = clip
        return place_clip(waveform, position, batching.window), label_id

    drawn = tf.data.Dataset.range(first_step, first_step + steps).map(positions_of).unbatch()
    # Positions come first: when they end, zip draws no further clip, which would be augmented
    # and then dropped.
    windows = tf.data.Dataset.zip((drawn, clips)).map(
        placed, num_parallel_calls=PLACING_THREADS, deterministic=True
    )
    batches = windows.batch(batching.batch_size, drop_remainder=True)
    return batches.map(lambda window, label: (window, tf.one_hot(label, batching.num_labels)))


def as_ragged(waveforms: Any) -> tf.RaggedTensor:
    """Return a batch as ragged, also where all clips had one length."""
    if isinstance(waveforms, tf.RaggedTensor):
        return waveforms
    return tf.RaggedTensor.from_tensor(waveforms)


def eval_batches(clips: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Return batches of whole clips in order: ragged waveforms and label ids."""
    return clips.ragged_batch(batch_size).prefetch(tf.data.AUTOTUNE)


def count(clips: tf.data.Dataset) -> int:
    """Return the number of elements, by going through them once."""
    return int(clips.reduce(np.int64(0), lambda total, *_: total + 1).numpy())


def window_for(examples: tf.data.Dataset) -> float:
    """Return the 95th percentile of the clips' durations in seconds, in steps of 0.1 s.

    At least `SHORTEST_WINDOW_S`, at most `LONGEST_WINDOW_S`.
    """
    spec = {DURATION_KEY: tf.io.FixedLenFeature([], tf.float32)}
    parsed = examples.batch(256).map(lambda batch: tf.io.parse_example(batch, spec)[DURATION_KEY])
    durations = np.concatenate([batch.numpy() for batch in parsed] or [np.zeros(1)])
    window_s = float(np.ceil(np.percentile(durations, 95) * 10 - 1e-3) / 10)
    return min(max(window_s, SHORTEST_WINDOW_S), LONGEST_WINDOW_S)
