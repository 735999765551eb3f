"""Cut windows of one length out of clips of any length.

A window at position u of a clip of n samples starts at ``u·(n - window)``: 0 is the clip's
start, 0.5 its centre, 1 its end. Where the clip is the shorter one, the same formula says where
in the window it lies, with zeros around it.
"""

from typing import Any

import tensorflow as tf


def cut(waveforms: tf.RaggedTensor, clip: Any, position: Any, window: int) -> tf.Tensor:
    """Cut one window for each entry of `clip`.

    Args:
      waveforms: float32, ``(clips, (samples))``.
      clip: int, ``(windows,)``: which clip to cut from.
      position: float32 in [0, 1], ``(windows,)``: where.
      window: Length in samples.

    Returns:
      float32, ``(windows, window)``.
    """
    length = tf.gather(tf.cast(waveforms.row_lengths(), tf.int32), clip)
    begin = tf.gather(tf.cast(waveforms.row_starts(), tf.int32), clip)
    room = tf.cast(length - window, tf.float32)
    offset = tf.cast(tf.round(position * room), tf.int32)
    index = offset[:, tf.newaxis] + tf.range(window)[tf.newaxis, :]
    inside = (index >= 0) & (index < length[:, tf.newaxis])
    source = tf.where(inside, index + begin[:, tf.newaxis], 0)
    values = tf.concat([waveforms.flat_values, [0.0]], axis=0)  # never empty
    cuts = tf.where(inside, tf.gather(values, source), 0.0)
    cuts.set_shape([None, window])
    return cuts


def place(waveforms: tf.RaggedTensor, position: Any, window: int) -> tf.Tensor:
    """Cut one window out of each clip, at ``position`` of shape ``(clips,)``."""
    return cut(waveforms, tf.range(waveforms.nrows(out_type=tf.int32)), position, window)


def place_clip(waveform: tf.Tensor, position: Any, window: int) -> tf.Tensor:
    """Cut one window out of one clip, as `place` does out of many, without an index a sample.

    Args:
      waveform: float32, ``(samples,)``.
      position: float32 scalar in [0, 1]: where.
      window: Length in samples.

    Returns:
      float32, ``(window,)``.
    """
    room = tf.cast(tf.size(waveform) - window, tf.float32)
    offset = tf.cast(tf.round(position * room), tf.int32)
    begin, before = tf.maximum(offset, 0), tf.maximum(-offset, 0)
    inside = waveform[begin : begin + window]
    placed = tf.pad(inside, [[before, window - before - tf.size(inside)]])
    return tf.ensure_shape(placed, [window])


def spread(
    waveforms: tf.RaggedTensor, window: int, max_windows: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cut every clip into windows that overlap by half or more, evenly from start to end.

    A clip no longer than a window gives one, centred; so does every clip if `max_windows` is 1.

    Returns:
      ``(windows, clip)``: float32 ``(windows, window)``, and of which clip each is, ascending.
    """
    beyond = tf.cast(waveforms.row_lengths(), tf.int32) - window
    half = max(1, window // 2)
    count = 1 + tf.maximum(0, (beyond + half - 1) // half)
    count = tf.minimum(count, max_windows)
    clip = tf.repeat(tf.range(tf.size(count)), count)
    number = tf.cast(tf.ragged.range(count).flat_values, tf.float32)
    last = tf.cast(tf.gather(count, clip) - 1, tf.float32)
    position = tf.where(last > 0, number / tf.maximum(last, 1.0), 0.5)
    return cut(waveforms, clip, position, window), clip
