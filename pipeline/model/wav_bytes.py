"""WAV bytes to samples within a graph, as other programs write them.

``tf.audio.decode_wav`` takes neither WAVE_FORMAT_EXTENSIBLE nor the sizes of stream writers.
"""

import tensorflow as tf

_EXTENSIBLE, _PCM = 0xFFFE, 1
_PCM16_SCALE = 32768.0
_HINT = "expected a WAV file of PCM 16 bit; `ffmpeg -i FILE -c:a pcm_s16le FILE.wav` makes one"


def decode_pcm16_wav(wav: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode one WAV file; what it claims beyond its end is left out.

    Args:
      wav: string scalar.

    Returns:
      float32 ``(samples,)``, the mean over the channels, and the sample rate, int64; another format
      is an error of the graph that says what is expected.
    """
    size = tf.strings.length(wav)
    head = tf.strings.join([wav, b"\0" * 12])  # so that there are 12 bytes to look at
    is_wave = (tf.strings.substr(head, 0, 4) == b"RIFF") & (
        tf.strings.substr(head, 8, 4) == b"WAVE"
    )
    with tf.control_dependencies([tf.debugging.Assert((size >= 12) & is_wave, [_HINT])]):
        fmt, data = _find_chunks(wav, size)
    found = (fmt > 0) & (data > 0) & (fmt + 16 <= size)
    with tf.control_dependencies([tf.debugging.Assert(found, [_HINT])]):
        tag, channels = _number(wav, fmt, 2), _number(wav, fmt + 2, 2)
        rate, bits = _number(wav, fmt + 4, 4), _number(wav, fmt + 14, 2)
        is_long = (tag == _EXTENSIBLE) & (fmt + 26 <= size)
        tag = tf.cond(is_long, lambda: _number(wav, fmt + 24, 2), lambda: tag)
    is_pcm = (tag == _PCM) & (bits == 16) & (channels > 0)
    with tf.control_dependencies(
        [tf.debugging.Assert(is_pcm, [_HINT, "format tag, bits:", tag, bits])]
    ):
        claimed, there = _number(wav, data - 4, 4), tf.cast(size - data, tf.int64)
        length = tf.where((claimed == 0) | (claimed > there), there, claimed)
        length -= length % (2 * channels)
        samples = tf.io.decode_raw(
            tf.strings.substr(wav, data, tf.cast(length, tf.int32)), tf.int16
        )
    frames = tf.reshape(samples, tf.stack([-1, tf.cast(channels, tf.int32)]))
    return tf.reduce_mean(tf.cast(frames, tf.float32) / _PCM16_SCALE, axis=1), rate


def _find_chunks(wav: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the contents of `fmt ` and `data` start, 0 for one that is not there."""

    def more(position: tf.Tensor, fmt: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
        return (data == 0) & (position + 8 <= size)

    def step(
        position: tf.Tensor, fmt: tf.Tensor, data: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        name, start = tf.strings.substr(wav, position, 4), position + 8
        length = _number(wav, position + 4, 4)
        length = tf.cast(tf.minimum(length + length % 2, tf.cast(size, tf.int64)), tf.int32)
        return (
            start + length,
            tf.where(name == b"fmt ", start, fmt),
            tf.where(name == b"data", start, data),
        )

    _, fmt, data = tf.while_loop(more, step, (tf.constant(12), tf.constant(0), tf.constant(0)))
    return fmt, data


def _number(wav: tf.Tensor, position: tf.Tensor, length: int) -> tf.Tensor:
    """Return an unsigned number of `length` bytes, the lowest first, as int64."""
    digits = tf.cast(tf.io.decode_raw(tf.strings.substr(wav, position, length), tf.uint8), tf.int64)
    return tf.reduce_sum(digits * tf.constant([1 << 8 * i for i in range(length)], tf.int64))
