"""Label mixing: train on mixtures of two clips and of their labels.

mixup: Zhang et al. 2018, arxiv.org/abs/1710.09412. Between-class learning: Tokozume et al. 2018,
arxiv.org/abs/1711.10282, equations 1 and 2.
"""

from typing import Any

import keras
import tensorflow as tf

NONE, MIXUP, BETWEEN_CLASS = "none", "mixup", "between_class"
LEVEL_WINDOW_S = 0.1
_QUIET = 1e-6  # an amplitude below any sound of 16 bit: two silent windows are mixed as equals


def mixing_draws(seed: Any, step: Any, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Draw partners and ratios for a step, from its number and the training's seed alone.

    Returns:
      ``(partner, ratio)``: int32, another place of the batch (of a batch of one, itself), and
      float32 in (0, 1], the share of a place's own clip, uniform; both ``(batch,)``.
    """
    seed_and_step = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])
    draws = tf.random.stateless_uniform([2, batch], seed_and_step)
    others = tf.maximum(batch - 1, 1)
    shift = 1 + tf.minimum(tf.cast(draws[0] * tf.cast(others, tf.float32), tf.int32), others - 1)
    return (tf.range(batch) + shift) % batch, 1.0 - draws[1]


def mixtures(
    windows: tf.Tensor, labels: tf.Tensor, partner: Any, ratio: Any, kind: str, level_window: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix each window and its label with those of its partner.

    With `MIXUP` the ratio is that of amplitudes. With `BETWEEN_CLASS` it is that of how loud the
    two are heard: the quieter one is raised, by the loudest piece of each, and the mixture keeps
    the energy of uncorrelated sounds. The paper weights levels by A; here they are not weighted.
    Windows are ``(batch, samples)``, labels ``(batch, labels)``; levels are measured over
    `level_window` samples.
    """
    own, gain = ratio, tf.ones_like(ratio)
    if kind == BETWEEN_CLASS:
        level = loudest_rms(windows, level_window) + _QUIET
        other = ratio * tf.gather(level, partner)
        own = other / (other + (1 - ratio) * level)
        gain = tf.math.rsqrt(tf.square(own) + tf.square(1 - own))
    own, gain, ratio = own[:, tf.newaxis], gain[:, tf.newaxis], ratio[:, tf.newaxis]
    mixed = gain * (own * windows + (1 - own) * tf.gather(windows, partner))
    return mixed, ratio * labels + (1 - ratio) * tf.gather(labels, partner)


def loudest_rms(windows: tf.Tensor, level_window: int) -> tf.Tensor:
    """Return the greatest root mean square over pieces of `level_window` samples, ``(batch,)``."""
    pieces = tf.signal.frame(tf.square(windows), level_window, level_window, pad_end=True)
    return tf.sqrt(tf.reduce_max(tf.reduce_mean(pieces, axis=2), axis=1))


class MixtureClassifier(keras.Model):
    """A classifier that trains on mixtures and is otherwise the one it is made of.

    The step's number is the optimiser's, which a checkpoint holds. Masks come after the mixing.
    """

    def __init__(self, inputs: Any, outputs: Any, kind: str, seed: int, sample_rate: int) -> None:
        super().__init__(inputs, outputs, name="classifier")
        self._kind, self._mixing_seed = kind, seed
        self._level_window = max(1, round(LEVEL_WINDOW_S * sample_rate))

    def train_step(self, data: Any) -> Any:
        """Mix a batch, then train on it."""
        windows, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        step, batch = self.optimizer.iterations.value, tf.shape(windows)[0]
        partner, ratio = mixing_draws(self._mixing_seed, step, batch)
        mixed = mixtures(windows, labels, partner, ratio, self._kind, self._level_window)
        return super().train_step(mixed)
