"""What a missed threshold is called."""

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_model_analysis.proto import validation_result_pb2

from tfx_audio.components.evaluation_report.blessing import missed_thresholds

RESULT = """
metric_validations_per_slice {
  slice_key { single_slice_keys { column: "condition" bytes_value: "clean" } }
  failures {
    metric_threshold { value_threshold { lower_bound { value: 0.6 } } }
    metric_value { double_value { value: 0.59996 } }
  }
}
metric_validations_per_slice {
  slice_key { single_slice_keys { column: "condition" bytes_value: "noise_10db" } }
  failures {
    metric_threshold { change_threshold { absolute { value: -0.02 } } }
    metric_value { double_value { value: -0.125 } }
  }
  failures {
    metric_threshold { value_threshold { lower_bound { value: 0.2 } } }
    metric_value { double_value { value: 0.125 } }
  }
}
missing_slices { feature_values { key: "condition" value: "noise_0db" } }
"""


@pytest.fixture
def write_validation(tmp_path):
    def write(text):
        message = text_format.Parse(text, validation_result_pb2.ValidationResult())
        with tf.io.TFRecordWriter(str(tmp_path / "validations.tfrecord")) as writer:
            writer.write(message.SerializeToString())
        assert tfma.load_validation_result(str(tmp_path)) == message
        return str(tmp_path)

    return write


def test_says_where_what_was_wanted_and_what_came(write_validation):
    assert missed_thresholds(write_validation(RESULT)) == [
        "accuracy on clean: wanted 0.6, got 0.599",
        "accuracy on noise_10db: wanted -0.02 or better against the latest blessed model, got "
        "-0.125",
        "accuracy on noise_10db: wanted 0.2, got 0.125",
        "no clips of noise_0db to judge by",
    ]


def test_a_blessed_model_missed_nothing(write_validation):
    assert missed_thresholds(write_validation("validation_ok: true")) == []
