"""Executor of `AugmentationReport`: artifacts in, one HTML page out."""

import json
import os
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils

from tfx_audio.components.audio import progress
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies
from tfx_audio.components.augmentation_report.page import PAGE_FILE, render_page
from tfx_audio.components.augmentation_report.report_builder import ReportSources, build_report

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
        validated = input_dict.get(ANOMALIES_KEY)
        sources = ReportSources(
            before=split_uris(input_dict[EXAMPLES_KEY]),
            after=split_uris([augmented]),
            augmented_dir=augmented.uri,
            rejected_dirs=[
                artifact.uri
                for key in (INGEST_REJECTED_KEY, REJECTED_KEY)
                for artifact in input_dict.get(key) or []
            ],
            ignored=read_ignored(input_dict[EXAMPLES_KEY][0]),
            anomalies=tuple(read_anomalies(validated[0].uri)) if validated else None,
            label_anomalies=input_dict[EXAMPLES_KEY][0].get_string_custom_property("anomalies"),
            model=json.loads(exec_properties.get(MODEL_KEY) or "{}"),
            clips_per_label=int(exec_properties[CLIPS_PER_LABEL_KEY]),
            max_copies=int(exec_properties[MAX_COPIES_KEY]),
        )
        report = build_report(sources)
        output = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        fileio.makedirs(output.uri)
        with fileio.open(os.path.join(output.uri, PAGE_FILE), "wb") as file:
            file.write(render_page(report))
        progress.report(
            "AugmentationReport", len(report.families), len(report.families), "clips shown"
        )


def read_ignored(examples: Artifact) -> dict[str, int]:
    """Return how much ingest left out, by suffix or reason, as its artifact says."""
    properties = examples.mlmd_artifact.custom_properties
    prefix = "ignored:"
    return {
        name.removeprefix(prefix): int(examples.get_int_custom_property(name))
        for name in sorted(properties)
        if name.startswith(prefix)
    }


def split_uris(artifacts: list[Artifact]) -> Mapping[str, str]:
    """Return the folder of every split of an Examples artifact."""
    splits = artifact_utils.decode_split_names(artifacts[0].split_names)
    return {split: artifact_utils.get_split_uri(artifacts, split) for split in splits}
