"""Executor of `AugmentationReport`: artifacts in, one HTML page out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils

from tfx_audio.components.audio import progress
from tfx_audio.components.augmentation_report.page import PAGE_FILE, render_page
from tfx_audio.components.augmentation_report.report_builder import ReportSources, build_report
from tfx_audio.components.augmentation_report.report_data import Anomaly

EXAMPLES_KEY = "examples"
AUGMENTED_KEY = "augmented_examples"
REJECTED_KEY = "rejected"
INGEST_REJECTED_KEY = "ingest_rejected"
ANOMALIES_KEY = "anomalies"
REPORT_KEY = "report"
MODEL_KEY = "model"
CLIPS_PER_LABEL_KEY = "clips_per_label"
MAX_COPIES_KEY = "max_copies"
CODE_DIGEST_KEY = "code_digest"
_ANOMALIES_FILE = "SchemaDiff.pb"


class Executor(BaseExecutor):
    """Reads the artifacts of one run and writes the page."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write ``index.html`` into the report artifact."""
        augmented = artifact_utils.get_single_instance(input_dict[AUGMENTED_KEY])
        sources = ReportSources(
            before=split_uris(input_dict[EXAMPLES_KEY]),
            after=split_uris([augmented]),
            augmented_dir=augmented.uri,
            rejected_dirs=[
                artifact.uri
                for key in (INGEST_REJECTED_KEY, REJECTED_KEY)
                for artifact in input_dict.get(key) or []
            ],
            anomalies=read_anomalies(input_dict.get(ANOMALIES_KEY) or []),
            model=json.loads(exec_properties.get(MODEL_KEY) or "{}"),
            clips_per_label=int(exec_properties[CLIPS_PER_LABEL_KEY]),
            max_copies=int(exec_properties[MAX_COPIES_KEY]),
        )
        report = build_report(sources)
        output = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        fileio.makedirs(output.uri)
        with fileio.open(os.path.join(output.uri, PAGE_FILE), "wb") as file:
            file.write(render_page(report))
        progress.report("AugmentationReport", len(report.cards), len(report.cards), "clips shown")


def split_uris(artifacts: list[Artifact]) -> Mapping[str, str]:
    """Return the folder of every split of an Examples artifact."""
    splits = artifact_utils.decode_split_names(artifacts[0].split_names)
    return {split: artifact_utils.get_split_uri(artifacts, split) for split in splits}


def read_anomalies(artifacts: list[Artifact]) -> tuple[Anomaly, ...] | None:
    """Read what ExampleValidator found; None if it was not connected."""
    if not artifacts:
        return None
    found = []
    for split, uri in split_uris(artifacts).items():
        message = anomalies_pb2.Anomalies()
        with fileio.open(os.path.join(uri, _ANOMALIES_FILE), "rb") as file:
            message.ParseFromString(file.read())
        found += [
            Anomaly(split, feature, info.description or info.short_description)
            for feature, info in sorted(message.anomaly_info.items())
        ]
        if message.HasField("dataset_anomaly_info"):
            found.append(Anomaly(split, "(data set)", message.dataset_anomaly_info.description))
    return tuple(found)
