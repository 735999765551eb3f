"""What the evaluation page shows, as plain data out of scored clips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from tfx_audio.components.audio import progress
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records import examples
from tfx_audio.components.augmentation_report.clip_views import build_clip_view
from tfx_audio.components.augmentation_report.report_data import ClipView
from tfx_audio.components.augmentation_report.sound import choose_sound_settings
from tfx_audio.components.evaluation_report.evaluated_clips import (
    BATCH,
    Ask,
    EvaluatedClip,
    calibration_error,
    choose_shown,
    count_right,
    evaluate_clips,
    reliability,
    wilson_interval,
)
from tfx_audio.components.open_files import read_record_files

PAGE = "tfx_audio.components.evaluation_report:evaluation"
MAX_SHOWN = 80
MAX_EMBEDDED = 4_500_000  # bytes of sounds and pictures
MAX_ROWS = 100
MAX_MATRIX_LABELS = 60


def build_evaluation(
    folders: Sequence[str], ask: Ask, missed: Sequence[str], frontend: Mapping[str, Any]
) -> dict[str, Any]:
    """Score the clips of some splits and gather what ``evaluation.html`` draws.

    Args:
      folders: Folders of records, one a condition, the most important first.
      ask: The model.
      missed: What `blessing.missed_thresholds` returned.
      frontend: The configuration's ``model.frontend`` as plain values.
    """
    clips: list[EvaluatedClip] = []
    for clip in evaluate_clips(chain.from_iterable(map(read_record_files, folders)), ask):
        clips.append(clip)
        if len(clips) % BATCH == 0:
            progress.report("EvaluationReport", len(clips), None, "clips scored")
    conditions = list(dict.fromkeys(clip.condition for clip in clips))
    first = [clip for clip in clips if clip.condition in conditions[:1]]
    doubted = [clip for clip in first if not clip.is_right and clip.score >= 0.5]
    shown = _views(choose_shown(clips, conditions)[:MAX_SHOWN], folders, {"frontend": frontend})
    labels = sorted({label for clip in clips for label in (clip.label, clip.predicted)})
    errors = Counter(label for c in clips if not c.is_right for label in (c.label, c.predicted))
    if len(labels) > MAX_MATRIX_LABELS:
        labels.sort(key=lambda label: -errors[label])
    return {
        "title": "Evaluation report",
        "conditions": conditions,
        "missed": missed,
        "tables": _tables(clips),
        "counts": Counter(clip.cell for clip in clips),
        "heard": {clip.cell for clip, _ in shown},
        "labels": labels[:MAX_MATRIX_LABELS],
        "left_out": len(labels[MAX_MATRIX_LABELS:]),
        "errors": sum(not clip.is_right for clip in clips),
        "shown": shown,
        "suspects": sorted(doubted, key=lambda clip: clip.label_score)[:10],
        "curve": (curve := reliability(first)),
        "calibration_error": calibration_error(curve),
        "interval": wilson_interval,
    }


def _tables(clips: Sequence[EvaluatedClip]) -> dict[str, dict[str, dict[str, tuple[int, int]]]]:
    """Return (right, clips) by row and condition: of all clips, by label, group, duration."""
    lengths = sorted(clip.duration_s for clip in clips)
    half = lengths[len(lengths) // 2] if lengths else 0.0
    tables = {
        "all": count_right(clips, lambda clip: "all"),
        "label": count_right(clips, lambda clip: clip.label),
        "group": count_right(clips, lambda clip: clip.group),
        "duration": count_right(
            clips, lambda clip: f"{'under' if clip.duration_s < half else 'from'} {half:.2f} s"
        ),
    }
    return {
        name: dict(list(rows.items())[:MAX_ROWS])
        for name, rows in tables.items()
        if len(rows) > 1 or name == "all"
    }


def _views(
    chosen: Sequence[EvaluatedClip], folders: Sequence[str], model: Mapping[str, Any]
) -> list[tuple[EvaluatedClip, ClipView]]:
    """Read the chosen clips again and draw them until the page is full; errors first, by score."""
    wanted = {clip.clip_id for clip in chosen}
    found: dict[str, Clip] = {}
    for record in chain.from_iterable(map(read_record_files, folders)):
        if (clip_id := examples.text_of(record, examples.CLIP_ID_KEY)) in wanted:
            found[clip_id] = examples.example_to_clip(record)
    rate = max((clip.sample_rate for clip in found.values()), default=0)
    sound = choose_sound_settings([clip.duration_s for clip in found.values()], rate)
    kept, size = [], 0
    for clip in chosen:
        view = build_clip_view(found[clip.clip_id], model, sound, masked=False)
        size += len(view.sound) + len(view.mel) + len(view.waveform)
        if size > MAX_EMBEDDED:
            break
        kept.append((clip, view))
    return sorted(kept, key=lambda pair: (pair[0].is_right, pair[0].label_score))
