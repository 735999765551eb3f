"""Beam transforms of ingestion: recordings to clips, and to shards of examples by split.

Workers import this module: it loads neither TFX nor TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import apache_beam as beam

from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import CutClip, Recording
from tfx_audio.components.audio.records.examples import (
    CLIP_ID_KEY,
    GROUP_KEY,
    LABEL_KEY,
    pcm16_to_example,
)
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import KEEP_ORDER, SplitRule
from tfx_audio.components.audio_example_gen.shard_files import ShardWriter
from tfx_audio.components.audio_example_gen.shard_lists import Shard
from tfx_audio.components.audio_example_gen.stored_clips import read_recording, recording_number
from tfx_audio.components.progress_files import FinishedCount

CLIPS = "clips"
FACTS = "facts"
REJECTED = "rejected"
_SIGHTINGS = "sightings"

DUPLICATE_AUDIO = "duplicate_across_splits"
DUPLICATE_ID = "duplicate_id"
CONFLICTING_LABELS = "conflicting_labels"


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


class ReadClips(beam.PTransform):
    """Recordings to clips in memory: outputs `CLIPS` and `REJECTED`."""

    def __init__(self, clip_format: ClipFormat) -> None:
        """Take what clips are made into."""
        super().__init__()
        self._fn = _ReadClipsFn(clip_format)

    def expand(self, recordings: beam.PCollection) -> Any:
        """Read each recording."""
        return recordings | beam.ParDo(self._fn).with_outputs(REJECTED, main=CLIPS)


class _ReadClipsFn(beam.DoFn):
    def __init__(self, clip_format: ClipFormat) -> None:
        self._clip_format = clip_format

    def process(self, recording: Recording) -> Iterator[Any]:
        for cut in read_recording(recording, self._clip_format):
            if isinstance(cut, CutClip):
                yield cut.clip
            else:
                yield beam.pvalue.TaggedOutput(REJECTED, cut)


@dataclass(frozen=True)
class IngestJob:
    """What workers need to know.

    Attributes:
      clip_format: What clips are made into.
      rule: How they are divided.
      split_uris: Folder of each split.
      progress_dir: Where workers note how many clips they have finished; empty for nowhere.
    """

    clip_format: ClipFormat
    rule: SplitRule
    split_uris: Mapping[str, str]
    progress_dir: str = ""


class IngestShards(beam.PTransform):
    """Write each `Shard` as one TFRecord file a split; tell what became of it.

    The audio goes from file to file within one step and is never shuffled. Output `FACTS` has
    JSON lines: ``{"counts": [[split, label, clips, seconds], ...], "rejected": {reason: n},
    "noted": {note: n}, "read": sum of recording_number}`` for each shard, and for each clip that
    must be taken out again ``{"drop": [...], "reason": ..., "beside": [id, label]}`` with the
    fields of a `Sighting` and the clip it can't stand beside. Output `REJECTED` has JSON lines of
    `Rejection`.
    """

    def __init__(self, job: IngestJob) -> None:
        """Take what workers need to know."""
        super().__init__()
        self._fn = _IngestShardFn(job)

    def expand(self, shards: beam.PCollection) -> dict[str, beam.PCollection]:
        """Ingest."""
        done = shards | "Ingest" >> beam.ParDo(self._fn).with_outputs(
            REJECTED, _SIGHTINGS, main=FACTS
        )
        drops = (
            done[_SIGHTINGS]
            | "ByLikeness" >> beam.GroupByKey()
            | "FindDrops" >> beam.FlatMapTuple(_drops)
        )
        facts = (done[FACTS], drops) | "Facts" >> beam.Flatten()
        return {FACTS: facts, REJECTED: done[REJECTED]}


def _drops(key: tuple[str, bytes], sightings: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield which of the clips with one audio, or with one id, must go."""
    reason = key[0]
    first, *others = sorted(Sighting(*sighting) for sighting in sightings)
    other_label = next((one for one in others if one.label != first.label), None)
    if reason == DUPLICATE_AUDIO and other_label:
        for sighting in (first, *others):
            other = other_label if sighting.label == first.label else first
            beside = [other.clip_id, other.label]
            yield json.dumps(
                {"drop": list(sighting), "reason": CONFLICTING_LABELS, "beside": beside}
            )
        return
    for sighting in others:
        if reason == DUPLICATE_ID or sighting.keep_rank > first.keep_rank:
            beside = [first.clip_id, first.label]
            yield json.dumps({"drop": list(sighting), "reason": reason, "beside": beside})


class _IngestShardFn(beam.DoFn):
    def __init__(self, job: IngestJob) -> None:
        self._job = job
        self._finished: FinishedCount | None = None

    def setup(self) -> None:
        self._finished = FinishedCount(self._job.progress_dir)

    def process(self, shard: Shard) -> Iterator[Any]:
        assert self._finished is not None
        number, recordings = shard.number, shard.recordings()
        job = self._job
        counts: dict[tuple[str, str], list[float]] = {}
        rejected: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        contents: list[str] = []
        with ShardWriter(job.split_uris, number) as writer:
            for recording in recordings:
                for cut in read_recording(recording, job.clip_format, contents.append):
                    self._finished.add(1)
                    split = "" if isinstance(cut, Rejection) else _split_of(cut, job.rule)
                    if isinstance(cut, Rejection) or not split:
                        rejection = cut if isinstance(cut, Rejection) else _no_split(cut)
                        rejected[rejection.reason] += 1
                        yield beam.pvalue.TaggedOutput(REJECTED, rejection.to_json())
                        continue
                    clip = cut.clip
                    position = writer.write(split, pcm16_to_example(clip, cut.pcm))
                    count = counts.setdefault((split, clip.label), [0, 0.0])
                    count[0] += 1
                    count[1] += clip.duration_s
                    noted.update([cut.note] if cut.note else [])
                    yield from _sightings(recording, cut, split, number, position)
        self._finished.write()
        yield json.dumps(
            {
                "counts": [[*key, *value] for key, value in sorted(counts.items())],
                "rejected": dict(sorted(rejected.items())),
                "noted": dict(sorted(noted.items())),
                "read": sum(map(recording_number, recordings, contents)),
            }
        )


def _sightings(
    recording: Recording, cut: CutClip, split: str, shard: int, position: int
) -> Iterator[Any]:
    """Yield a clip by its audio, and by its id where that may occur twice."""
    clip = cut.clip
    rank = KEEP_ORDER.index(split)
    sighting = (rank, shard, position, clip.clip_id, clip.label, clip.duration_s)
    key = (DUPLICATE_AUDIO, cut.audio_digest[:16])
    yield beam.pvalue.TaggedOutput(_SIGHTINGS, (key, sighting))
    if recording.features:
        digest = hashlib.sha256(clip.clip_id.encode()).digest()[:16]
        yield beam.pvalue.TaggedOutput(_SIGHTINGS, ((DUPLICATE_ID, digest), sighting))


def _split_of(cut: CutClip, rule: SplitRule) -> str:
    """Return a clip's split, empty if nothing chooses one."""
    clip = cut.clip
    features = {
        **clip.fields,
        LABEL_KEY: clip.label,
        GROUP_KEY: clip.group,
        CLIP_ID_KEY: clip.clip_id,
    }
    return rule.assign(features, cut.split_key, cut.given_split) or ""


def _no_split(cut: CutClip) -> Rejection:
    detail = "no selection chooses it, or it lacks the feature that divides"
    return Rejection(cut.clip.clip_id, "no_split", "split", detail, cut.clip.label)
