"""Beam transforms that find clips which can't stand beside another one.

Workers import this module: it loads neither TFX nor TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam

from tfx_audio.components.audio.reading.fingerprint import is_same_sound

DUPLICATE_AUDIO = "duplicate_across_splits"
DUPLICATE_ID = "duplicate_id"
CONFLICTING_LABELS = "conflicting_labels"
NEAR_DUPLICATE = "near_duplicate"
_MAX_MET = 100  # clips with a common landmark that others are held against, held out ones first


class Sighting(NamedTuple):
    """Where a clip was written: what it takes to find its like and to take it out again.

    Attributes:
      keep_rank: Its split, as an index of `KEEP_ORDER`: of two clips the lower stays.
      shard: Number of its shard.
      position: Number of its record in the file of its split and shard.
      clip_id: Its id.
      label: Its label.
      seconds: Its duration.
    """

    keep_rank: int
    shard: int
    position: int
    clip_id: str
    label: str
    seconds: float


class FindDuplicates(beam.PTransform):
    """`Sighting` by likeness to JSON lines of what must go (see `IngestShards`)."""

    def expand(self, sightings: beam.PCollection) -> beam.PCollection:
        """Find."""
        return (
            sightings | "ByLikeness" >> beam.GroupByKey() | "FindDrops" >> beam.FlatMapTuple(_drops)
        )


class FindNearDuplicates(beam.PTransform):
    """``(landmark, (Sighting, step))`` to JSON lines of what sounds like a clip held out of it.

    Only clips that share a landmark are held against each other, never all against all.
    """

    def expand(self, landmarks: beam.PCollection) -> beam.PCollection:
        """Find."""
        return (
            landmarks
            | "ByLandmark" >> beam.GroupByKey()
            | "Meet" >> beam.FlatMapTuple(_meetings)
            | "ByPair" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMapTuple(_near_drops)
        )


def _drops(key: tuple[str, bytes], sightings: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield which of the clips with one audio, or with one id, must go."""
    reason = key[0]
    first, *others = sorted(Sighting(*sighting) for sighting in sightings)
    other_label = next((one for one in others if one.label != first.label), None)
    if reason == DUPLICATE_AUDIO and other_label:
        for sighting in (first, *others):
            other = other_label if sighting.label == first.label else first
            yield _drop(sighting, CONFLICTING_LABELS, other)
        return
    for sighting in others:
        if reason == DUPLICATE_ID or sighting.keep_rank > first.keep_rank:
            yield _drop(sighting, reason, first)


def _drop(sighting: Sighting, reason: str, other: Sighting) -> str:
    beside = [other.clip_id, other.label]
    return json.dumps({"drop": list(sighting), "reason": reason, "beside": beside})


def _meetings(_: int, seen: Iterable[Any]) -> Iterator[Any]:
    """Yield pairs of clips of two splits that share a landmark, and where in each it is."""
    ordered = sorted(seen)
    for kept, kept_step in ordered[:_MAX_MET]:
        for other, step in ordered:
            if Sighting(*other).keep_rank > Sighting(*kept).keep_rank:
                yield (kept, other), (kept_step, step)


def _near_drops(pair: tuple[Any, Any], shared: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Yield the clip that must go of two in two splits, if they sound the same."""
    if is_same_sound(shared):
        kept, other = (Sighting(*one) for one in pair)
        yield _drop(other, NEAR_DUPLICATE, kept)
