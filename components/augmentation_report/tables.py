"""The report's tables, made from a run's counts."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tfx_audio.components.audio.clip import CLEAN
from tfx_audio.components.audio.rejection import show_counts
from tfx_audio.components.audio.splits import SPLITS, TRAIN
from tfx_audio.components.augmentation_report.report_data import LabelRow, TransformUse
from tfx_audio.components.augmentation_report.sound import SoundSettings
from tfx_audio.components.augmentation_report.totals import Histogram, SplitTotals, histogram

MAX_LABEL_ROWS = 300
ALL_LABELS = "all labels"


def summary_tiles(
    before: Mapping[str, SplitTotals],
    after: Mapping[str, SplitTotals],
    counters: Mapping[str, Any],
    rejected: int,
    ignored: Mapping[str, int],
) -> tuple[tuple[str, str], ...]:
    """Return the figures at the top of the page."""
    conditions = sorted(counters.get("conditioned", {}))
    copies = sum(split.copies for split in after.values())
    unchanged = sum(split.unchanged for split in after.values())
    tiles = [
        ("labels", f"{len({label for split in before.values() for label in split.clips}):,}"),
        ("clips ingested", f"{sum(split.total_clips for split in before.values()):,}"),
        ("augmented copies", f"{copies:,}"),
        ("of them unchanged", f"{unchanged:,} ({100 * unchanged / max(copies, 1):.1f} %)"),
        ("training clips after", f"{after[TRAIN].total_clips:,}" if TRAIN in after else "0"),
        ("rejected", f"{rejected:,}"),
    ]
    if ignored:
        tiles.append(("left out", show_counts(ignored)))
    if conditions:
        tiles.append(("conditions", ", ".join(conditions)))
    return tuple(tiles)


def label_rows(
    before: Mapping[str, SplitTotals], after: Mapping[str, SplitTotals]
) -> tuple[LabelRow, ...]:
    """Return clips and seconds by split and label; each split begins with all its labels.

    A split that is not augmented but put under conditions counts its clean condition after.
    """
    splits = sorted(before, key=lambda name: (SPLITS.index(name) if name in SPLITS else 3, name))
    rows: list[LabelRow] = []
    for split in splits:
        new = after.get(split) or after.get(f"{split}_{CLEAN}") or SplitTotals()
        rows += _split_rows(split, before[split], new)
    return tuple(rows[:MAX_LABEL_ROWS])


def _split_rows(split: str, old: SplitTotals, new: SplitTotals) -> Iterator[LabelRow]:
    clips, seconds = (old.total_clips, new.total_clips), (old.total_seconds, new.total_seconds)
    yield LabelRow(split, ALL_LABELS, *clips, *seconds, max(clips))
    largest = max([*old.clips.values(), *new.clips.values()], default=0)
    for label in sorted({*old.clips, *new.clips}):
        seconds = old.seconds.get(label, 0.0), new.seconds.get(label, 0.0)
        yield LabelRow(split, label, old.clips[label], new.clips[label], *seconds, largest)


def train_histograms(
    before: SplitTotals | None, after: SplitTotals | None
) -> tuple[Histogram, ...]:
    """Compare durations and levels of the train split before and after."""
    if before is None or after is None:
        return ()
    found = (
        histogram("Duration", "s", before.durations_s, after.durations_s),
        histogram("RMS level", "dBFS", before.rms_dbfs, after.rms_dbfs),
        histogram("Peak level", "dBFS", before.peak_dbfs, after.peak_dbfs),
    )
    return tuple(one for one in found if one is not None)


def transform_uses(
    train: SplitTotals | None, counters: Mapping[str, Any]
) -> tuple[TransformUse, ...]:
    """Return how often each transform ran on the training copies, the most frequent first.

    Args:
      train: The augmented train split.
      counters: The augmenter's counters, for the time that one application took.
    """
    if train is None:
        return ()
    applied, ms = counters.get("applied", {}), counters.get("ms", {})
    return tuple(
        TransformUse(
            name,
            copies,
            copies / train.copies,
            ms[name] / applied[name] if ms.get(name) and applied.get(name) else None,
        )
        for name, copies in sorted(train.applied.items(), key=lambda item: (-item[1], item[0]))
    )


def show_policy(policy: Mapping[str, Any]) -> str:
    """Return a policy as YAML, in the order in which a person reads it."""
    if not policy:
        return ""
    return yaml.safe_dump(dict(policy), sort_keys=False, allow_unicode=True, width=88)


def provenance_rows(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what decided the copies' bytes: seed, digests, library versions."""
    rows = [
        ("seed", facts.get("seed")),
        ("policy digest", facts.get("policy_digest")),
        ("sound bank digest", facts.get("sound_bank_digest")),
        *facts.get("library_versions", {}).items(),
    ]
    return tuple((name, str(value)) for name, value in rows if value not in (None, ""))


def sound_note(sound: SoundSettings) -> str:
    """Say how the sounds are embedded: a page must not pass compressed sound off as exact."""
    if sound.codec == "WAV":
        codec = "Sounds are embedded losslessly: what you hear is what is trained on"
    else:
        codec = (
            "Sounds are embedded as OGG Vorbis to keep the page small: slightly coarser than what "
            "is trained on"
        )
    return (
        f"{codec}; at most {sound.excerpt_s:.3g} s of a clip. Waveforms fill the picture at full "
        "scale. The log-mel is the network's input; SpecAugment's masks are one draw of many, "
        "since training draws new ones at every step."
    )
