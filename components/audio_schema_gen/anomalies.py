"""Anomalies that ExampleValidator found, each with a name."""

from __future__ import annotations

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tensorflow_metadata.proto.v0 import anomalies_pb2

from tfx_audio.components.audio.records.examples import LABEL_KEY, PEAK_KEY, SAMPLE_RATE_KEY

ANOMALIES_FILE = "SchemaDiff.pb"
_NAMES = {
    (LABEL_KEY, "ENUM_TYPE_UNEXPECTED_STRING_VALUES"): "label_not_in_schema",
    (SAMPLE_RATE_KEY, "INT_TYPE_SMALL_INT"): "wrong_sample_rate",
    (SAMPLE_RATE_KEY, "INT_TYPE_BIG_INT"): "wrong_sample_rate",
    (PEAK_KEY, "FLOAT_TYPE_SMALL_FLOAT"): "silent_clip",
}
_SPLIT_PREFIX = "Split-"


def anomalies(uri: str) -> list[str]:
    """Return what ExampleValidator found wrong, one sentence each, split by split.

    Args:
      uri: Of its ``anomalies`` artifact.

    Returns:
      ``"<split>: <name> in <feature>: <description>"``; an empty list if all is well.
    """
    found = []
    pattern = FileSystems.join(uri, f"{_SPLIT_PREFIX}*", ANOMALIES_FILE)
    for metadata in sorted(FileSystems.match([pattern])[0].metadata_list, key=lambda m: m.path):
        split = FileSystems.split(FileSystems.split(metadata.path)[0])[1][len(_SPLIT_PREFIX) :]
        with FileSystems.open(
            metadata.path, compression_type=CompressionTypes.UNCOMPRESSED
        ) as file:
            found += [f"{split}: {text}" for text in _texts(file.read())]
    return found


def _texts(serialized: bytes) -> list[str]:
    message = anomalies_pb2.Anomalies.FromString(serialized)
    texts = []
    for name, info in sorted(message.anomaly_info.items()):
        feature = ".".join(info.path.step) or name
        for reason in info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            known = _NAMES.get((feature, kind), kind.lower())
            texts.append(f"{known} in {feature}: {reason.description}")
    for reason in message.dataset_anomaly_info.reason:
        kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type).lower()
        texts.append(f"{kind}: {reason.description}")
    return texts
