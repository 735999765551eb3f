"""What TFX's Evaluator measures, by which slices, and what a model must reach."""

from collections.abc import Sequence
from typing import Any

import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2  # TFMA 0.52 exports only some of them

from tfx_audio.components.audio.clip import CLEAN
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.records.examples import CONDITION_KEY, LABEL_KEY
from tfx_audio.pipeline.model.config import EvaluateConfig

ACCURACY = "SparseCategoricalAccuracy"
CONFUSION = "MultiClassConfusionMatrixPlot"
# Kept as literals, so that building a configuration loads no Keras: serving.py and
# preprocessing.py hold the same names, and a test compares them.
SERVING_SIGNATURE = "serving_default"
TRANSFORM_SIGNATURE = "transform_features"
PREDICTION_KEY = "scores"
LABEL_ID_KEY = "label_id"


def build_eval_config(
    evaluate: EvaluateConfig, conditions: Sequence[str], has_baseline: bool
) -> config_pb2.EvalConfig:
    """Say what to measure and what blesses a model.

    Accuracy by condition, by condition and label; a confusion matrix for each condition. A model is
    blessed if it reaches the thresholds on the clean and on the noisy condition and, with a
    baseline, has not lost more than `max_regression` against it on either.

    Args:
      evaluate: Thresholds.
      conditions: Conditions that the evaluated splits hold.
      has_baseline: Whether there is a blessed model to compare with.

    Raises:
      InvalidInput: If a condition with a threshold is not among `conditions`.
    """
    floors = {evaluate.noisy_condition: evaluate.min_noisy_accuracy}
    floors[evaluate.clean_condition] = max(
        evaluate.min_accuracy, floors.get(evaluate.clean_condition, 0.0)
    )
    for field in ("clean_condition", "noisy_condition"):
        condition = getattr(evaluate, field)
        if condition not in conditions:
            noisy = [c for c in conditions if c != CLEAN]
            example = noisy[-1] if noisy and field == "noisy_condition" else CLEAN
            raise InvalidInput(
                f"evaluate.{field} is {condition!r}; the policy's conditions are "
                f"{', '.join(conditions)}.{did_you_mean(condition, conditions)} Name one of them, "
                f"for example --set evaluate.{field}={example}, or add it under the "
                "policy's `conditions:`, which stand in place of the usual ones"
            )
    thresholds = [
        _threshold(condition, floor, evaluate.max_regression if has_baseline else None)
        for condition, floor in floors.items()
    ]
    return config_pb2.EvalConfig(
        model_specs=_model_specs(has_baseline),
        slicing_specs=[
            config_pb2.SlicingSpec(feature_keys=[CONDITION_KEY]),
            config_pb2.SlicingSpec(feature_keys=[CONDITION_KEY, LABEL_KEY]),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(class_name="ExampleCount"),
                    config_pb2.MetricConfig(class_name=ACCURACY, per_slice_thresholds=thresholds),
                    config_pb2.MetricConfig(class_name=CONFUSION, config='{"thresholds": [0.0]}'),
                ]
            )
        ],
    )


def _model_specs(has_baseline: bool) -> list[Any]:
    candidate = config_pb2.ModelSpec(
        signature_name=SERVING_SIGNATURE,
        preprocessing_function_names=[TRANSFORM_SIGNATURE],
        label_key=LABEL_ID_KEY,
        prediction_key=PREDICTION_KEY,
    )
    if not has_baseline:
        return [candidate]
    baseline = config_pb2.ModelSpec()
    baseline.CopyFrom(candidate)
    candidate.name, baseline.name = "candidate", "baseline"
    baseline.is_baseline = True
    return [candidate, baseline]


def _threshold(condition: str, floor: float, max_regression: float | None) -> Any:
    """Return the threshold on one condition's slice."""
    threshold = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec(feature_values={CONDITION_KEY: condition})],
        threshold=text_format.Parse(
            f"value_threshold {{ lower_bound {{ value: {floor} }} }}", config_pb2.MetricThreshold()
        ),
    )
    if max_regression is not None:
        change = threshold.threshold.change_threshold
        change.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        change.absolute.value = -max_regression
    return threshold


def read_evaluation(uri: str) -> dict[str, Any]:
    """Read what Evaluator wrote into its ``evaluation`` artifact.

    Returns:
      ``accuracy`` (the clean condition's), ``by_condition``, ``by_label`` (of the clean condition),
      ``clips`` by condition, and ``confusion``: by condition, counts of (true label id, predicted
      label id, clips).
    """
    result = _candidate(uri)
    found: dict[str, Any] = {"by_condition": {}, "by_label": {}, "clips": {}, "confusion": {}}
    for slice_key, metrics in result.slicing_metrics:
        where, values = dict(slice_key), metrics[""][""]
        condition, accuracy = where.get(CONDITION_KEY, ""), _number(values, ACCURACY)
        if LABEL_KEY not in where:
            found["by_condition"][condition] = accuracy
            found["clips"][condition] = int(_number(values, "example_count"))
        elif condition == CLEAN:
            found["by_label"][where[LABEL_KEY]] = accuracy
    for slice_key, plots in result.plots:
        where = dict(slice_key)
        if LABEL_KEY not in where:
            found["confusion"][where.get(CONDITION_KEY, "")] = _confusion(plots)
    first = next(iter(found["by_condition"].values()), None)
    return {"accuracy": found["by_condition"].get(CLEAN, first), **found}


def _candidate(uri: str) -> Any:
    """Load the new model's result, not the baseline's."""
    results = tfma.load_eval_results([uri]).get_results()
    names = [[spec.name for spec in result.config.model_specs] for result in results]
    if all(len(specs) == 1 for specs in names):
        return results[0]
    return tfma.load_eval_result(uri, model_name=tfma.CANDIDATE_KEY)


def _number(values: Any, name: str) -> float:
    """Return a metric by its class name or key; TFMA's releases differ in the case of keys."""
    wanted = name.replace("_", "").lower()
    for key, value in values.items():
        if key.replace("_", "").lower() == wanted:
            return float(value["doubleValue"])
    raise KeyError(f"no metric {name} among {', '.join(values)}")


def _confusion(plots: Any) -> list[list[int]]:
    """Return (true label id, predicted label id, clips) of one slice, without zeros."""
    matrices = plots[""][""]["multiClassConfusionMatrixAtThresholds"]["matrices"][0]
    return [
        [
            int(entry.get("actualClassId", 0)),
            int(entry.get("predictedClassId", 0)),
            round(entry.get("numWeightedExamples", 0)),
        ]
        for entry in matrices["entries"]
        if entry.get("numWeightedExamples", 0) > 0
    ]
