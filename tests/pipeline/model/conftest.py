"""A small synthetic data set, its schema and its transform graph, for the model side's tests."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example, parse_features
from tfx_audio.pipeline.model.preprocessing import preprocessing_fn

SAMPLE_RATE = 8_000
LABELS = ("noise", "tone_high", "tone_low")

SCHEMA = """
feature { name: "audio" type: BYTES value_count { min: 1 max: 1 } }
feature { name: "label" type: BYTES presence { min_fraction: 1 min_count: 1 } shape {}
  string_domain { value: "noise" value: "tone_high" value: "tone_low" } }
feature { name: "sample_rate" type: INT presence { min_fraction: 1 min_count: 1 } shape {}
  int_domain { min: 8000 max: 8000 } }
tensor_representation_group { key: "" value {
  tensor_representation { key: "audio" value { dense_tensor { column_name: "audio" shape {} } } }
  tensor_representation { key: "label" value { dense_tensor { column_name: "label" shape {} } } }
  tensor_representation { key: "sample_rate"
    value { dense_tensor { column_name: "sample_rate" shape {} } } } } }
"""


class DataSet(NamedTuple):
    """Where the files of the data set are."""

    train: str
    evaluation: str
    schema: str
    transform: str


def synthesise(label: str, index: int) -> Clip:
    """Return a clip of 0.2 to 0.5 s that a small network learns to tell from the others."""
    rng = np.random.default_rng(1000 * LABELS.index(label) + index)
    samples = int(rng.uniform(0.2, 0.5) * SAMPLE_RATE)
    time_s = np.arange(samples) / SAMPLE_RATE
    if label == "noise":
        waveform = rng.normal(0, 0.2, samples)
    else:
        low, high = (300, 600) if label == "tone_low" else (1500, 3000)
        waveform = 0.3 * np.sin(2 * np.pi * rng.uniform(low, high) * time_s)
        waveform += rng.normal(0, 0.01, samples)
    return Clip(
        clip_id=f"{label}/{index}.wav",
        waveform=waveform.astype(np.float32),
        sample_rate=SAMPLE_RATE,
        label=label,
    )


def write_records(path: Path, clips_per_label: int, first: int = 0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = range(first, first + clips_per_label)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index in numbers:
            for label in LABELS:
                writer.write(clip_to_example(synthesise(label, index)))
    return str(path)


def build_transform_graph(records: str, directory: Path) -> str:
    """Run `preprocessing_fn` as TFX's Transform would and return the graph's directory."""
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    rows = []
    for serialized in tf.data.TFRecordDataset(records).as_numpy_iterator():
        features = parse_features(serialized)
        rows.append({key: features[key][0] for key in ("audio", "label", "sample_rate")})
    metadata = dataset_metadata.DatasetMetadata(schema)
    with tft_beam.Context(temp_dir=tempfile.mkdtemp(dir=directory.parent)):
        transform_fn = (rows, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = transform_fn | tft_beam.WriteTransformFn(str(directory))
    return str(directory)


@pytest.fixture(scope="session")
def data_set(tmp_path_factory) -> DataSet:
    root = tmp_path_factory.mktemp("data_set")
    train = write_records(root / "train" / "data-00000-of-00001", clips_per_label=24)
    evaluation = write_records(root / "eval" / "data-00000-of-00001", 8, first=100)
    schema = root / "schema.pbtxt"
    schema.write_text(SCHEMA)
    transform = build_transform_graph(train, root / "transform")
    return DataSet(train, evaluation, str(schema), transform)


@pytest.fixture(scope="session")
def transform_layer(data_set):
    return tft.TFTransformOutput(data_set.transform).transform_features_layer()
