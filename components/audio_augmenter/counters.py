"""What the augmentation counts, as Beam metrics.

A worker adds up in plain Python and hands the sums to Beam once a bundle: a Beam counter costs
a microsecond an increment, and a copy has a dozen of them. A bundle that is retried counts once,
because a runner drops the metrics of an attempt that it discards.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apache_beam.metrics import Metrics, MetricsFilter

NAMESPACE = "tfx_audio.augment"

READ = "read"
KEPT = "kept"
AUGMENTED = "augmented"
CONDITIONED = "conditioned"
REJECTED = "rejected"
APPLIED = "applied"
MICROSECONDS = "microseconds"
AUDIO_MS_IN = "audio_ms_in"
AUDIO_MS_OUT = "audio_ms_out"
_SEPARATOR = "/"


def part(name: str, of: str) -> str:
    """Return the name of a counter's part: ``rejected`` of reason ``not_finite``."""
    return f"{name}{_SEPARATOR}{of}"


def hand_to_beam(sums: Mapping[str, int]) -> None:
    """Add sums to Beam's counters; call it in ``finish_bundle``."""
    for name, amount in sums.items():
        Metrics.counter(NAMESPACE, name).inc(amount)


@dataclass(frozen=True)
class AugmentationCounts:
    """The counters of one finished job.

    Attributes:
      read: Clips read, by what they were read for (``train``, a condition's source split).
      kept: Originals that were kept.
      augmented: Copies written.
      conditioned: Clips written, by condition.
      rejected: Copies and clips set aside, by reason.
      applied: How often each transform was applied.
      ms: Milliseconds of worker time in each transform.
      audio_s_in: Seconds of audio read for augmentation.
      audio_s_out: Seconds of audio in the copies.
      records: How many records were written and their Merkle root, by split; no counter.
    """

    read: int = 0
    kept: int = 0
    augmented: int = 0
    conditioned: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    applied: Mapping[str, int] = field(default_factory=dict)
    ms: Mapping[str, float] = field(default_factory=dict)
    audio_s_in: float = 0.0
    audio_s_out: float = 0.0
    records: Mapping[str, Any] = field(default_factory=dict)

    @property
    def attempted(self) -> int:
        """Copies and condition clips that were tried: written or rejected."""
        return self.augmented + sum(self.conditioned.values()) + sum(self.rejected.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, names sorted, times and lengths rounded to milliseconds."""
        return {name: _plain(value) for name, value in vars(self).items() if name != "records"}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in sorted(value.items())}
    return round(value, 3) if isinstance(value, float) else value


def read_counts(result: Any) -> AugmentationCounts:
    """Return the counters of a finished `PipelineResult`."""
    query = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    return add_up({c.key.metric.name: c.result or 0} for c in query["counters"])


def add_up(many_sums: Iterable[Mapping[str, int]]) -> AugmentationCounts:
    """Return what the sums of many bundles or spans come to."""
    values: collections.Counter[str] = collections.Counter()
    for sums in many_sums:
        values.update(sums)
    parts: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for name, value in values.items():
        kind, _, part = name.partition(_SEPARATOR)
        if part:
            parts[kind][part] = value
    return AugmentationCounts(
        read=values[READ],
        kept=values[KEPT],
        augmented=values[AUGMENTED],
        conditioned=parts[CONDITIONED],
        rejected=parts[REJECTED],
        applied=parts[APPLIED],
        ms={name: value / 1000 for name, value in parts[MICROSECONDS].items()},
        audio_s_in=values[AUDIO_MS_IN] / 1000,
        audio_s_out=values[AUDIO_MS_OUT] / 1000,
    )
