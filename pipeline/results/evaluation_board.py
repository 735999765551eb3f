"""An evaluation for TensorBoard: accuracy by condition and by label, confusion matrices."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfx_audio.pipeline.model.summaries import write_confusion


def write_evaluation(evaluation: dict[str, Any], log_dir: str) -> None:
    """Write what Evaluator measured."""
    split, labels = evaluation["split"], evaluation["labels"]
    writer = tf.summary.create_file_writer(log_dir)
    with writer.as_default(step=0):
        for condition, accuracy in evaluation["by_condition"].items():
            tf.summary.scalar(f"accuracy on {split}/{condition}", accuracy)
        for label, accuracy in evaluation["by_label"].items():
            tf.summary.scalar(f"accuracy on {split} by label/{label}", accuracy)
    writer.close()
    for condition, confusion in evaluation["confusion"].items():
        name = f"confusion on {split}/{condition}"
        write_confusion(log_dir, confusion_matrix(confusion, labels), labels, 0, name)


def confusion_matrix(confusion: list[list[Any]], labels: list[str]) -> np.ndarray:
    """Return (true label, predicted label, clips) as counts, int ``(labels, labels)``."""
    matrix = np.zeros((len(labels), len(labels)), dtype=int)
    place = {label: index for index, label in enumerate(labels)}
    for true, predicted, clips in confusion:
        matrix[place[true], place[predicted]] += clips
    return matrix
