"""How many local worker processes a job is worth.

Worker processes cost `START_S` seconds before the first of them works, nearly all of it imports
(docs/augmenter.md has the measurement). What the work costs depends on the policy far more than
on the data, so it is timed on a few clips of the job itself. The choice never changes a result:
any number of workers makes the same bytes.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio_augmenter.spans import Span, sample_records
from tfx_audio.components.audio_augmenter.user_records import CONTRACT, ContractRecords

START_S = 7.0
MIN_SECONDS_PER_WORKER = 4.0
_SAMPLED_CLIPS = 6
_SAMPLED_COPIES = 2
_SAMPLING_S = 2.0
_CHOSEN_BY_HAND = ("--direct_running_mode", "--direct_num_workers")
_LOCAL_RUNNERS = ("", "DirectRunner", "SwitchingDirectRunner", "FnApiRunner")
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """Examples that are to be augmented, or put under the conditions.

    Attributes:
      spans: Where they are.
      copies: Copies of the average clip; None for one clip under each condition.
      records: How they are read and written.
    """

    spans: Sequence[Span]
    copies: float | None = None
    records: ContractRecords = CONTRACT


def is_chosen(beam_args: Sequence[str]) -> bool:
    """Return whether Beam's arguments already say where, or with how many workers, to run."""
    runner = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner or ""
    chosen = any(arg.startswith(_CHOSEN_BY_HAND) for arg in beam_args)
    return chosen or runner.rpartition(".")[2] not in _LOCAL_RUNNERS


def worker_args(workers: int) -> list[str]:
    """Return Beam's arguments for so many local worker processes; one is this process itself."""
    if workers <= 1:
        return ["--direct_num_workers=1"]
    return ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]


def choose_workers(works: Sequence[Work], augmenter: Augmenter, cpus: int | None = None) -> int:
    """Return the number of processes that finishes the work first; 1: this process alone.

    Args:
      works: What is to be done.
      augmenter: Does a little of it, to be timed.
      cpus: Processors to be had; by default what this process may use.
    """
    seconds = sum(estimate_seconds(work, augmenter) for work in works)
    workers = worthwhile_workers(seconds, cpus or usable_cpus())
    _LOGGER.info("about %.0f s of augmentation: %d worker process(es)", seconds, workers)
    return workers


def worthwhile_workers(seconds: float, cpus: int) -> int:
    """Return the number of processes for `seconds` of work on `cpus` processors."""
    workers = min(cpus, int(seconds / MIN_SECONDS_PER_WORKER))
    saved = seconds - seconds / max(1, workers)
    return workers if saved > START_S else 1


def estimate_seconds(work: Work, augmenter: Augmenter) -> float:
    """Return about how long one process takes, by timing a few clips spread over the spans."""
    records = sample_records(work.spans, _SAMPLED_CLIPS)
    total = sum(span.size for span in work.spans)
    if not records or not total:
        return 0.0
    _time_one(records[0], work, augmenter)  # the first call of a transform loads what it needs
    seconds, size = 0.0, 0
    for record in records[:_SAMPLED_CLIPS]:
        seconds += _time_one(record, work, augmenter)
        size += len(record)
        if seconds > _SAMPLING_S:
            break
    return seconds / size * total


def usable_cpus() -> int:
    """Return how many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _time_one(example: bytes, work: Work, augmenter: Augmenter) -> float:
    """Return the seconds that all that is made of one example takes, by timing a part."""
    try:
        start = time.perf_counter()
        clip = work.records.read(example)
        reading = time.perf_counter() - start
    except ValueError:
        return 0.0
    if work.copies is None:
        return reading + sum(
            _timed(augmenter, clip, name, work) for name in augmenter.policy.conditions
        )
    sampled = min(_SAMPLED_COPIES, math.ceil(work.copies))
    made = sum(_timed(augmenter, clip, index, work) for index in range(1, sampled + 1))
    return reading + made * work.copies / max(1, sampled)


def _timed(augmenter: Augmenter, clip: Clip, what: int | str, work: Work) -> float:
    start = time.perf_counter()
    try:
        if isinstance(what, int):
            made = augmenter.augment(clip, what)
        else:
            made = augmenter.condition(clip, what)
        work.records.write(made)
    except AugmentationFailed:
        pass  # the worker that makes this copy rejects it, with the reason
    return time.perf_counter() - start
