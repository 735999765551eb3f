"""Beam transforms of ingestion: recordings to clips, and to shards of examples by split.

Workers import this module: it loads neither TFX nor TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.fingerprint import landmarks
from tfx_audio.components.audio.reading.recording import CutClip, Recording
from tfx_audio.components.audio.records.examples import (
    CLIP_ID_KEY,
    GROUP_KEY,
    LABEL_KEY,
    pcm16_to_example,
)
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import KEEP_ORDER, SplitRule
from tfx_audio.components.audio_example_gen.duplicates import (
    DUPLICATE_AUDIO,
    DUPLICATE_ID,
    FindDuplicates,
    FindNearDuplicates,
)
from tfx_audio.components.audio_example_gen.shard_files import write_shard
from tfx_audio.components.audio_example_gen.shard_lists import Shard
from tfx_audio.components.audio_example_gen.stored_clips import read_recording, recording_number
from tfx_audio.components.progress_files import FinishedCount

FACTS = "facts"
REJECTED = "rejected"
_SIGHTINGS = "sightings"
_LANDMARKS = "landmarks"


def read_clips(recording: Recording, clip_format: ClipFormat) -> Iterator[Any]:
    """Yield the clips of a recording; what can't be used is tagged `REJECTED`."""
    for cut in read_recording(recording, clip_format):
        yield beam.pvalue.TaggedOutput(REJECTED, cut) if isinstance(cut, Rejection) else cut.clip


@dataclass(frozen=True)
class IngestJob:
    """What workers need to know.

    Attributes:
      clip_format: What clips are made into.
      rule: How they are divided.
      split_uris: Folder of each split.
      progress_dir: Where workers note how many clips they have finished; empty for nowhere.
      finds_near_duplicates: Whether they are looked for.
    """

    clip_format: ClipFormat
    rule: SplitRule
    split_uris: Mapping[str, str]
    progress_dir: str = ""
    finds_near_duplicates: bool = False


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
            REJECTED, _SIGHTINGS, _LANDMARKS, main=FACTS
        )
        drops = done[_SIGHTINGS] | FindDuplicates()
        if self._fn.job.finds_near_duplicates:
            near = done[_LANDMARKS] | FindNearDuplicates()
            drops = (drops, near) | "Drops" >> beam.Flatten()
        facts = (done[FACTS], drops) | "Facts" >> beam.Flatten()
        return {FACTS: facts, REJECTED: done[REJECTED]}


class _IngestShardFn(beam.DoFn):
    def __init__(self, job: IngestJob) -> None:
        self.job = job
        self._finished: FinishedCount | None = None

    def setup(self) -> None:
        self._finished = FinishedCount(self.job.progress_dir)

    def process(self, shard: Shard) -> Iterator[Any]:
        assert self._finished is not None
        number, recordings = shard.number, shard.recordings()
        job = self.job
        counts: dict[tuple[str, str], list[float]] = {}
        rejected: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        contents: list[str] = []
        with write_shard(job.split_uris, number) as write:
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
                    position = write(split, pcm16_to_example(clip, cut.pcm))
                    count = counts.setdefault((split, clip.label), [0, 0.0])
                    count[0] += 1
                    count[1] += clip.duration_s
                    noted.update([cut.note] if cut.note else [])
                    yield from _sightings(
                        recording, cut, split, number, position, job.finds_near_duplicates
                    )
        self._finished.write()
        yield json.dumps(
            {
                "counts": [[*key, *value] for key, value in sorted(counts.items())],
                "rejected": dict(sorted(rejected.items())),
                "noted": dict(sorted(noted.items())),
                "read": sum(
                    recording_number(*pair) for pair in zip(recordings, contents, strict=True)
                ),
            }
        )


def _sightings(
    recording: Recording, cut: CutClip, split: str, shard: int, position: int, by_landmarks: bool
) -> Iterator[Any]:
    """Yield a clip by its audio, by its id where that may occur twice, by landmarks if asked."""
    clip = cut.clip
    rank = KEEP_ORDER.index(split)
    sighting = (rank, shard, position, clip.clip_id, clip.label, clip.duration_s)
    key = (DUPLICATE_AUDIO, cut.audio_digest[:16])
    yield beam.pvalue.TaggedOutput(_SIGHTINGS, (key, sighting))
    if recording.features:
        digest = hashlib.sha256(clip.clip_id.encode()).digest()[:16]
        yield beam.pvalue.TaggedOutput(_SIGHTINGS, ((DUPLICATE_ID, digest), sighting))
    found = landmarks(clip.waveform, clip.sample_rate) if by_landmarks else {}
    for landmark, step in found.items():
        yield beam.pvalue.TaggedOutput(_LANDMARKS, (landmark, (sighting, step)))


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
