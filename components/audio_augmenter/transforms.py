"""Beam transforms that augment serialised examples; usable without TFX.

Only this module's imports reach a Beam worker: no tfx and no tensorflow, which would be most of
its start-up time. All the audio work lies in `audio.augment.augmenter`; Beam only calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, TaggedOutput

from tfx_audio.components.audio.clip import (
    CLEAN,
    Clip,
    condition_id,
    copy_id,
    is_original_id,
    label_names,
    original_id,
)
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import CLIP_ID_KEY, text_of
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_augmenter import counters
from tfx_audio.components.audio_augmenter.spans import Span, plan_spans, read_span
from tfx_audio.components.audio_augmenter.user_records import CONTRACT, ContractRecords
from tfx_audio.components.progress_files import FinishedCount
from tfx_audio.components.sound_bank.staging import stage_banks

if TYPE_CHECKING:
    from tfx_audio.components.audio.augment.augmenter import AugmentationFailed

EXAMPLES = "examples"
REJECTED = "rejected"
STAGE = "augment"
UNREADABLE = "unreadable_example"
COPY = "augmented_already"
LabelCounts = Any  # Mapping[str, int], or a Beam side input of one


class ReadExamples(beam.PTransform):
    """Read serialised examples from TFRecord files, spread over all workers."""

    def __init__(self, source: str | Sequence[str] | Sequence[Span]) -> None:
        """Plan the reading.

        Args:
          source: File patterns, or spans that `spans.plan_spans` has cut already.
        """
        super().__init__()
        if isinstance(source, str) or (source and isinstance(source[0], str)):
            self._spans = plan_spans(source)  # type: ignore[arg-type]
        else:
            self._spans = list(source)  # type: ignore[arg-type]

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[bytes]:
        """Return the examples; only the spans' names and offsets are shuffled, never audio."""
        return (
            begin
            | "Spans" >> beam.Create(self._spans)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(read_span).with_output_types(bytes)
        )


class AugmentClips(beam.PTransform):
    """Make augmented copies of every example.

    Input: serialised examples of the data contract, or with the user's own features (`records`).
    Output: a pair of collections,
    ``.examples`` (kept originals and copies, serialised) and ``.rejected`` (JSON lines of
    `Rejection`: a copy that failed, or an example that can't be read).
    """

    def __init__(
        self,
        policy: AugmentationPolicy,
        bank_uris: Mapping[str, str] | None = None,
        label_counts: LabelCounts = None,
        progress_dir: str = "",
        records: ContractRecords = CONTRACT,
    ) -> None:
        """Keep the configuration; nothing is loaded before a worker starts.

        Args:
          policy: What to apply, and to how many copies.
          bank_uris: Folders of the sound banks that the policy names, on any file system.
          label_counts: Clips by label, needed if the policy balances: a mapping, or a side input
            of one (``beam.pvalue.AsDict(examples | CountLabels())``).
          progress_dir: Where workers note how many clips they have finished; empty for nowhere.
          records: How the examples are read and written (`user_records.user_records`).
        """
        super().__init__()
        self._policy = policy
        self._fn = AugmentFn(policy, bank_uris, progress_dir, records)
        self._label_counts = label_counts

    def expand(self, examples: beam.PCollection[bytes]) -> DoOutputsTuple:
        """Return the tagged outputs."""
        if self._policy.balance != "none" and self._label_counts is None:
            raise ValueError(
                "the policy balances by label: AugmentClips needs label_counts, for instance "
                "beam.pvalue.AsDict(examples | CountLabels())"
            )
        from tfx_audio.components.local_workers import watch_workers  # no worker's business

        watch_workers()
        return examples | "Augment" >> beam.ParDo(self._fn, self._label_counts).with_outputs(
            REJECTED, main=EXAMPLES
        )


class MakeConditions(beam.PTransform):
    """Make the robustness conditions of an evaluation split: one clip in each, for every clip.

    Output: ``outputs[<condition>]`` serialised examples, and ``outputs.rejected``.
    """

    def __init__(
        self,
        policy: AugmentationPolicy,
        bank_uris: Mapping[str, str] | None = None,
        progress_dir: str = "",
        records: ContractRecords = CONTRACT,
    ) -> None:
        """Keep the configuration; see `AugmentClips`."""
        super().__init__()
        self._names = sorted(policy.conditions)
        self._fn = ConditionFn(policy, bank_uris, progress_dir, records)

    def expand(self, examples: beam.PCollection[bytes]) -> DoOutputsTuple:
        """Return the tagged outputs."""
        tags = [REJECTED, *(condition_tag(name) for name in self._names)]
        return examples | "MakeConditions" >> beam.ParDo(self._fn).with_outputs(*tags)


class CountLabels(beam.PTransform):
    """Count examples by label: a collection of ``(label, clips)``."""

    def __init__(self, records: ContractRecords = CONTRACT) -> None:
        """Keep how they are read."""
        super().__init__()
        self._records = records

    def expand(self, examples: beam.PCollection[bytes]) -> beam.PCollection[tuple[str, int]]:
        """Return one pair a label."""
        return (
            examples
            | "Label" >> beam.FlatMap(_labels, self._records).with_output_types(str)
            | "Count" >> beam.combiners.Count.PerElement()
        )


def condition_tag(name: str) -> str:
    """Return the output tag of a condition."""
    return f"condition_{name}"


class ExampleFn(beam.DoFn):
    """Passes examples on; what all DoFns share: what is not an example, and what it counts."""

    def __init__(self, records: ContractRecords = CONTRACT) -> None:
        self._records = records

    def setup(self) -> None:
        """Begin to count."""
        self._counts: Counter[str] = Counter()

    def finish_bundle(self) -> None:
        """Hand on what was counted."""
        counters.hand_to_beam(self.take_counts())

    def take_counts(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        counts = dict(self._counts)
        self._counts.clear()
        return counts

    def process(self, example: bytes) -> Iterator[bytes | TaggedOutput]:
        """Yield the example, or its rejection."""
        clip, example = self._parse(example)
        yield self._unreadable(example) if clip is None else example

    def _parse(self, example: bytes) -> tuple[Clip | None, bytes]:
        """Return clip and example; None for a clip that can't be read (`_unreadable` says why).

        An original that is called as a copy would be gets another name; ingest gives none such.
        """
        try:
            clip = self._records.read(example)
        except ValueError as error:
            self._why = str(error)
            return None, example
        if clip.copy_index or clip.condition != CLEAN or is_original_id(clip.clip_id):
            return clip, self._records.keep(example, clip)
        name = original_id(clip.clip_id)
        clip = clip.replace(clip_id=name, source_clip_id=name)
        return clip, self._records.write(clip)

    def _unreadable(self, example: bytes) -> TaggedOutput:
        name = text_of(example, CLIP_ID_KEY)
        return self._reject(Rejection(name, UNREADABLE, STAGE, self._why))

    def _reject(self, rejection: Rejection) -> TaggedOutput:
        self._counts[counters.part(counters.REJECTED, rejection.reason)] += 1
        return TaggedOutput(REJECTED, rejection.to_json())


class PolicyFn(ExampleFn):
    """What augments: the augmenter, built once a worker."""

    def __init__(
        self,
        policy: AugmentationPolicy,
        bank_uris: Mapping[str, str] | None,
        progress_dir: str,
        records: ContractRecords = CONTRACT,
    ) -> None:
        super().__init__(records)
        self._policy_json = policy.to_json()
        self._bank_uris = dict(bank_uris or {})
        self._progress_dir = progress_dir

    def setup(self) -> None:
        """Build the augmenter."""
        super().setup()
        # audiomentations is loaded by the worker that uses it, not by whoever imports this module.
        from tfx_audio.components.audio.augment import augmenter

        self._failed = augmenter.AugmentationFailed
        self._policy = AugmentationPolicy.from_json(self._policy_json)
        self._augmenter = augmenter.Augmenter(self._policy, stage_banks(self._bank_uris))
        self._stats: Mapping[str, augmenter.TransformStats] = {}
        self._finished = FinishedCount(self._progress_dir)

    def finish_bundle(self) -> None:
        """Hand on what was counted."""
        super().finish_bundle()
        self._finished.write()

    def take_counts(self) -> dict[str, int]:
        """Return what was counted since the last call."""
        for name, stats in self._augmenter.stats.items():
            before = self._stats.get(name)
            applied, seconds = (before.applied, before.seconds) if before else (0, 0.0)
            microseconds = round(1e6 * (stats.seconds - seconds))
            self._counts[counters.part(counters.APPLIED, name)] += stats.applied - applied
            self._counts[counters.part(counters.MICROSECONDS, name)] += microseconds
        self._stats = self._augmenter.stats
        return super().take_counts()

    def process(
        self, example: bytes, label_counts: Mapping[str, int] | None = None
    ) -> Iterator[bytes | TaggedOutput]:
        """Yield what is made of one example."""
        clip, example = self._parse(example)
        if clip is None:
            yield self._unreadable(example)
            return
        self._counts[counters.READ] += 1
        self._counts[counters.AUDIO_MS_IN] += round(1000 * clip.duration_s)
        yield from self._made(clip, example, label_counts)
        self._finished.add(1)

    def _made(
        self, clip: Clip, example: bytes, label_counts: Mapping[str, int] | None
    ) -> Iterator[bytes | TaggedOutput]:
        """Yield what is made of a clip: copies or conditions, which each subclass says itself."""
        raise NotImplementedError

    def _failure(self, clip: Clip, made: str, error: AugmentationFailed) -> TaggedOutput:
        detail = f"{error.transform}: {error.detail}"
        return self._reject(Rejection(made, error.reason, STAGE, detail, clip.label))


class AugmentFn(PolicyFn):
    """Yields the original, if it is kept, and its copies."""

    def _made(
        self, clip: Clip, example: bytes, label_counts: Mapping[str, int] | None
    ) -> Iterator[bytes | TaggedOutput]:
        if clip.copy_index:
            source = f"copy {clip.copy_index} of {clip.source_clip_id}"
            detail = f"{source}; copies are made of originals only"
            yield self._reject(Rejection(clip.clip_id, COPY, STAGE, detail, clip.label))
            return
        if self._policy.keep_originals:
            self._counts[counters.KEPT] += 1
            yield example
        for copy_index in range(1, self._policy.copies_for(clip.label, label_counts) + 1):
            yield self._copy(clip, copy_index)

    def _copy(self, clip: Clip, copy_index: int) -> bytes | TaggedOutput:
        try:
            copy = self._augmenter.augment(clip, copy_index)
        except self._failed as error:
            return self._failure(clip, copy_id(clip.clip_id, copy_index), error)
        self._counts[counters.AUGMENTED] += 1
        self._counts[counters.AUDIO_MS_OUT] += round(1000 * copy.duration_s)
        return self._records.write(copy)


class ConditionFn(PolicyFn):
    """Yields a clip under every condition of the policy."""

    def _made(
        self, clip: Clip, example: bytes, label_counts: Mapping[str, int] | None
    ) -> Iterator[bytes | TaggedOutput]:
        return (self._under(clip, name) for name in self._policy.conditions)

    def _under(self, clip: Clip, name: str) -> TaggedOutput:
        try:
            made = self._augmenter.condition(clip, name)
        except self._failed as error:
            return self._failure(clip, condition_id(clip.clip_id, name), error)
        self._counts[counters.part(counters.CONDITIONED, name)] += 1
        return TaggedOutput(condition_tag(name), self._records.write(made))


def _labels(example: bytes, records: ContractRecords) -> list[str]:
    """Return the example's labels, or nothing where it can't be read (the augmentation says so)."""
    try:
        return list(label_names(records.label(example)))
    except (ValueError, AttributeError):
        return []
