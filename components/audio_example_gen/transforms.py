"""Beam transforms of ingestion: recordings to clips, and to shards of examples by split.

Workers import this module: it loads neither TFX nor TensorFlow.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio import examples as clip_examples
from tfx_audio.components.audio.clip import Clip, to_pcm16
from tfx_audio.components.audio.recording import STAGE, ClipFormat, Recording, cut_clips
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import KEEP_ORDER, SplitRule
from tfx_audio.components.audio.tfrecord import read_records, write_record

REJECTED = "rejected"
CLIPS = "clips"
FACTS = "facts"
_SIGHTINGS = "sightings"
_CLIPS_PER_SHARD = 512
_MIN_CLIPS_PER_SHARD = 32
_USUAL_SHARDS = 16


class Shard(NamedTuple):
    """Recordings that one worker reads and whose clips it writes.

    Attributes:
      index: Its number.
      recordings: What it reads.
    """

    index: int
    recordings: tuple[Recording, ...]


class Sighting(NamedTuple):
    """Where a clip was written: what it takes to find the same audio in two splits."""

    keep_rank: int
    clip_id: str
    label: str
    shard: int
    seconds: float


def deal(recordings: Iterable[Recording]) -> list[Shard]:
    """Deal recordings out to shards in an order that is a hash of their names.

    So every shard holds a mixture of the classes, and neither the runner nor the number of
    workers has a say in what stands where.
    """
    shuffled = sorted(recordings, key=lambda r: hashlib.sha256(r.path.encode()).digest())
    count = len(shuffled)
    n_shards = max(
        1, min(_USUAL_SHARDS, count // _MIN_CLIPS_PER_SHARD), -(-count // _CLIPS_PER_SHARD)
    )
    bounds = [count * i // n_shards for i in range(n_shards + 1)]
    return [
        Shard(i, tuple(shuffled[start:end]))
        for i, (start, end) in enumerate(itertools.pairwise(bounds))
    ]


def shard_path(split_uri: str, shard: int) -> str:
    """Return the file of a shard in a split's folder."""
    return FileSystems.join(split_uri, f"examples-{shard:05d}.tfrecord")


def read_file(uri: str) -> bytes:
    """Return a file's bytes."""
    with FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return bytes(file.read())


def read_clips(recording: Recording, clip_format: ClipFormat) -> Iterator[Clip | Rejection]:
    """Read a recording and yield its clips, or why they can't be used."""
    try:
        data = read_file(recording.uri)
    except (OSError, beam.io.filesystem.BeamIOError) as error:
        for row in recording.rows:
            yield Rejection(recording.path, "unreadable", STAGE, str(error), row.label)
        return
    yield from cut_clips(recording, data, clip_format)


class ReadClips(beam.PTransform):
    """Recordings to clips: outputs `CLIPS` and `REJECTED`."""

    def __init__(self, clip_format: ClipFormat) -> None:
        super().__init__()
        self._clip_format = clip_format

    def expand(self, recordings: beam.PCollection) -> Any:
        """Read each recording."""
        fn = _ReadClipsFn(self._clip_format)
        return recordings | beam.ParDo(fn).with_outputs(REJECTED, main=CLIPS)


class _ReadClipsFn(beam.DoFn):
    def __init__(self, clip_format: ClipFormat) -> None:
        self._clip_format = clip_format

    def process(self, recording: Recording) -> Iterator[Any]:
        for outcome in read_clips(recording, self._clip_format):
            if isinstance(outcome, Rejection):
                yield beam.pvalue.TaggedOutput(REJECTED, outcome)
            else:
                yield outcome


class IngestShards(beam.PTransform):
    """Write each `Shard` as one TFRecord file a split; return the facts as JSON lines.

    The audio goes from file to file within one step and is never shuffled. Lines:
    ``{"counts": [[split, label, clips, seconds], ...], "rejected": {reason: n}}`` for each shard,
    ``{"drop": [keep_rank, clip_id, label, shard, seconds]}`` for each clip whose audio also stands
    in a split that keeps it. Further output `REJECTED`: JSON lines.
    """

    def __init__(self, clip_format: ClipFormat, rule: SplitRule, split_uris: dict[str, str]):
        super().__init__()
        self._fn = _IngestShardFn(clip_format, rule, split_uris)

    def expand(self, shards: beam.PCollection) -> dict[str, beam.PCollection]:
        """Ingest."""
        done = shards | "Ingest" >> beam.ParDo(self._fn).with_outputs(
            REJECTED, _SIGHTINGS, main=FACTS
        )
        drops = (
            done[_SIGHTINGS]
            | "ByAudio" >> beam.GroupByKey()
            | "FindLeaks" >> beam.FlatMap(lambda item: _leaks(item[1]))
            | "LeakLines" >> beam.Map(lambda drop: json.dumps({"drop": list(drop)}))
        )
        facts = (done[FACTS], drops) | "Facts" >> beam.Flatten()
        return {FACTS: facts, REJECTED: done[REJECTED]}


def _leaks(sightings: Iterable[Sequence[Any]]) -> list[Sighting]:
    """Return the sightings of one audio that must go: those in splits after the first kept."""
    seen = [Sighting(*sighting) for sighting in sightings]
    first = min(sighting.keep_rank for sighting in seen)
    return [sighting for sighting in seen if sighting.keep_rank > first]


class _IngestShardFn(beam.DoFn):
    def __init__(self, clip_format: ClipFormat, rule: SplitRule, split_uris: dict[str, str]):
        self._clip_format = clip_format
        self._rule = rule
        self._split_uris = split_uris

    def process(self, shard: Shard) -> Iterator[Any]:
        shard = Shard(*shard)
        writer = _ShardWriter(self._split_uris, shard.index)
        counts: dict[tuple[str, str], list[float]] = {}
        rejected: Counter[str] = Counter()
        for recording in shard.recordings:
            for outcome in read_clips(recording, self._clip_format):
                if isinstance(outcome, Clip):
                    pcm = to_pcm16(outcome.waveform)
                    key = hashlib.sha256(pcm.tobytes()).digest()
                    split = self._split(outcome, key, recording)
                    if split:
                        writer.write(split, clip_examples.pcm16_to_example(outcome, pcm))
                        count = counts.setdefault((split, outcome.label), [0, 0.0])
                        count[0] += 1
                        count[1] += outcome.duration_s
                        sighting = Sighting(
                            KEEP_ORDER.index(split),
                            outcome.clip_id,
                            outcome.label,
                            shard.index,
                            outcome.duration_s,
                        )
                        yield beam.pvalue.TaggedOutput(_SIGHTINGS, (key[:16], tuple(sighting)))
                        continue
                    outcome = Rejection(
                        outcome.clip_id,
                        "no_split",
                        "split",
                        "no selection chooses it, or it lacks the feature that divides",
                        outcome.label,
                    )
                rejected[outcome.reason] += 1
                yield beam.pvalue.TaggedOutput(REJECTED, outcome.to_json())
        writer.close()
        yield json.dumps(
            {
                "counts": [[*key, *value] for key, value in sorted(counts.items())],
                "rejected": dict(sorted(rejected.items())),
            }
        )

    def _split(self, clip: Clip, key: bytes, recording: Recording) -> str | None:
        features = {
            **clip.fields,
            clip_examples.LABEL_KEY: clip.label,
            clip_examples.GROUP_KEY: clip.group,
            clip_examples.CLIP_ID_KEY: clip.clip_id,
        }
        return self._rule.assign(features, key, recording.rows[0].split)


class _ShardWriter:
    """Files of one shard, opened when first written and given their names when complete."""

    def __init__(self, split_uris: dict[str, str], index: int) -> None:
        self._split_uris = split_uris
        self._index = index
        self._files: dict[str, tuple[str, BinaryIO]] = {}

    def write(self, split: str, record: bytes) -> None:
        """Append a record to a split."""
        if split not in self._files:
            path = shard_path(self._split_uris[split], self._index)
            partial = unfinished(path)
            self._files[split] = (
                path,
                FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED),
            )
        write_record(self._files[split][1], record)

    def close(self) -> None:
        """Close all files; only now do they have their names, so that a retry starts afresh."""
        for path, file in self._files.values():
            file.close()
            FileSystems.rename([unfinished(path)], [path])


def unfinished(path: str) -> str:
    """Return the name of a file that is being written."""
    head, tail = FileSystems.split(path)
    return FileSystems.join(head, f".{tail}.part")


def sift(split_uri: str, shard: int, drop: set[str]) -> None:
    """Write a shard again without some clips."""
    path = shard_path(split_uri, shard)
    kept = 0
    with (
        FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as old,
        FileSystems.create(unfinished(path), compression_type=CompressionTypes.UNCOMPRESSED) as new,
    ):
        for record in read_records(old):
            clip_id = clip_examples.parse_features(record)[clip_examples.CLIP_ID_KEY][0]
            if clip_id.decode() not in drop:
                write_record(new, record)
                kept += 1
    FileSystems.rename([unfinished(path)], [path])
    if not kept:
        FileSystems.delete([path])
