"""Run an `AugmentationJob`: splits of examples in, augmented splits and counts out. Beam, no TFX.

The executor and `tfx-audio augment` both run this.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tfx_audio.components import progress_files
from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.splits import TRAIN
from tfx_audio.components.audio_augmenter.counters import AugmentationCounts, read_counts
from tfx_audio.components.audio_augmenter.finished_spans import (
    FinishedSpans,
    FinishSpanFn,
    plan_work,
)
from tfx_audio.components.audio_augmenter.job import CONDITIONS, AugmentationJob
from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf
from tfx_audio.components.audio_augmenter.provenance import library_versions
from tfx_audio.components.audio_augmenter.record_check import check_records
from tfx_audio.components.audio_augmenter.spans import (
    Span,
    count_records,
    plan_spans,
    sample_records,
)
from tfx_audio.components.audio_augmenter.transforms import (
    EXAMPLES,
    REJECTED,
    AugmentClips,
    AugmentFn,
    ConditionFn,
    CountLabels,
    ExampleFn,
    MakeConditions,
    ReadExamples,
    condition_tag,
)
from tfx_audio.components.audio_augmenter.workers import (
    Work,
    choose_workers,
    is_chosen,
    worker_args,
)
from tfx_audio.components.code_digest import import_closure_digest
from tfx_audio.components.local_workers import explain, watch_workers
from tfx_audio.components.open_files import match_files, open_file
from tfx_audio.components.sound_bank.staging import stage_banks

STAGE = "AudioAugmenter"
SHARD_PREFIX = "data_tfrecord"
_SAMPLED_RECORDS = 8
_LABELS, _ROOTS = "-labels", "-roots"  # folders beside that of the progress


def run_job(
    job: AugmentationJob,
    make_pipeline: Callable[[list[str]], beam.Pipeline],
    beam_args: Sequence[str] = (),
) -> AugmentationCounts:
    """Run a job and return what it counted.

    Args:
      job: What to do.
      make_pipeline: Makes an empty Beam pipeline from Beam's arguments.
      beam_args: Beam's arguments. Where they do not say how many workers there are, as many
        local processes are taken as the work is worth.

    Raises:
      InvalidInput: If an input or the policy can't be used; nothing has been written then.
    """
    job.check()
    augmenter = Augmenter(job.policy, stage_banks(job.bank_uris))
    spans = {split: plan_spans(patterns) for split, patterns in job.inputs.items()}
    check_records(job.records, sample_records(spans[TRAIN], _SAMPLED_RECORDS))
    by_label = job.policy.balance != "none" or job.policy.labels  # so they are counted first
    label_counts = _count_labels(job, spans[TRAIN]) if by_label else None

    def run(to_do: Mapping[str, list[Span]], add_steps: Callable[[beam.Pipeline], None]) -> Any:
        train, judged = to_do[TRAIN], to_do.get(CONDITIONS, [])
        args = list(beam_args)
        if not is_chosen(args):
            copies = average_copies(job.policy, label_counts)
            work = [Work(train, copies, job.records), Work(judged, records=job.records)]
            args += worker_args(choose_workers(work, augmenter))
        watch_workers()
        pipeline = make_pipeline(args)
        add_steps(pipeline)
        with progress_files.follow(job.progress_dir, STAGE, count_records([*train, *judged])):
            return _finish(pipeline)

    to_do = job.spans_by_step(spans)
    if job.kept_dir:
        return _run_kept(job, to_do, label_counts, run)
    counts = read_counts(run(to_do, lambda pipeline: build(pipeline, job, spans, label_counts)))
    roots = {split: describe_leaves([]) for split in job.output_splits}
    for found in _lines_once(f"{job.progress_dir}{_ROOTS}"):
        roots |= found
    return replace(counts, records=roots)


def _finish(pipeline: beam.Pipeline) -> Any:
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except RuntimeError as error:
        raise explain(error) from error
    return result


def _run_kept(
    job: AugmentationJob,
    spans_by_step: Mapping[str, list[Span]],
    label_counts: Mapping[str, int] | None,
    run: Callable[[Mapping[str, list[Span]], Callable[[beam.Pipeline], None]], Any],
) -> AugmentationCounts:
    """Do what no earlier job for the same has finished, and put the output together."""
    code = import_closure_digest("tfx_audio.components.audio_augmenter.finished_spans")
    versions = library_versions(job.policy)
    reasons = [job.policy.to_json(), job.bank_digest, label_counts, code, versions]
    depends_on = json.dumps(reasons, sort_keys=True)
    finished = FinishedSpans(
        job.kept_dir,
        [w for step, spans in spans_by_step.items() for w in plan_work(step, spans, depends_on)],
    )
    if missing := finished.missing():
        given = (job.policy, job.bank_uris, job.progress_dir, job.records)
        passed = {split: ExampleFn(job.records) for split in job.passed_splits}
        do_work = FinishSpanFn(
            {TRAIN: AugmentFn(*given), **passed, CONDITIONS: ConditionFn(*given)},
            job.outputs_by_step,
            job.kept_dir,
            {TRAIN: (label_counts,)},
        )
        to_do = {step: [w.span for w in missing if w.step == step] for step in spans_by_step}
        work = beam.Create(missing) | beam.Reshuffle() | beam.ParDo(do_work)
        run(to_do, lambda pipeline: pipeline | work)
    roots = {}
    for step in spans_by_step:
        for split in job.outputs_by_step[step].values():
            finished.place(step, split, functools.partial(_shard, job.split_uri(split)))
            roots[split] = describe_leaves(finished.leaves(step, split))
    with open(os.path.join(job.rejected_dir, "rejected.jsonl"), "wb") as table:
        table.writelines(finished.rejected())
    return replace(finished.counts(), records=roots)


def _shard(folder: str, number: int, count: int) -> str:
    return os.path.join(folder, f"{SHARD_PREFIX}-{number:05}-of-{count:05}")


def average_copies(policy: AugmentationPolicy, label_counts: Mapping[str, int] | None) -> float:
    """Return how many copies the average clip gets."""
    clips = sum((label_counts or {}).values())
    if not label_counts or not clips:
        return policy.copies_per_clip
    return (
        sum(policy.copies_for(name, label_counts) * n for name, n in label_counts.items()) / clips
    )


def build(
    pipeline: beam.Pipeline,
    job: AugmentationJob,
    spans: Mapping[str, list[Span]],
    label_counts: Mapping[str, int] | None = None,
) -> None:
    """Add a job's steps to a pipeline."""
    policy, banks, records = job.policy, job.bank_uris, job.records
    augmented = (
        pipeline
        | "Read[train]" >> ReadExamples(spans[TRAIN])
        | "Augment[train]" >> AugmentClips(policy, banks, label_counts, job.progress_dir, records)
    )
    suffix = ".gz" if any(span.path.endswith(".gz") for span in spans[TRAIN]) else ""
    leaves = [_write(augmented[EXAMPLES], job, TRAIN, suffix)]
    rejected = [augmented[REJECTED]]
    for split in job.passed_splits:
        check = beam.ParDo(ExampleFn(records))
        passed = (
            pipeline
            | f"Read[{split}]" >> ReadExamples(spans[split])
            | f"Check[{split}]" >> check.with_outputs(REJECTED, main=EXAMPLES)
        )
        leaves.append(_write(passed[EXAMPLES], job, split, suffix))
        rejected.append(passed[REJECTED])
    if job.judged_split:
        made = (
            pipeline
            | "Read[conditions]" >> ReadExamples(spans[job.judged_split])
            | "Conditions" >> MakeConditions(policy, banks, job.progress_dir, records)
        )
        for name, split in job.condition_splits.items():
            leaves.append(_write(made[condition_tag(name)], job, split, suffix))
        rejected.append(made[REJECTED])
    _ = (
        rejected
        | "Rejected" >> beam.Flatten()
        | "Write[rejected]"
        >> beam.io.WriteToText(
            FileSystems.join(job.rejected_dir, "rejected"), file_name_suffix=".jsonl", num_shards=1
        )
    )
    _ = (
        leaves
        | "Leaves" >> beam.Flatten()
        | "By split" >> beam.GroupByKey()
        | "Root" >> beam.MapTuple(lambda split, found: json.dumps({split: describe_leaves(found)}))
        | "Write[roots]" >> beam.io.WriteToText(_lines_in(job, _ROOTS), num_shards=1)
    )


def _count_labels(job: AugmentationJob, spans: Sequence[Span]) -> dict[str, int]:
    """Count the training clips by label, and check the policy's labels against them."""
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | ReadExamples(spans)
            | CountLabels(job.records)
            | beam.Map(json.dumps)
            | beam.io.WriteToText(_lines_in(job, _LABELS), num_shards=1)
        )
    counts = dict(_lines_once(f"{job.progress_dir}{_LABELS}"))
    job.policy.check_labels(counts)
    return counts


def _lines_in(job: AugmentationJob, folder: str) -> str:
    return str(FileSystems.join(f"{job.progress_dir}{folder}", "lines"))


def _lines_once(folder: str) -> list[Any]:
    """Return the JSON lines of a folder's files, and remove it."""
    lines: list[Any] = []
    for path in match_files(folder, "lines*"):
        with open_file(path) as file:
            lines.extend(map(json.loads, file))
    FileSystems.delete([folder])
    return lines


def _write(
    examples: beam.PCollection[bytes], job: AugmentationJob, split: str, suffix: str
) -> beam.PCollection[tuple[str, bytes]]:
    """Write a split, gzipped where the input is (a Trainer may expect either); return leaves."""
    prefix = FileSystems.join(job.split_uri(split), SHARD_PREFIX)
    _ = examples | f"Write[{split}]" >> beam.io.WriteToTFRecord(prefix, file_name_suffix=suffix)
    leaves = beam.Map(lambda example: (split, leaf(example)))
    return examples | f"Leaf[{split}]" >> leaves.with_output_types(tuple[str, bytes])
