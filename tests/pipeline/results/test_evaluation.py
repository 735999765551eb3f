"""What blesses a model, and what is read back from an evaluation."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.pipeline.model import preprocessing, serving
from tfx_audio.pipeline.model.config import EvaluateConfig
from tfx_audio.pipeline.results import evaluation
from tfx_audio.pipeline.results.evaluation import build_eval_config, read_evaluation

CONDITIONS = ["clean", "noise_10db"]
SETTINGS = EvaluateConfig(min_accuracy=0.7, min_noisy_accuracy=0.3, max_regression=0.05)


class ByDuration(tf.Module):
    """A model that answers by the clip's duration: class 1 if it is 0.2 s or longer."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        spec = {"duration_s": tf.io.FixedLenFeature([], tf.float32)}
        is_long = tf.io.parse_example(examples, spec)["duration_s"] >= 0.2
        return {serving.SCORES: tf.one_hot(tf.cast(is_long, tf.int32), 2)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform(self, examples):
        spec = {"label": tf.io.FixedLenFeature([], tf.string)}
        label = tf.io.parse_example(examples, spec)["label"]
        return {preprocessing.LABEL_ID_KEY: tf.cast(label == b"long", tf.int64)}


def record(index, label, seconds, condition):
    waveform = np.zeros(int(seconds * 1000), np.float32)
    clip = Clip(f"{index}.wav", waveform, 1000, label=label, condition=condition)
    return clip_to_example(clip)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Evaluate a model that is right on 3 of 4 clean clips and on 1 of 4 noisy ones."""
    root = tmp_path_factory.mktemp("evaluated")
    module = ByDuration()
    signatures = {"serving_default": module.serve, "transform_features": module.transform}
    tf.saved_model.save(module, str(root / "model"), signatures=signatures)
    clips = [("long", 0.3, "clean"), ("long", 0.3, "clean"), ("short", 0.1, "clean")]
    clips += [("short", 0.3, "clean"), ("long", 0.1, "noise_10db"), ("short", 0.3, "noise_10db")]
    clips += [("long", 0.1, "noise_10db"), ("short", 0.1, "noise_10db")]
    with tf.io.TFRecordWriter(str(root / "data")) as writer:
        for index, clip in enumerate(clips):
            writer.write(record(index, *clip))
    config = build_eval_config(SETTINGS, CONDITIONS, has_baseline=False)
    tfma.run_model_analysis(
        eval_shared_model=tfma.default_eval_shared_model(str(root / "model"), eval_config=config),
        eval_config=config,
        data_location=str(root / "data"),
        output_path=str(root / "evaluation"),
    )
    return str(root / "evaluation")


def test_reads_accuracy_by_condition_and_label(evaluated):
    found = read_evaluation(evaluated)

    assert found["accuracy"] == pytest.approx(0.75)
    assert found["by_condition"] == {"clean": 0.75, "noise_10db": 0.25}
    assert found["by_label"] == {"long": 1.0, "short": 0.5}
    assert found["clips"] == {"clean": 4, "noise_10db": 4}


def test_reads_the_confusion_matrix(evaluated):
    confusion = read_evaluation(evaluated)["confusion"]

    assert sorted(confusion["clean"]) == [[0, 0, 1], [0, 1, 1], [1, 1, 2]]
    assert sorted(confusion["noise_10db"]) == [[0, 0, 1], [0, 1, 1], [1, 0, 2]]


def test_does_not_bless_a_model_below_the_noisy_floor(evaluated):
    result = tfma.load_validation_result(evaluated)

    assert not result.validation_ok
    failed = [
        failure.metric_key.name
        for slice_result in result.metric_validations_per_slice
        for failure in slice_result.failures
    ]
    assert failed == ["sparse_categorical_accuracy"]


def thresholds(config):
    metric = next(m for m in config.metrics_specs[0].metrics if m.per_slice_thresholds)
    return {
        entry.slicing_specs[0].feature_values["condition"]: entry.threshold
        for entry in metric.per_slice_thresholds
    }


def test_asks_for_a_floor_on_the_clean_and_on_the_noisy_condition():
    found = thresholds(build_eval_config(SETTINGS, CONDITIONS, has_baseline=False))

    floors = {name: t.value_threshold.lower_bound.value for name, t in found.items()}
    assert floors == {"clean": 0.7, "noise_10db": 0.3}
    assert not any(threshold.HasField("change_threshold") for threshold in found.values())


def test_allows_no_more_loss_against_a_baseline_than_said():
    config = build_eval_config(SETTINGS, CONDITIONS, has_baseline=True)

    assert [(s.name, s.is_baseline) for s in config.model_specs] == [
        ("candidate", False),
        ("baseline", True),
    ]
    for threshold in thresholds(config).values():
        change = threshold.change_threshold
        assert change.absolute.value == pytest.approx(-0.05)
        assert change.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER


def test_refuses_a_condition_that_the_policy_does_not_have():
    settings = EvaluateConfig(noisy_condition="noise_20")

    with pytest.raises(InvalidInput, match="Did you mean 'noise_20db'"):
        build_eval_config(settings, ["clean", "noise_20db"], has_baseline=False)


def test_the_floor_on_clean_clips_never_falls():
    settings = EvaluateConfig(min_accuracy=0.6, min_noisy_accuracy=0.2, noisy_condition="clean")
    (threshold,) = thresholds(build_eval_config(settings, ["clean"], has_baseline=False)).values()
    assert threshold.value_threshold.lower_bound.value == pytest.approx(0.6)


def test_advises_no_noise_for_the_clean_condition():
    settings = EvaluateConfig(clean_condition="quiet")
    with pytest.raises(InvalidInput, match=r"evaluate\.clean_condition=clean"):
        build_eval_config(settings, ["clean", "noise_10db"], has_baseline=False)


def test_names_are_those_of_the_exported_model():
    assert evaluation.SERVING_SIGNATURE == serving.SERVING_DEFAULT
    assert evaluation.TRANSFORM_SIGNATURE == serving.TRANSFORM_FEATURES
    assert evaluation.PREDICTION_KEY == serving.SCORES
    assert evaluation.LABEL_ID_KEY == preprocessing.LABEL_ID_KEY
