"""The curated schema, completed by what the statistics found."""

from collections.abc import Iterable, Sequence
from importlib import resources

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import (
    AUDIO_KEY,
    CONTRACT_KEYS,
    LABEL_KEY,
    PEAK_KEY,
    SAMPLE_RATE_KEY,
)
from tfx_audio.components.audio_schema_gen.config import ValidationConfig

SCHEMA_PACKAGE = "tfx_audio.schemas"
SCHEMA_FILE = "clip.pbtxt"


def curated_schema() -> schema_pb2.Schema:
    """Return the schema of the data contract, schemas/clip.pbtxt."""
    text = resources.files(SCHEMA_PACKAGE).joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return text_format.Parse(text, schema_pb2.Schema())


def complete_schema(
    statistics: statistics_pb2.DatasetFeatureStatistics, validation: ValidationConfig
) -> schema_pb2.Schema:
    """Return the curated schema with labels, sample rate and further fields filled in.

    Args:
      statistics: Those of the train split.
      validation: What the user says is right; it goes before what was found.

    Raises:
      InvalidInput: If the statistics lack a feature of the data contract, or there are more
        labels than statistics list.
    """
    schema = curated_schema()
    found = {stats.path.step[0]: stats for stats in statistics.features}
    for key in CONTRACT_KEYS:
        if key != AUDIO_KEY and key not in found:
            raise InvalidInput(f"the statistics lack {key!r}, which every clip has")
    features = {feature.name: feature for feature in schema.feature}
    labels = validation.labels or _values(found[LABEL_KEY])
    features[LABEL_KEY].string_domain.CopyFrom(
        schema_pb2.StringDomain(name=LABEL_KEY, value=sorted(labels))
    )
    rates = found[SAMPLE_RATE_KEY].num_stats
    domain = features[SAMPLE_RATE_KEY].int_domain
    domain.min = int(validation.sample_rate or rates.min)
    domain.max = int(validation.sample_rate or rates.max)
    features[PEAK_KEY].float_domain.min = validation.min_peak_dbfs
    _add_fields(schema, sorted(set(found) - set(features)))
    return schema


def _values(stats: statistics_pb2.FeatureNameStatistics) -> Sequence[str]:
    """Return all values of a string feature."""
    values = [bucket.label for bucket in stats.string_stats.rank_histogram.buckets]
    if len(values) < stats.string_stats.unique:
        raise InvalidInput(
            f"{stats.string_stats.unique} labels are more than the {len(values)} that statistics "
            "list; name them in validation.labels"
        )
    return values


def _add_fields(schema: schema_pb2.Schema, names: Iterable[str]) -> None:
    """Add a text feature for each further field of the data."""
    representations = schema.tensor_representation_group[""].tensor_representation
    for name in names:
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
        feature.shape.dim.add(size=1)
        feature.annotation.comment.append("A field of the data.")
        dense = representations[name].dense_tensor
        dense.column_name = name
        dense.shape.SetInParent()
