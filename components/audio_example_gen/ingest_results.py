"""Counts of an ingestion by split, label and reason, and whether it can be trained on."""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.clip import label_names
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import (
    Rejection,
    TooManyRejected,
    check_rejected,
    show_reasons,
)
from tfx_audio.components.audio.splits import KEEP_ORDER, SPLITS, TRAIN
from tfx_audio.components.audio_example_gen.duplicates import (
    CONFLICTING_LABELS,
    DUPLICATE_AUDIO,
    DUPLICATE_ID,
    NEAR_DUPLICATE,
    Sighting,
)
from tfx_audio.components.audio_example_gen.shard_files import drop_records
from tfx_audio.components.open_files import open_file

_NAME = "AudioExampleGen"
_MAX_NAMED = 5
_MAX_NEAR = 20
_WHY_DROPPED = {
    DUPLICATE_AUDIO: "the same audio stands in a split that is held out",
    DUPLICATE_ID: "another clip has the same id",
    CONFLICTING_LABELS: "the same audio has another label",
    NEAR_DUPLICATE: "it sounds like one in a split that is held out",
}


@dataclass
class IngestResult:
    """What an ingestion made.

    Attributes:
      clips: Number of clips by split and label.
      seconds: Seconds of audio by split.
      rejected: Number of rejections by reason.
      noted: Number of clips whose level was changed, by what was done.
      ignored: Number of what was left out, by suffix or reason.
      read: The sum of `recording_number` over all that was read.
    """

    clips: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rejected: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    ignored: dict[str, int] = field(default_factory=dict)
    read: int = 0

    @property
    def splits(self) -> list[str]:
        """Splits that have clips, in order."""
        return [name for name in SPLITS if sum(self.clips[name].values())]

    def labels_in(self, split: str) -> set[str]:
        """Return the names of all labels in a split."""
        return {name for label, n in self.clips[split].items() if n for name in label_names(label)}

    def properties(self) -> dict[str, int | float]:
        """Return the counts of what was made as an artifact's custom properties."""
        found: dict[str, int | float] = {f"noted:{note}": n for note, n in self.noted.items()}
        found.update({f"ignored:{kind}": n for kind, n in sorted(self.ignored.items())})
        for name in self.splits:
            found[f"clips:{name}"] = sum(self.clips[name].values())
            found[f"seconds:{name}"] = round(self.seconds[name], 3)
        return found

    def add(self, facts: dict[str, Any]) -> None:
        """Add what one shard came to."""
        for split, label, clips, seconds in facts["counts"]:
            self.clips[split][label] += clips
            self.seconds[split] += seconds
        self.rejected.update(facts["rejected"])
        self.noted.update(facts["noted"])
        self.read += facts["read"]

    def drop(self, sighting: Sighting, reason: str, beside: Sequence[str]) -> Rejection:
        """Count a clip that was written as rejected, and return its record.

        Args:
          sighting: The clip.
          reason: Why it must go.
          beside: Id and label of the clip that it can't stand beside.
        """
        split = KEEP_ORDER[sighting.keep_rank]
        self.clips[split][sighting.label] -= 1
        self.seconds[split] -= sighting.seconds
        self.rejected[reason] += 1
        other = f"{beside[0]!r} ({', '.join(label_names(beside[1]))})"
        detail = f"{_WHY_DROPPED[reason]}: {other}; taken out of {split}"
        return Rejection(sighting.clip_id, reason, "split", detail, sighting.label)


def read_facts(prefix: str) -> tuple[IngestResult, dict[Sighting, tuple[str, list[str]]]]:
    """Read the facts that the pipeline wrote.

    Returns:
      The counts, and the clips that must be taken out again with the reason and the other clip.
    """
    result = IngestResult()
    drops: dict[Sighting, tuple[str, list[str]]] = {}
    for metadata in FileSystems.match([prefix + "*"])[0].metadata_list:
        with open_file(metadata.path) as file:
            for line in sorted(file.read().splitlines()):  # workers write them in any order
                facts = json.loads(line)
                if "drop" in facts:
                    drops.setdefault(Sighting(*facts["drop"]), (facts["reason"], facts["beside"]))
                else:
                    result.add(facts)
    return result, drops


def note_near_duplicates(drops: dict[Sighting, tuple[str, list[str]]]) -> list[str]:
    """Take near duplicates out of what must go, and return the anomaly that tells of them."""
    near = [sighting for sighting, (why, _) in drops.items() if why == NEAR_DUPLICATE]
    pairs = sorted(
        f"{one.clip_id!r} ({KEEP_ORDER[one.keep_rank]}) like {drops.pop(one)[1][0]!r}"
        for one in near
    )
    more = f" and {len(pairs) - _MAX_NEAR} more" if len(pairs) > _MAX_NEAR else ""
    return pairs and [
        f"near duplicates: {len(pairs)} clips sound like one in a split that is held out; "
        f"data.near_duplicates=reject takes them out: {'; '.join(pairs[:_MAX_NEAR])}{more}"
    ]


def drop_clips(
    result: IngestResult,
    drops: Mapping[Sighting, tuple[str, list[str]]],
    split_uris: Mapping[str, str],
) -> list[Rejection]:
    """Take clips out of their shards again.

    Returns:
      Their rejections.
    """
    positions: dict[tuple[str, int], set[int]] = defaultdict(set)
    rejections = []
    for sighting, (reason, beside) in sorted(drops.items()):
        positions[KEEP_ORDER[sighting.keep_rank], sighting.shard].add(sighting.position)
        rejections.append(result.drop(sighting, reason, beside))
    for (split, shard), dropped in sorted(positions.items()):
        drop_records(split_uris[split], shard, dropped)
    return rejections


def check_result(
    result: IngestResult, listed: Iterable[str], expected: Iterable[str], max_fraction: float,
    table: str,
) -> None:  # fmt: skip
    """Raise if the clips can't be trained on.

    Args:
      result: What was made.
      listed: Labels of the listing.
      expected: Splits that must not be empty.
      max_fraction: The largest fraction of rejections.
      table: Where the rejected table lies, for messages.

    Raises:
      TooManyRejected: If more is rejected than allowed, or all clips of a label.
      InvalidInput: If a split is empty, or a label is missing from train.
    """
    clips = sum(sum(counter.values()) for counter in result.clips.values())
    rejected = sum(result.rejected.values())
    check_rejected(result.rejected, clips + rejected, max_fraction, _NAME, table)
    in_split = {name: result.labels_in(name) for name in result.splits}
    found = {label for labels in in_split.values() for label in labels}
    lost = sorted(set(listed) - found)
    if lost:
        raise TooManyRejected(
            f"{_NAME}: every clip of {_named(lost)} was rejected "
            f"({show_reasons(result.rejected)}). The rejected table: {table}."
        )
    if len(found) < 2:
        raise InvalidInput(
            f"a classifier needs two labels at least; there is only {_named([*found])}"
        )
    for split in expected:
        if split not in result.splits:
            raise InvalidInput(
                f"the split {split!r} came out empty of {clips} clips; change split.ratios, "
                "split.select or split.by, or give more data"
            )
    for split in result.splits:
        missing = sorted(found - in_split[split])
        if missing and split == TRAIN:
            raise InvalidInput(
                f"train has no clip of {_named(missing)}, so it could not be learned; change "
                "split.ratios, split.select or split.by, or give more data"
            )
        if missing:
            logging.getLogger(__name__).warning("%s has no clip of %s", split, _named(missing))


def _named(labels: list[str]) -> str:
    more = f" and {len(labels) - _MAX_NAMED} more" if len(labels) > _MAX_NAMED else ""
    return "the label " * (len(labels) == 1) + ", ".join(map(repr, labels[:_MAX_NAMED])) + more
