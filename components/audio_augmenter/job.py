"""One augmentation job: splits of examples in, augmented splits and counts out. Beam, no TFX.

The executor and `tfx-audio augment` both run this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy import AugmentationPolicy
from tfx_audio.components.audio_augmenter import progress_files
from tfx_audio.components.audio_augmenter.counters import AugmentationCounts, read_counts
from tfx_audio.components.audio_augmenter.spans import Span, count_records, plan_spans
from tfx_audio.components.audio_augmenter.transforms import (
    EXAMPLES,
    REJECTED,
    AugmentClips,
    CountLabels,
    MakeConditions,
    ReadExamples,
    condition_tag,
)

TRAIN, EVAL, TEST = "train", "eval", "test"
STAGE = "AudioAugmenter"
SHARD_PREFIX = "data_tfrecord"


@dataclass(frozen=True)
class AugmentationJob:
    """What is read, what is made of it and where it goes.

    Attributes:
      policy: The augmentation.
      inputs: File patterns by split.
      split_uri: Where an output split is written, by its name.
      rejected_dir: Where the rejected table is written.
      progress_dir: Where workers count what they have finished; removed at the end.
      bank_uris: Folders of the policy's sound banks, by name.
      evaluation_split: The split that is put under the conditions; empty: test, else eval.
    """

    policy: AugmentationPolicy
    inputs: Mapping[str, Sequence[str]]
    split_uri: Callable[[str], str]
    rejected_dir: str
    progress_dir: str
    bank_uris: Mapping[str, str] = field(default_factory=dict)
    evaluation_split: str = ""

    @property
    def judged_split(self) -> str:
        """The split that is put under the conditions, empty if there is none to be had."""
        if self.evaluation_split:
            return self.evaluation_split
        return next((split for split in (TEST, EVAL) if split in self.inputs), "")

    @property
    def condition_splits(self) -> dict[str, str]:
        """Output split by condition."""
        if not self.judged_split:
            return {}
        return {name: f"{self.judged_split}_{name}" for name in self.policy.conditions}

    @property
    def output_splits(self) -> list[str]:
        """Everything that is written: train, eval where there is one, the conditions."""
        passed = [EVAL] if EVAL in self.inputs else []
        return [TRAIN, *passed, *self.condition_splits.values()]

    def check(self) -> None:
        """Raise `InvalidInput` for a split or a sound bank that is not there."""
        for split in filter(None, (TRAIN, self.judged_split)):
            if split not in self.inputs:
                raise InvalidInput(
                    f"augmentation needs a split '{split}'; the examples have "
                    f"{', '.join(sorted(self.inputs)) or 'none'}"
                )
        missing = set(self.policy.sound_banks) - set(self.bank_uris)
        if missing:
            raise InvalidInput(
                f"the policy names the sound bank(s) {', '.join(sorted(missing))}; given: "
                f"{', '.join(sorted(self.bank_uris)) or 'none'}"
            )


def run_job(
    job: AugmentationJob, make_pipeline: Callable[[Mapping[str, list[Span]]], beam.Pipeline]
) -> AugmentationCounts:
    """Run a job and return what it counted.

    Args:
      job: What to do.
      make_pipeline: Makes an empty Beam pipeline for the work planned (spans by split).

    Raises:
      InvalidInput: If an input can't be used.
    """
    job.check()
    spans = {split: plan_spans(patterns) for split, patterns in job.inputs.items()}
    label_counts = _count_labels(job, spans[TRAIN]) if needs_labels(job.policy) else None
    pipeline = make_pipeline(spans)
    build(pipeline, job, spans, label_counts)
    worked = [*spans[TRAIN], *spans.get(job.judged_split, [])]
    with progress_files.follow(job.progress_dir, STAGE, count_records(worked)):
        result = pipeline.run()
        result.wait_until_finish()
    return read_counts(result)


def build(
    pipeline: beam.Pipeline,
    job: AugmentationJob,
    spans: Mapping[str, list[Span]],
    label_counts: Mapping[str, int] | None = None,
) -> None:
    """Add a job's steps to a pipeline."""
    policy, banks = job.policy, job.bank_uris
    augmented = (
        pipeline
        | "Read[train]" >> ReadExamples(spans[TRAIN])
        | "Augment[train]" >> AugmentClips(policy, banks, label_counts, job.progress_dir)
    )
    _write(augmented[EXAMPLES], job, TRAIN)
    rejected = [augmented[REJECTED]]
    if EVAL in job.inputs:
        _write(pipeline | "Read[eval]" >> ReadExamples(spans[EVAL]), job, EVAL)
    if job.judged_split:
        made = (
            pipeline
            | "Read[conditions]" >> ReadExamples(spans[job.judged_split])
            | "Conditions" >> MakeConditions(policy, banks, job.progress_dir)
        )
        for name, split in job.condition_splits.items():
            _write(made[condition_tag(name)], job, split)
        rejected.append(made[REJECTED])
    _ = (
        rejected
        | "Rejected" >> beam.Flatten()
        | "Write[rejected]"
        >> beam.io.WriteToText(
            FileSystems.join(job.rejected_dir, "rejected"), file_name_suffix=".jsonl", num_shards=1
        )
    )


def needs_labels(policy: AugmentationPolicy) -> bool:
    """Return whether the policy treats labels differently, so that they are counted first."""
    return policy.balance != "none" or bool(policy.labels)


def _count_labels(job: AugmentationJob, spans: Sequence[Span]) -> dict[str, int]:
    """Count the training clips by label, and check the policy's labels against them."""
    prefix = FileSystems.join(job.progress_dir + "-labels", "labels")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | ReadExamples(spans)
            | CountLabels()
            | beam.Map(json.dumps)
            | beam.io.WriteToText(prefix, num_shards=1)
        )
    counts = dict(_json_lines(prefix + "*"))
    FileSystems.delete([job.progress_dir + "-labels"])
    job.policy.check_labels(counts)
    return counts


def _json_lines(pattern: str) -> list[Any]:
    lines: list[Any] = []
    for match in FileSystems.match([pattern])[0].metadata_list:
        with FileSystems.open(match.path) as file:
            lines.extend(json.loads(line) for line in file.read().splitlines())
    return lines


def _write(examples: beam.PCollection[bytes], job: AugmentationJob, split: str) -> None:
    prefix = FileSystems.join(job.split_uri(split), SHARD_PREFIX)
    _ = examples | f"Write[{split}]" >> beam.io.WriteToTFRecord(prefix)
