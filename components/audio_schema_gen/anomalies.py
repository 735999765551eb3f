"""Anomalies that ExampleValidator found, each with a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems
from tensorflow_metadata.proto.v0 import anomalies_pb2

from tfx_audio.components.audio.records.examples import LABEL_KEY, PEAK_KEY, SAMPLE_RATE_KEY
from tfx_audio.components.audio.splits import SPLIT_PREFIX
from tfx_audio.components.open_files import match_files, open_file

ANOMALIES_FILE = "SchemaDiff.pb"
DATA_SET = "(data set)"
_NAMES = {
    (LABEL_KEY, "ENUM_TYPE_UNEXPECTED_STRING_VALUES"): "label_not_in_schema",
    (SAMPLE_RATE_KEY, "INT_TYPE_SMALL_INT"): "wrong_sample_rate",
    (SAMPLE_RATE_KEY, "INT_TYPE_BIG_INT"): "wrong_sample_rate",
    (PEAK_KEY, "FLOAT_TYPE_SMALL_FLOAT"): "silent_clip",
}


@dataclass(frozen=True)
class Anomaly:
    """What is wrong with one feature of one split, or with `DATA_SET`, in TFDV's sentence."""

    split: str
    feature: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.split}: {self.name} in {self.feature}: {self.reason}"


def read_anomalies(uri: str) -> list[Anomaly]:
    """Return what ExampleValidator found wrong, split by split; nothing if all is well."""
    found: list[Anomaly] = []
    for path in match_files(uri, f"{SPLIT_PREFIX}*/{ANOMALIES_FILE}"):
        folder = FileSystems.split(FileSystems.split(path)[0])[1]
        with open_file(path) as file:
            found.extend(_anomalies(folder.removeprefix(SPLIT_PREFIX), file.read()))
    return found


def _anomalies(split: str, serialized: bytes) -> Iterator[Anomaly]:
    message = anomalies_pb2.Anomalies.FromString(serialized)
    infos = [
        (".".join(info.path.step) or name, info)
        for name, info in sorted(message.anomaly_info.items())
    ]
    for feature, info in [*infos, (DATA_SET, message.dataset_anomaly_info)]:
        for reason in info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            known = _NAMES.get((feature, kind), kind.lower())
            yield Anomaly(split, feature, known, reason.description)
