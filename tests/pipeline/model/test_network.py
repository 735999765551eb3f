"""The network as a whole: sizes of masks, precision, normalisation by statistics."""

import keras
import numpy as np
import pytest

from tfx_audio.pipeline.model.config import ModelConfig, SpecAugmentConfig
from tfx_audio.pipeline.model.network import build_classifier, measure_bands

WINDOWS = np.random.default_rng(0).normal(0, 0.1, (4, 3200)).astype("float32")


def test_no_masks_no_layer():
    model = build_classifier(
        ModelConfig(spec_augment=SpecAugmentConfig(policy="none")), 8000, 3200, 3
    )
    assert "spec_augment" not in [layer.name for layer in model.layers]


def test_the_same_seed_gives_the_same_weights():
    first, same, other = (build_classifier(ModelConfig(), 8000, 3200, 3, s) for s in (1, 1, 2))

    np.testing.assert_array_equal(first(WINDOWS), same(WINDOWS))
    assert not np.array_equal(first(WINDOWS), other(WINDOWS))


def test_mixed_precision_computes_the_backbone_in_half_and_leaves_no_trace():
    half = build_classifier(ModelConfig(), 8000, 3200, 3, 1, mixed_precision=True)
    full = build_classifier(ModelConfig(), 8000, 3200, 3, 1)

    assert half.get_layer("stem").compute_dtype == "float16"
    assert half.get_layer("stem").variable_dtype == "float32"
    assert half.get_layer("frontend").compute_dtype == "float32"
    assert half.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    np.testing.assert_allclose(half(WINDOWS), full(WINDOWS), atol=0.02)


def test_normalises_each_band_by_training_statistics():
    config = ModelConfig.model_validate({"frontend": {"normalisation": "dataset"}})
    statistics = measure_bands(config, 8000, [WINDOWS[:2], WINDOWS[2:]])
    model = build_classifier(config, 8000, 3200, 3, 1, statistics)
    normal = keras.Model(model.inputs, model.get_layer("normalisation").output)

    values = np.asarray(normal(WINDOWS))

    np.testing.assert_allclose(values.mean(axis=(0, 1)), 0.0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=(0, 1)), 1.0, atol=1e-3)


def test_normalisation_by_statistics_needs_them():
    config = ModelConfig.model_validate({"frontend": {"normalisation": "dataset"}})

    with pytest.raises(ValueError, match="band_statistics"):
        build_classifier(config, 8000, 3200, 3)
