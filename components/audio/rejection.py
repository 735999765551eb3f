"""What can't be used: one record format and one threshold rule for every component."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tfx_audio.components.audio.errors import JobFailed

DEFAULT_MAX_REJECTED_FRACTION = 0.01
MAX_DETAIL_CHARS = 500


class TooManyRejected(JobFailed):
    """More was rejected than the run's threshold allows."""


@dataclass(frozen=True)
class Rejection:
    """One thing that was set aside, and why.

    Attributes:
      path: Where it came from: a path relative to the data root, a manifest line or a clip id.
      reason: A short snake_case name that is counted (``unreadable``, ``duplicate_id``, ...).
      stage: The step that set it aside (``ingest``, ``split``, ``augment``, ...).
      detail: One sentence for a person.
      label: The clip's label where it is known.
    """

    path: str
    reason: str
    stage: str
    detail: str = ""
    label: str = ""

    def to_json(self) -> str:
        """Return one JSON line (keys sorted, long details and paths shortened)."""
        record = asdict(self)
        for key in ("path", "detail", "label"):
            record[key] = shorten(record[key])
        return json.dumps(record, sort_keys=True, ensure_ascii=True)

    @classmethod
    def from_json(cls, line: str | bytes) -> Rejection:
        """Parse a line written by `to_json`."""
        return cls(**json.loads(line))


def show_counts(counts: Mapping[str, int]) -> str:
    """Return counts by name for people: ``.pdf 1, .txt 3``."""
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))


def show_reasons(counts: Mapping[str, int]) -> str:
    """Return rejections by reason for people: ``silent: 1, unreadable: 3``."""
    return ", ".join(f"{reason}: {n}" for reason, n in sorted(counts.items()))


def shorten(text: str, limit: int = MAX_DETAIL_CHARS) -> str:
    """Return `text`; its end is cut off when it is longer than `limit`."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def check_rejected(
    counts: Mapping[str, int], total: int, max_fraction: float, stage: str, table: str = ""
) -> None:
    """Raise when too large a fraction was rejected; `table` is where the rejected are listed.

    `total` includes the rejected, and `max_fraction` is between 0 and 1.

    Raises:
      TooManyRejected: If ``sum(counts) / total > max_fraction``.
    """
    rejected = sum(counts.values())
    if rejected == 0 or rejected <= max_fraction * total:
        return
    where = f" The rejected table: {table}." if table else ""
    raise TooManyRejected(
        f"{stage}: {rejected} of {total} were rejected ({show_reasons(counts)}); at most "
        f"max_rejected_fraction={max_fraction:g} is allowed.{where}"
    )
