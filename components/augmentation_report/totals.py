"""Counts a run's clips before and after augmentation, from features alone (no audio)."""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfx_audio.components.audio.clip import label_names
from tfx_audio.components.audio.records import examples

HISTOGRAM_BINS = 24


@dataclass
class SplitTotals:
    """What one split holds; a copy is unchanged if no transform was drawn for it."""

    clips: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    copies: int = 0
    unchanged: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    durations_s: array[float] = field(default_factory=lambda: array("f"))
    rms_dbfs: array[float] = field(default_factory=lambda: array("f"))
    peak_dbfs: array[float] = field(default_factory=lambda: array("f"))

    def add(self, features: Mapping[str, Sequence[Any]]) -> None:
        """Count one example of the data contract, given as parsed features."""
        duration_s = float(features[examples.DURATION_KEY][0])
        for label in label_names(examples.label_of(features)):
            self.clips[label] += 1
            self.seconds[label] += duration_s
        if int(features[examples.COPY_INDEX_KEY][0]) > 0:
            self.copies += 1
            record = json.loads(features[examples.AUGMENTATION_KEY][0])
            steps = record.get("transforms", [])
            self.unchanged += not steps
            self.applied.update({step["name"] for step in steps})
        self.durations_s.append(duration_s)
        self.rms_dbfs.append(float(features[examples.RMS_KEY][0]))
        self.peak_dbfs.append(float(features[examples.PEAK_KEY][0]))

    @property
    def total_clips(self) -> int:
        """Clips, whatever their labels."""
        return len(self.durations_s)

    @property
    def total_seconds(self) -> float:
        """Seconds of all clips."""
        return float(np.sum(self.durations_s, dtype=np.float64))


@dataclass(frozen=True)
class Bar:
    """One bin of a histogram: its range and the share of clips in it, before and after."""

    low: float
    high: float
    before: float
    after: float


@dataclass(frozen=True)
class Histogram:
    """Two distributions over common bins, each in per cent of its own clips."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    summary: str

    @property
    def highest(self) -> float:
        """The largest share, in per cent; 1 at least, to divide by."""
        return max([1.0, *(max(bar.before, bar.after) for bar in self.bars)])


def histogram(
    title: str, unit: str, before: Sequence[float], after: Sequence[float]
) -> Histogram | None:
    """Compare two samples in common bins; None where either is empty."""
    if not len(before) or not len(after):
        return None
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    low, high = min(old.min(), new.min()), max(old.max(), new.max())
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    shares = [100.0 * np.histogram(values, edges)[0] / len(values) for values in (old, new)]
    bars = tuple(
        Bar(float(edges[i]), float(edges[i + 1]), float(shares[0][i]), float(shares[1][i]))
        for i in range(HISTOGRAM_BINS)
    )
    summary = f"{_five_numbers(old, unit)} before; {_five_numbers(new, unit)} after."
    return Histogram(title, unit, bars, summary)


def _five_numbers(values: np.ndarray, unit: str) -> str:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"median {middle:.2f} {unit} (5 to 95 %: {low:.2f} to {high:.2f})"
