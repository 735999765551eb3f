"""Events in a long recording: windows, their scores over time, and what is heard from when on."""

import itertools
import mmap
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx_audio.components.audio.reading.clip_format import ClipFormat, formatted_blocks
from tfx_audio.components.audio.reading.decode import open_audio
from tfx_audio.components.audio.reading.levels import LevelMeter
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.open_files import open_file
from tfx_audio.pipeline.clips.predict_files import AskedFile
from tfx_audio.pipeline.clips.predictor import Predictor


class Scored(NamedTuple):
    """A piece of a recording and its scores by label."""

    start_s: float
    end_s: float
    scores: dict[str, float]


class Event(NamedTuple):
    """A sound that was heard: from when to when, and the highest score in it."""

    start_s: float
    end_s: float
    label: str
    score: float


def scores_over_time(
    predictor: Predictor,
    labels: Sequence[str],
    file: AskedFile,
    window: int,
    hop: int,
    batch_size: int,
) -> Iterator[Scored]:
    """Yield the scores of each window, which stand for the hop in its middle.

    Raises Unusable for a file that can't be read, which may show on the way.
    """
    if file.problem:
        raise Unusable(*file.problem)
    try:
        with open_file(file.path) as opened:
            data: Any = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: it is empty
        raise Unusable("unreadable", f"the file: {error}") from error
    meter, rate, begin = LevelMeter(), predictor.sample_rate, 0
    clip_format = ClipFormat(rate, max_samples=sys.maxsize)
    blocks = formatted_blocks(open_audio(data), clip_format, meter)
    windows = cut_windows(blocks, window, hop)
    while batch := list(itertools.islice(windows, batch_size)):
        rows = predictor.waveform_scores(np.stack([samples for _, samples, _ in batch]))
        for (start, samples, is_last), row in zip(batch, rows, strict=True):
            end = start + (len(samples) if is_last else (len(samples) + hop) // 2)
            scores = dict(zip(labels, (round(float(score), 4) for score in row), strict=True))
            yield Scored(round(begin / rate, 3), round(end / rate, 3), scores)
            begin = end
    meter.check_mix()


def cut_windows(
    blocks: Iterable[np.ndarray], window: int, hop: int
) -> Iterator[tuple[int, np.ndarray, bool]]:
    """Yield ``(start, samples, is_last)``: a window every `hop` samples; the last ends with them.
    Blocks are float32 ``(samples, 1)``. A recording shorter than a window is one of its length.
    """
    start, rest, tail = 0, np.zeros(0, np.float32), np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block[:, 0]])
        tail = np.concatenate([tail, block[:, 0]])[-window:]
        while len(rest) > window:
            yield start, rest[:window], False
            start, rest = start + hop, rest[hop:]
    if len(tail):
        yield start + len(rest) - len(tail), tail, True


def find_events(scored: Iterable[Scored], threshold: float, release: float) -> Iterator[Event]:
    """Yield events as they end: begun at `threshold`, lasting while the score is `release`."""
    running: dict[str, Event] = {}
    for start_s, end_s, scores in scored:
        for label, score in scores.items():
            event = running.get(label)
            if event and score >= release:
                running[label] = event._replace(end_s=end_s, score=max(event.score, score))
            elif event:
                yield running.pop(label)
            elif score >= threshold:
                running[label] = Event(start_s, end_s, label, score)
    yield from running.values()
