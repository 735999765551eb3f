"""Chooses which clips a report shows, in one pass and in bounded memory.

The choice depends on clip ids alone: the same data gives the same page, in whatever order the
records come.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tfx_audio.components.audio.clip import Clip


@dataclass(frozen=True)
class Family:
    """One original clip and some of its copies, or its conditions.

    Attributes:
      original: The clip as it was ingested, None where it could not be found.
      copies: What was made of it, in order.
    """

    original: Clip | None
    copies: tuple[Clip, ...]

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The original, where there is one, and the copies."""
        return self.copies if self.original is None else (self.original, *self.copies)


@dataclass
class FamilySampler:
    """Keeps the records of a few source clips of every label.

    Of each label those sources stay whose hashed ids are smallest, so that a record can be
    dropped as soon as enough smaller ones were seen.
    """

    per_label: int
    max_copies: int
    _ranks: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    _records: dict[str, dict[tuple[int, str], bytes]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def offer(
        self, label: str, source_clip_id: str, copy_index: int, condition: str, record: bytes
    ) -> None:
        """Take one record into account; keep it while its source is among the chosen."""
        if copy_index > self.max_copies or not self._admit(label, source_clip_id):
            return
        self._records[source_clip_id].setdefault((copy_index, condition), record)

    def _admit(self, label: str, source_clip_id: str) -> bool:
        ranks = self._ranks[label]
        if source_clip_id in ranks:
            return True
        ranks[source_clip_id] = rank(source_clip_id)
        if len(ranks) <= self.per_label:
            return True
        dropped = max(ranks, key=ranks.__getitem__)
        del ranks[dropped]
        self._records.pop(dropped, None)
        return dropped != source_clip_id

    def records(self) -> list[tuple[str, list[bytes]]]:
        """Return ``(label, records of one source in order)``, sorted by label."""
        return [
            (label, [self._records[source][key] for key in sorted(self._records[source])])
            for label in sorted(self._ranks)
            for source in sorted(self._ranks[label], key=self._ranks[label].__getitem__)
        ]


def family_of(clips: Sequence[Clip]) -> Family:
    """Group clips of one source: the first that is its own source is the original."""
    original = next((clip for clip in clips if clip.clip_id == clip.source_clip_id), None)
    return Family(original, tuple(clip for clip in clips if clip is not original))


def rank(clip_id: str) -> int:
    """Return a number that orders clips as if shuffled, the same way every time."""
    return int.from_bytes(hashlib.sha256(clip_id.encode("utf-8")).digest()[:8], "big")
