"""Recordings dealt out to shards. Their lists lie in files: no job's graph grows with the data."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording, Row
from tfx_audio.components.open_files import open_file

_CLIPS_PER_SHARD = 512
_MIN_CLIPS_PER_SHARD = 32
_USUAL_SHARDS = 16


class Shard(NamedTuple):
    """Recordings that one worker reads, and whose clips it writes into files of one number.

    Attributes:
      number: The number.
      uri: The file of its recordings, JSON Lines.
    """

    number: int
    uri: str

    def recordings(self) -> list[Recording]:
        """Read its recordings."""
        with open_file(self.uri) as file:
            return [_from_json(line) for line in file.read().splitlines()]


def deal(recordings: Iterable[Recording], folder: str) -> list[Shard]:
    """Deal recordings out to shards in an order that is a hash of their names.

    So every shard holds a mixture of the classes, there are enough of them for the workers of the
    components to come, and neither the runner nor the number of workers has a say in what
    stands where.

    Args:
      recordings: All of them.
      folder: Where the lists are written, on a file system that the workers see.
    """
    shuffled = sorted(recordings, key=lambda r: hashlib.sha256(r.path.encode()).digest())
    count = sum(max(1, len(recording.rows)) for recording in shuffled)
    n_shards = min(
        len(shuffled),
        max(1, min(_USUAL_SHARDS, count // _MIN_CLIPS_PER_SHARD), count // _CLIPS_PER_SHARD),
    )
    bounds = [len(shuffled) * i // n_shards for i in range(n_shards + 1)]
    shards = []
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        shards.append(Shard(number, FileSystems.join(folder, f"recordings-{number:05d}.jsonl")))
        lines = (json.dumps(recording, default=_fields) for recording in shuffled[start:end])
        with FileSystems.create(shards[-1].uri, "application/jsonl") as file:
            file.write("\n".join(lines).encode())
    return shards


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass with slots, in a quarter of the time of `asdict`."""
    return {name: getattr(value, name) for name in value.__slots__}


def _from_json(line: bytes) -> Recording:
    found = json.loads(line)
    found["rows"] = [Row(**row) for row in found["rows"]]
    if found["features"]:
        found["features"] = RecordFeatures(**_with_tuples(found["features"]))
    return Recording(**_with_tuples(found))


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with tuples for the lists of JSON."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
