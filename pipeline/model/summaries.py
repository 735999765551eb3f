"""Curves and pictures for TensorBoard."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfx_audio.pipeline.model.network import NORMALISATION, SPEC_AUGMENT

SHOWN_CLIPS = 4


class Summaries(keras.callbacks.Callback):
    """Writes each epoch's numbers, and how the network sees some training clips.

    Args:
      log_dir: TensorBoard's directory.
      windows: Training windows ``(clips, samples)`` to picture, before and after SpecAugment.
    """

    def __init__(self, log_dir: str, windows: Any) -> None:
        super().__init__()
        self._writer = tf.summary.create_file_writer(log_dir)
        self._windows = windows[:SHOWN_CLIPS]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Picture the log-mel spectrograms before and after SpecAugment."""
        before, after = spectrograms(self.model, self._windows)
        with self._writer.as_default(step=0):
            tf.summary.image("log-mel before SpecAugment", as_pictures(before), max_outputs=99)
            tf.summary.image("log-mel after SpecAugment", as_pictures(after), max_outputs=99)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch's numbers and the learning rate."""
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, float(value))
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            tf.summary.scalar("learning_rate", float(rate))
        self._writer.flush()


def write_confusion(
    log_dir: str, confusion: np.ndarray, labels: Sequence[str], epoch: int, name: str
) -> None:
    """Write a confusion matrix as a picture."""
    canvas = FigureCanvasAgg(draw_confusion(confusion, labels))
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[np.newaxis]
    writer = tf.summary.create_file_writer(log_dir)
    with writer.as_default(step=epoch):
        tf.summary.image(name, picture)
    writer.close()


def draw_confusion(confusion: np.ndarray, labels: Sequence[str]) -> Figure:
    """Draw counts of (true, predicted), shaded by share of the true label."""
    size = 2.5 + 0.35 * len(labels)
    figure = Figure(figsize=(size, size), dpi=80)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour)
    figure.tight_layout()
    return figure


def spectrograms(model: keras.Model, windows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the normalised log-mel of windows, and the same after a draw of SpecAugment's masks.

    Without SpecAugment both are the same. The random state is put back, so that looking does not
    change the training.
    """
    names = [layer.name for layer in model.layers]
    log_mel = keras.Model(model.inputs, model.get_layer(NORMALISATION).output)(windows)
    before = np.asarray(log_mel, np.float32)
    if SPEC_AUGMENT not in names:
        return before, before
    layer = model.get_layer(SPEC_AUGMENT)
    state = np.asarray(layer.seed_generator.state)
    after = np.asarray(layer(log_mel, training=True), np.float32)
    layer.seed_generator.state.assign(state)
    return before, after


def as_pictures(log_mel: np.ndarray) -> np.ndarray:
    """Turn ``(clips, frames, bands, 1)`` into grey pictures with low frequencies at the bottom."""
    pictures = np.transpose(log_mel[..., 0], (0, 2, 1))[:, ::-1, :, np.newaxis]
    return np.clip((pictures + 2.5) / 5.0, 0.0, 1.0).astype(np.float32)
