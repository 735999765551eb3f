"""Which thresholds a model missed, as Evaluator's validation says it."""

import math

import tensorflow_model_analysis as tfma


def missed_thresholds(uri: str) -> list[str]:
    """Return a sentence for every threshold that an ``evaluation`` artifact says was missed."""
    result, texts = tfma.load_validation_result(uri), []
    for found in result.metric_validations_per_slice:
        where = ", ".join(key.bytes_value.decode() for key in found.slice_key.single_slice_keys)
        for failure in found.failures:
            limit = failure.metric_threshold
            # rounded down: 0.5996 must not read as the 0.6 that was wanted
            got = math.floor(failure.metric_value.double_value.value * 1000) / 1000
            wanted = f"{limit.value_threshold.lower_bound.value:g}"
            if limit.HasField("change_threshold"):
                least = f"{limit.change_threshold.absolute.value:+g}"
                wanted = f"{least} or better against the latest blessed model"
            texts.append(f"accuracy on {where}: wanted {wanted}, got {got:.3f}")
    for missing in result.missing_slices:
        texts.append(f"no clips of {', '.join(missing.feature_values.values())} to judge by")
    return texts
