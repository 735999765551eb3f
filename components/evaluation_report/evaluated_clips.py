"""What a model said of held-out clips, and what that comes to."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tfx_audio.components.audio.records import examples

BATCH = 32
MAX_OF_A_CELL = 5
_Z = 1.959963984540054  # 95 % of the normal distribution, two-sided

Ask = Callable[[list[bytes]], tuple[list[str], np.ndarray]]
"""A model: from serialised examples to its labels and scores, ``(batch, labels)``."""


@dataclass(frozen=True)
class EvaluatedClip:
    """One clip under one condition; the score of its own label, and the three best by label."""

    clip_id: str
    condition: str
    label: str
    group: str
    duration_s: float
    label_score: float
    best: dict[str, float]

    @property
    def predicted(self) -> str:
        """The model's answer."""
        return next(iter(self.best))

    @property
    def score(self) -> float:
        """The answer's score."""
        return self.best[self.predicted]

    @property
    def is_right(self) -> bool:
        """Whether the model says what the label says."""
        return self.predicted == self.label

    @property
    def cell(self) -> tuple[str, str, str]:
        """Its place in the confusion matrices."""
        return self.condition, self.label, self.predicted


def evaluate_clips(records: Iterable[bytes], ask: Ask) -> Iterator[EvaluatedClip]:
    """Score serialised examples of the data contract, in batches."""
    waiting = iter(records)
    while batch := list(islice(waiting, BATCH)):
        labels, rows = ask(batch)
        for record, row in zip(batch, rows, strict=True):
            features = examples.parse_features(record)
            label = examples.label_of(features)
            yield EvaluatedClip(
                examples.text_of(record, examples.CLIP_ID_KEY),
                examples.text_of(record, examples.CONDITION_KEY),
                label,
                examples.text_of(record, examples.GROUP_KEY),
                float(features[examples.DURATION_KEY][0]),
                float(row[labels.index(label)]) if label in labels else 0.0,
                {labels[i]: float(row[i]) for i in np.argsort(-row, kind="stable")[:3]},
            )


def wilson_interval(right: int, clips: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, doi.org/10.1080/01621459.1927.10502953)."""
    share, extra = right / clips, _Z * _Z / clips
    reach = _Z * math.sqrt(share * (1 - share) / clips + extra / (4 * clips))
    low, high = ((share + extra / 2 + side * reach) / (1 + extra) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)


def count_right(
    clips: Iterable[EvaluatedClip], key: Callable[[EvaluatedClip], str]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return (right, clips) by what `key` says, sorted, and by condition."""
    rows: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for clip in clips:
        right, count = rows[key(clip)].get(clip.condition, (0, 0))
        rows[key(clip)][clip.condition] = right + clip.is_right, count + 1
    return dict(sorted(rows.items()))


def choose_shown(clips: Sequence[EvaluatedClip], conditions: Sequence[str]) -> list[EvaluatedClip]:
    """Order the clips worth hearing: the worst of each cell before the second worst of any.

    Worst is the lowest score of the clip's own label. Of right answers the least sure of each cell.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    places = {}
    for clip in sorted(clips, key=lambda clip: (clip.label_score, clip.clip_id)):
        rank = seen[clip.cell]
        seen[clip.cell] += 1
        if rank < (1 if clip.is_right else MAX_OF_A_CELL):
            condition = conditions.index(clip.condition)
            places[clip.clip_id] = (rank, clip.is_right, condition, clip.label_score), clip
    return [clip for _, clip in sorted(places.values(), key=lambda item: item[0])]


def reliability(clips: Iterable[EvaluatedClip], bins: int = 10) -> list[tuple[float, float, int]]:
    """Return (mean score, accuracy, clips) by bins of the best score (arxiv.org/abs/1706.04599)."""
    found: dict[int, list[EvaluatedClip]] = defaultdict(list)
    for clip in clips:
        found[min(int(clip.score * bins), bins - 1)].append(clip)
    means = (
        (np.mean([(c.score, c.is_right) for c in f], axis=0), f) for _, f in sorted(found.items())
    )
    return [(float(score), float(share), len(inside)) for (score, share), inside in means]


def calibration_error(curve: Sequence[tuple[float, float, int]]) -> float:
    """Return the expected calibration error of a reliability curve."""
    clips = sum(n for *_, n in curve)
    return sum(n * abs(score - share) for score, share, n in curve) / max(clips, 1)
