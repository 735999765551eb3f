"""Executor of AudioExampleGen: lists, runs the Beam pipeline, judges the outcome."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from tfx_audio.components.audio.splits import SPLITS
from tfx_audio.components.audio_example_gen import outcome as outcomes
from tfx_audio.components.audio_example_gen import transforms
from tfx_audio.components.audio_example_gen.config import parse_ingest_config
from tfx_audio.components.audio_example_gen.inventory import take_inventory
from tfx_audio.components.audio_example_gen.listing import list_recordings
from tfx_audio.components.audio_example_gen.outcome import Outcome

EXAMPLES_KEY = "examples"
REJECTED_KEY = "rejected"
INGEST_CONFIG_KEY = "ingest_config"
MAX_REJECTED_FRACTION_KEY = "max_rejected_fraction"
FAILED_DIR_KEY = "failed_dir"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads recordings and writes examples by split, and what was rejected."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingest.

        Args:
          input_dict: Empty.
          output_dict: ``examples`` and ``rejected``.
          exec_properties: See `AudioExampleGenSpec`.

        Raises:
          InvalidInput: If there is nothing to ingest, a split is empty or train lacks a label.
          TooManyRejected: If too much can't be used.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES_KEY])
        rejected = artifact_utils.get_single_instance(output_dict[REJECTED_KEY])
        data, split = parse_ingest_config(exec_properties[INGEST_CONFIG_KEY])
        listing = list_recordings(data)
        rule = split.rule(listing.said)
        inventory = take_inventory(data, listing)
        data = data.model_copy(update={"sample_rate": inventory.sample_rate})
        split_uris = {name: FileSystems.join(examples.uri, f"Split-{name}") for name in SPLITS}
        facts = FileSystems.join(rejected.uri, "facts")
        with self._make_beam_pipeline() as pipeline:
            ingested = (
                pipeline
                | "Shards" >> beam.Create(transforms.deal(listing.recordings))
                | "Ingest" >> transforms.IngestShards(data.clip_format(), rule, split_uris)
            )
            _ = ingested[transforms.FACTS] | "WriteFacts" >> beam.io.WriteToText(
                facts, num_shards=1
            )
            _ = ingested[transforms.REJECTED] | "WriteRejected" >> beam.io.WriteToText(
                FileSystems.join(rejected.uri, "rejected-files"), ".jsonl", num_shards=1
            )
        outcome, leaks = outcomes.read_facts(facts)
        listed = [*outcomes.drop_leaks(outcome, leaks, split_uris), *listing.rejections]
        outcomes.write_rejections(listed, rejected.uri, "listing")
        outcome.rejected.update(rejection.reason for rejection in listing.rejections)
        with outcomes.keeping_table(rejected.uri, exec_properties[FAILED_DIR_KEY]) as table:
            outcomes.check_outcome(
                outcome,
                inventory.labels,
                rule.expected(),
                exec_properties[MAX_REJECTED_FRACTION_KEY],
                table,
            )
        _describe(examples, outcome, inventory.sample_rate)
        _describe(rejected, outcome, inventory.sample_rate)
        examples.split_names = artifact_utils.encode_split_names(outcome.splits)
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)


def _describe(artifact: types.Artifact, outcome: Outcome, sample_rate: int) -> None:
    """Write the counts to an artifact's custom properties."""
    for name, value in {**outcome.properties(), "sample_rate": sample_rate}.items():
        if isinstance(value, int):
            artifact.set_int_custom_property(name, value)
        else:
            artifact.set_float_custom_property(name, value)
