"""What TensorBoard gets of an evaluation."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.pipeline.results.evaluation_board import confusion_matrix, write_evaluation

EVALUATION = {
    "split": "test",
    "labels": ["dog", "cat"],
    "by_condition": {"clean": 0.75, "noise_10db": 0.5},
    "by_label": {"cat": 0.5, "dog": 1.0},
    "confusion": {"clean": [["cat", "cat", 1], ["cat", "dog", 1], ["dog", "dog", 2]]},
}


def test_rows_are_true_labels():
    matrix = confusion_matrix(EVALUATION["confusion"]["clean"], ["cat", "dog"])
    np.testing.assert_array_equal(matrix, [[1, 1], [0, 2]])


def test_accuracy_by_condition_and_label_and_the_matrix_are_written(tmp_path):
    write_evaluation(EVALUATION, str(tmp_path))
    found = {}
    for file in tmp_path.glob("events*"):
        for record in tf.data.TFRecordDataset(str(file)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                found[value.tag] = tf.make_ndarray(value.tensor)
    assert found["accuracy on test/clean"] == pytest.approx(0.75)
    assert found["accuracy on test/noise_10db"] == pytest.approx(0.5)
    assert found["accuracy on test by label/cat"] == pytest.approx(0.5)
    assert "confusion on test/clean" in found
