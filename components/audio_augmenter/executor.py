"""Executor of `AudioAugmenter`: artifacts in, one Beam job, artifacts out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import Artifact, artifact_utils

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.rejection import check_rejected
from tfx_audio.components.audio_augmenter import provenance
from tfx_audio.components.audio_augmenter.job import AugmentationJob
from tfx_audio.components.audio_augmenter.run_job import STAGE, run_job
from tfx_audio.components.audio_augmenter.user_records import user_records
from tfx_audio.components.rejected_table import count_rejected, kept_if_it_fails

EXAMPLES_KEY = "examples"
SOUND_BANKS_KEY = "sound_banks"
AUGMENTED_KEY = "augmented_examples"
REJECTED_KEY = "rejected"
POLICY_KEY = "policy"
COLUMNS_KEY = "columns"
EXTENSIONS_KEY = "extension_versions"
EVALUATION_SPLIT_KEY = "evaluation_split"
MAX_REJECTED_KEY = "max_rejected_fraction"
FAILED_DIR_KEY = "failed_dir"
CODE_DIGEST_KEY = "code_digest"


class Executor(BaseBeamExecutor):
    """Runs the augmentation job and describes its result in the output artifacts."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Augment the examples."""
        augmented = artifact_utils.get_single_instance(output_dict[AUGMENTED_KEY])
        rejected = artifact_utils.get_single_instance(output_dict[REJECTED_KEY])
        banks = input_dict.get(SOUND_BANKS_KEY) or []
        for artifact in (augmented, rejected):
            _empty(artifact.uri)  # an execution that is tried again finds what the last one left
        policy = AugmentationPolicy.from_json(exec_properties[POLICY_KEY])
        columns = exec_properties.get(COLUMNS_KEY) or ""
        job = AugmentationJob(
            policy=policy,
            inputs=input_patterns(input_dict[EXAMPLES_KEY]),
            split_uri=lambda split: artifact_utils.get_split_uri([augmented], split),
            rejected_dir=rejected.uri,
            progress_dir=os.path.join(augmented.uri, ".progress"),
            bank_uris=_bank_uris(policy, banks),
            evaluation_split=exec_properties.get(EVALUATION_SPLIT_KEY) or "",
            records=user_records(columns),
        )
        augmented.split_names = artifact_utils.encode_split_names(job.output_splits)
        counts = run_job(job, self._pipeline_for, self._beam_pipeline_args)
        bank_digest = banks[0].get_string_custom_property("digest") if banks else ""
        facts = provenance.provenance(policy, bank_digest, counts, columns)
        provenance.write_beside(augmented.uri, policy, facts)
        _describe(augmented, facts)
        augmented.set_string_custom_property("evaluation_split", job.judged_split)
        augmented.set_string_custom_property("condition_splits", json.dumps(job.condition_splits))
        count_rejected(rejected, counts.rejected)
        failed_dir = exec_properties.get(FAILED_DIR_KEY) or ""
        with kept_if_it_fails(rejected.uri, failed_dir, STAGE) as table:
            fraction = float(exec_properties[MAX_REJECTED_KEY])
            check_rejected(counts.rejected, counts.attempted, fraction, STAGE, table)

    def _pipeline_for(self, beam_args: list[str]) -> beam.Pipeline:
        self._beam_pipeline_args = beam_args
        return self._make_beam_pipeline()


def input_patterns(examples: list[Artifact]) -> dict[str, list[str]]:
    """Return the file patterns of every split.

    Raises:
      InvalidInput: If the payload is not `tf.train.Example`.
    """
    expected = example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
    for artifact in examples:
        if examples_utils.get_payload_format(artifact) != expected:
            raise InvalidInput(
                f"{STAGE} needs FORMAT_TF_EXAMPLE examples, {artifact.uri} holds "
                f"{examples_utils.get_payload_format_string(artifact)}"
            )
    splits = artifact_utils.decode_split_names(examples[0].split_names)
    return {split: examples_utils.get_split_file_patterns(examples, split) for split in splits}


def _bank_uris(policy: AugmentationPolicy, banks: list[Artifact]) -> dict[str, str]:
    if not banks:
        return {}
    uri = artifact_utils.get_single_uri(banks)
    there = set(fileio.listdir(uri))
    return {name: os.path.join(uri, name) for name in policy.sound_banks if name in there}


def _describe(augmented: Artifact, facts: Mapping[str, Any]) -> None:
    examples_utils.set_payload_format(augmented, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    for name, value in provenance.custom_properties(facts).items():
        if isinstance(value, int):
            augmented.set_int_custom_property(name, value)
        else:
            augmented.set_string_custom_property(name, value)


def _empty(uri: str) -> None:
    if fileio.exists(uri):
        fileio.rmtree(uri)
    fileio.makedirs(uri)
