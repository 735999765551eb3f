"""The curated schema: complete, dense, and strict where it should be."""

import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx_bsl.tfxio import tensor_representation_util

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import CONTRACT_KEYS
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies
from tfx_audio.components.audio_schema_gen.config import ValidationConfig
from tfx_audio.components.audio_schema_gen.schema import complete_schema, curated_schema

CLIPS = {
    "clip_id": ["a/1.wav", "b/2.wav", "a/3.wav"],
    "sample_rate": [16000] * 3,
    "label": ["a", "b", "a"],
    "group": ["", "", ""],
    "duration_s": [1.0, 0.5, 2.0],
    "peak_dbfs": [-6.0, -3.0, -20.0],
    "rms_dbfs": [-16.0, -13.0, -30.0],
    "clipped_fraction": [0.0, 0.0, 0.1],
    "source_clip_id": ["a/1.wav", "b/2.wav", "a/3.wav"],
    "copy_index": [0] * 3,
    "augmentation": ["{}"] * 3,
    "condition": ["clean"] * 3,
    "speaker": ["x", "y", "z"],
}


def statistics(**changes):
    """Statistics as StatisticsGen makes them: without the feature audio."""
    import pandas

    return tfdv.generate_statistics_from_dataframe(pandas.DataFrame({**CLIPS, **changes}), n_jobs=1)


def schema_of(validation=None, **changes):
    train = statistics(**changes).datasets[0]
    return complete_schema(train, validation or ValidationConfig())


def found(schema, tmp_path, **changes):
    """What TFDV finds in other clips, through the file that ExampleValidator writes."""
    message = tfdv.validate_statistics(statistics(**changes), schema)
    folder = tmp_path / "Split-eval"
    folder.mkdir(exist_ok=True)
    (folder / "SchemaDiff.pb").write_bytes(message.SerializeToString())
    return [str(anomaly) for anomaly in read_anomalies(str(tmp_path))]


def test_the_curated_schema_has_every_feature_of_the_contract_dense_and_scalar():
    schema = curated_schema()
    assert [feature.name for feature in schema.feature] == list(CONTRACT_KEYS)
    representations = tensor_representation_util.GetTensorRepresentationsFromSchema(schema)
    assert set(representations) == set(CONTRACT_KEYS)
    for name, representation in representations.items():
        assert representation.dense_tensor.column_name == name
        assert not representation.dense_tensor.shape.dim
    assert list(schema.default_environment) == ["TRAINING", "SERVING"]
    absent = [f.name for f in schema.feature if "SERVING" in f.not_in_environment]
    assert absent == ["label"]


def test_labels_rate_and_fields_come_from_the_data():
    features = {feature.name: feature for feature in schema_of().feature}
    assert list(features["label"].string_domain.value) == ["a", "b"]
    domain = features["sample_rate"].int_domain
    assert (domain.min, domain.max) == (16000, 16000)
    assert features["speaker"].type == schema_pb2.BYTES
    assert features["speaker"].presence.min_fraction == 1.0


def test_the_data_fits_its_own_schema(tmp_path):
    assert found(schema_of(), tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"label": ["a", "b", "c"]}, "label_not_in_schema in label"),
        ({"sample_rate": [16000, 16000, 44100]}, "wrong_sample_rate in sample_rate"),
        ({"sample_rate": [16000, 8000, 16000]}, "wrong_sample_rate in sample_rate"),
        ({"peak_dbfs": [-6.0, -120.0, -3.0]}, "silent_clip in peak_dbfs"),
        ({"clipped_fraction": [0.0, 1.5, 0.0]}, "in clipped_fraction"),
        ({"duration_s": [1.0, -1.0, 0.0]}, "in duration_s"),
    ],
)
def test_what_is_wrong_has_a_name(tmp_path, changes, name):
    (text,) = found(schema_of(), tmp_path, **changes)
    assert text.startswith("eval: ")
    assert name in text


def test_what_the_user_says_is_right_goes_before_the_data(tmp_path):
    said = ValidationConfig(labels=("a",), sample_rate=8000, min_peak_dbfs=-10)
    texts = found(schema_of(said), tmp_path)
    assert [text.split(" in ")[0] for text in texts] == [
        "eval: label_not_in_schema",
        "eval: silent_clip",
        "eval: wrong_sample_rate",
    ]


def test_serving_needs_no_label():
    import pandas

    unlabelled = pandas.DataFrame({k: v for k, v in CLIPS.items() if k != "label"})
    serving = tfdv.generate_statistics_from_dataframe(unlabelled, n_jobs=1)
    assert not tfdv.validate_statistics(serving, schema_of(), "SERVING").anomaly_info
    missing = tfdv.validate_statistics(serving, schema_of(), "TRAINING").anomaly_info["label"]
    assert missing.reason[0].type == anomalies_pb2.AnomalyInfo.SCHEMA_MISSING_COLUMN


def test_statistics_without_a_feature_of_the_contract_are_refused():
    with pytest.raises(InvalidInput, match="'clip_id'"):
        complete_schema(statistics_pb2.DatasetFeatureStatistics(), ValidationConfig())
