"""What a report says, as plain data: the page template draws it and knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.augmentation_report.totals import Histogram

if TYPE_CHECKING:
    from tfx_audio.components.audio_schema_gen.anomalies import Anomaly  # Beam loads slowly


@dataclass(frozen=True)
class Step:
    """One transform that was applied to a copy, and what was drawn, formatted, by name."""

    name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class ClipView:
    """One clip to see and hear.

    Attributes:
      title: ``original``, ``copy 2`` or a condition's name.
      clip_id: The clip's id.
      facts: Length and level in words.
      sound: ``data:`` URI for an audio element.
      waveform: SVG path data.
      mel: ``data:`` URI of the log-mel picture.
      masked_mel: The same after SpecAugment; empty where the model would not mask it.
      masks: What SpecAugment masked, in words.
      steps: Transforms applied, in order.
      cut: Whether only the clip's beginning is embedded.
      seconds: Length of what is embedded.
      hz: The picture's highest, middle and lowest frequency, in words.
      is_copy: Whether it was made by the policy.
      change: Mean difference of its log-mel from the original's, in dB; None for an original.
    """

    title: str
    clip_id: str
    facts: str
    sound: str
    waveform: str
    mel: str
    masked_mel: str
    masks: str
    steps: tuple[Step, ...]
    cut: bool
    seconds: float
    hz: tuple[str, ...]
    is_copy: bool = False
    change: float | None = None


@dataclass(frozen=True)
class FamilyView:
    """One source clip's views."""

    label: str
    source_clip_id: str
    views: tuple[ClipView, ...]

    @property
    def change(self) -> float:
        """The mean change of its copies, in dB."""
        changes = [view.change for view in self.views if view.change is not None]
        return sum(changes) / max(1, len(changes))

    @property
    def transforms(self) -> tuple[str, ...]:
        """The transforms that were applied to any of its copies, sorted."""
        return tuple(sorted({step.name for view in self.views for step in view.steps}))


@dataclass(frozen=True)
class LabelRow:
    """Clips and seconds of one label in one split, before and after.

    Attributes:
      split: The split.
      label: The label, or all of them.
      clips_before: Clips ingested.
      clips_after: Clips after augmentation.
      seconds_before: Their audio.
      seconds_after: Their audio.
      largest: The most clips of any label in the split, for the length of the bars.
    """

    split: str
    label: str
    clips_before: int
    clips_after: int
    seconds_before: float
    seconds_after: float
    largest: int = 0

    @property
    def before_bar(self) -> float:
        """Length of the first bar, in per cent."""
        return 100.0 * self.clips_before / max(self.largest, self.clips_before, 1)

    @property
    def after_bar(self) -> float:
        """Length of the second bar, in per cent."""
        return 100.0 * self.clips_after / max(self.largest, self.clips_after, 1)


@dataclass(frozen=True)
class TransformUse:
    """How often a transform was applied to training copies, and what it cost.

    Attributes:
      name: The transform.
      applied: Copies it was applied to.
      share: Of all copies, 0 to 1.
      ms_each: Milliseconds of one application; None where it was not measured.
    """

    name: str
    applied: int
    share: float
    ms_each: float | None


@dataclass(frozen=True)
class Report:
    """Everything that a page shows.

    Attributes:
      title: The heading.
      summary: ``(name, value)`` pairs at the top.
      families: Source clips with their copies.
      conditions: Held-out clips with their conditions.
      labels: Clips and seconds by split and label.
      histograms: Durations and levels before and after.
      transforms: Counts and cost by transform.
      rejected_counts: ``(stage, reason)`` to how many.
      rejected: The first of the rejected, in detail.
      anomalies: What ExampleValidator found; None where it was not asked.
      policy: The policy's text.
      provenance: ``(name, value)`` pairs: seed, digests, library versions.
      notes: Sentences about what is shown and what is not.
    """

    title: str
    summary: tuple[tuple[str, str], ...]
    families: tuple[FamilyView, ...]
    conditions: tuple[FamilyView, ...] = ()
    labels: tuple[LabelRow, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    transforms: tuple[TransformUse, ...] = ()
    rejected_counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rejected: tuple[Rejection, ...] = ()
    anomalies: tuple[Anomaly, ...] | None = None
    policy: str = ""
    provenance: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
