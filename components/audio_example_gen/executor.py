"""Executor of AudioExampleGen: lists, runs the Beam pipeline, judges the result."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from tfx_audio.components import progress_files
from tfx_audio.components.audio.splits import SPLIT_PREFIX, SPLITS
from tfx_audio.components.audio_example_gen import ingest_results, transforms
from tfx_audio.components.audio_example_gen.config import parse_ingest_config
from tfx_audio.components.audio_example_gen.content_digest import combined_digest
from tfx_audio.components.audio_example_gen.ingest_results import IngestResult
from tfx_audio.components.audio_example_gen.listing.inventory import take_inventory
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.listing.split_plan import plan_splits
from tfx_audio.components.audio_example_gen.shard_lists import Shard, deal
from tfx_audio.components.content_check import check_content
from tfx_audio.components.local_workers import watch_workers
from tfx_audio.components.rejected_table import count_rejected, kept_if_it_fails, write_rejections

EXAMPLES_KEY = "examples"
REJECTED_KEY = "rejected"
INGEST_CONFIG_KEY = "ingest_config"
MAX_REJECTED_FRACTION_KEY = "max_rejected_fraction"
FAILED_DIR_KEY = "failed_dir"
DATA_DIGEST_KEY = "data_digest"
CODE_DIGEST_KEY = "code_digest"
ANOMALIES_PROPERTY = "anomalies"
STAGE = "AudioExampleGen"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads recordings and writes examples by split, and what was rejected."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingest.

        Raises:
          InvalidInput: If there is nothing to ingest, a split is empty or train lacks a label.
          TooManyRejected: If too much can't be used.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        watch_workers()
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES_KEY])
        rejected = artifact_utils.get_single_instance(output_dict[REJECTED_KEY])
        data, split = parse_ingest_config(exec_properties[INGEST_CONFIG_KEY])
        listing = list_recordings(data)
        rule = plan_splits(split, listing)
        inventory = take_inventory(listing, rule)
        job = transforms.IngestJob(
            clip_format=data.clip_format(inventory.sample_rate),
            rule=rule,
            split_uris={n: FileSystems.join(examples.uri, f"{SPLIT_PREFIX}{n}") for n in SPLITS},
            progress_dir=FileSystems.join(rejected.uri, ".progress"),
            finds_near_duplicates=data.near_duplicates != "ignore",
        )
        with progress_files.follow(job.progress_dir, STAGE, inventory.n_clips):
            facts = self._ingest(job, deal(listing.recordings, job.progress_dir), rejected.uri)
        result, drops = ingest_results.read_facts(facts)
        read = combined_digest(result.read, listing.rejections)
        check_content(exec_properties[DATA_DIGEST_KEY], read, f"data.path {data.path!r}")
        anomalies = list(inventory.anomalies)
        if data.near_duplicates == "report":
            anomalies += ingest_results.note_near_duplicates(drops)
        late = [*ingest_results.drop_clips(result, drops, job.split_uris), *listing.rejections]
        result.rejected.update(rejection.reason for rejection in listing.rejections)
        result.ignored = listing.ignored_counts
        write_rejections(late, rejected.uri, "rejected-listing")
        with kept_if_it_fails(rejected.uri, exec_properties[FAILED_DIR_KEY], STAGE) as table:
            ingest_results.check_result(
                result,
                {*listing.labels, *listing.rejected_labels},
                rule.expected(),
                exec_properties[MAX_REJECTED_FRACTION_KEY],
                table,
            )
        _describe(examples, result, inventory.sample_rate)
        examples.set_string_custom_property(ANOMALIES_PROPERTY, "\n".join(anomalies))
        _describe(rejected, result, inventory.sample_rate)
        examples.split_names = artifact_utils.encode_split_names(result.splits)
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)

    def _ingest(self, job: transforms.IngestJob, shards: list[Shard], rejected_uri: str) -> str:
        """Run the Beam pipeline and return the prefix of the files with its facts."""
        facts = FileSystems.join(rejected_uri, "facts")
        with self._make_beam_pipeline() as pipeline:
            ingested = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Ingest" >> transforms.IngestShards(job)
            )
            _ = ingested[transforms.FACTS] | "WriteFacts" >> beam.io.WriteToText(
                facts, num_shards=1
            )
            _ = ingested[transforms.REJECTED] | "WriteRejected" >> beam.io.WriteToText(
                FileSystems.join(rejected_uri, "rejected-files"), ".jsonl", num_shards=1
            )
        return facts


def _describe(artifact: types.Artifact, result: IngestResult, sample_rate: int) -> None:
    """Write the counts to an artifact's custom properties."""
    count_rejected(artifact, result.rejected)
    for name, value in {**result.properties(), "sample_rate": sample_rate}.items():
        if isinstance(value, int):
            artifact.set_int_custom_property(name, value)
        else:
            artifact.set_float_custom_property(name, value)
