"""`run_fn`: from examples to a SavedModel that answers, as TFX's Trainer calls it."""

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.model.exported_facts import read_card
from tfx_audio.pipeline.model.inputs import read_examples
from tfx_audio.pipeline.model.trainer import run_fn, schema_sample_rate

LABELS = {b"noise", b"tone_high", b"tone_low"}


@pytest.fixture(scope="module")
def exported(data_set, tmp_path_factory):
    root = tmp_path_factory.mktemp("trained")
    fn_args = FnArgs(
        train_files=[data_set.train],
        eval_files=[data_set.evaluation],
        schema_path=data_set.schema,
        transform_graph_path=data_set.transform,
        serving_model_dir=str(root / "serving"),
        model_run_dir=str(root / "run"),
        custom_config={
            "model": {"window_s": 0.4},
            "train": {"steps": 60, "batch_size": 16, "learning_rate": 5e-3},
        },
    )
    run_fn(fn_args)
    return fn_args.serving_model_dir


def test_exports_a_model_that_names_the_labels(exported, data_set):
    model = tf.saved_model.load(exported)
    examples = tf.stack(list(read_examples([data_set.evaluation])))

    answer = model.signatures["serving_default"](examples=examples)
    ids = model.signatures["transform_features"](examples=examples)["label_id"].numpy()

    assert set(answer["label"].numpy()) <= LABELS
    assert set(answer["labels"].numpy()[0]) == LABELS
    np.testing.assert_allclose(answer["scores"].numpy().sum(axis=1), 1.0, atol=1e-5)
    right = answer["scores"].numpy().argmax(axis=1) == ids
    assert right.mean() >= 0.9


def test_writes_the_facts_beside_the_model(exported):
    card = read_card(exported)

    assert card["sample_rate"] == 8_000
    assert card["window"] == 3_200
    assert (card["frontend"]["n_fft"], card["frontend"]["hop_length"]) == (256, 80)
    assert {label.encode() for label in card["labels"]} == LABELS


def test_refuses_a_schema_without_one_sample_rate(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text('feature { name: "sample_rate" type: INT int_domain { min: 8000 max: 16000 } }')

    with pytest.raises(InvalidInput, match="min equal to max"):
        schema_sample_rate(str(path))
