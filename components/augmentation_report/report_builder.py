"""Reads a run's artifacts into a `Report`: one pass over the records, in bounded memory."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfx_audio.components.audio.clip import CLEAN, label_names
from tfx_audio.components.audio.records import examples
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.splits import TRAIN
from tfx_audio.components.audio_augmenter.provenance import (
    COLUMNS_FACT,
    POLICY_FILE,
    PROVENANCE_FILE,
)
from tfx_audio.components.audio_augmenter.user_records import user_records
from tfx_audio.components.audio_schema_gen.anomalies import Anomaly
from tfx_audio.components.augmentation_report.clip_views import build_family_views
from tfx_audio.components.augmentation_report.report_data import Report
from tfx_audio.components.augmentation_report.sampling import Family, FamilySampler, family_of
from tfx_audio.components.augmentation_report.tables import (
    label_rows,
    provenance_rows,
    show_policy,
    sound_note,
    summary_tiles,
    train_histograms,
    transform_uses,
)
from tfx_audio.components.augmentation_report.totals import SplitTotals
from tfx_audio.components.open_files import match_files, open_file, read_record_files
from tfx_audio.components.rejected_table import read_rejections

MAX_FAMILIES = 60
MAX_REJECTED_ROWS = 50
_CONDITION_FAMILIES = 2


@dataclass(frozen=True)
class ReportSources:
    """Where a run's artifacts lie, on any of Beam's file systems.

    Attributes:
      before: Folder by split of the ingested examples.
      after: Folder by split of the augmented examples.
      augmented_dir: Folder of the augmented artifact, which holds policy and provenance.
      rejected_dirs: Folders of rejected tables.
      anomalies: What ExampleValidator found; None where it was not asked.
      label_anomalies: What ingest found odd about the labels, a line each.
      ignored: Number of what ingest left out, by suffix or reason.
      model: The configuration's ``model`` section as plain values (`views.build_family_views`).
      clips_per_label: Source clips shown of every label.
      max_copies: Copies shown of every source clip.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    augmented_dir: str
    rejected_dirs: Sequence[str] = ()
    anomalies: tuple[Anomaly, ...] | None = None
    label_anomalies: str = ""
    ignored: Mapping[str, int] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    clips_per_label: int = 2
    max_copies: int = 4


def build_report(sources: ReportSources, title: str = "Augmentation report") -> Report:
    """Read everything that the page shows.

    Raises:
      ValueError: If a file is damaged or no example of the data contract.
    """
    copies = FamilySampler(sources.clips_per_label, sources.max_copies)
    conditions = FamilySampler(_CONDITION_FAMILIES, sources.max_copies)
    facts = _read_json(sources.augmented_dir, PROVENANCE_FILE)
    read = user_records(facts.get(COLUMNS_FACT, "")).by_contract
    before = {s: _read_split(s, uri, read, copies, conditions) for s, uri in sources.before.items()}
    after = {s: _read_split(s, uri, read, copies, conditions) for s, uri in sources.after.items()}
    views, sound = build_family_views(_fairly(_families(copies)), sources.model)
    heard, _ = build_family_views(
        [pair for pair in _families(conditions) if len(pair[1].copies)], sources.model, masked=False
    )
    counters = facts.get("counters", {})
    counts, rejected = _read_rejected(sources.rejected_dirs)
    return Report(
        title=title,
        summary=summary_tiles(before, after, counters, sum(counts.values()), sources.ignored),
        families=views,
        conditions=heard,
        labels=label_rows(before, after),
        histograms=train_histograms(before.get(TRAIN), after.get(TRAIN)),
        transforms=transform_uses(after.get(TRAIN), counters),
        rejected_counts=dict(sorted(counts.items())),
        rejected=tuple(rejected),
        anomalies=_all_anomalies(sources),
        policy=show_policy(_read_json(sources.augmented_dir, POLICY_FILE)),
        provenance=provenance_rows(facts),
        notes=(sound_note(sound), *_family_note(len(copies.records()))),
    )


def _all_anomalies(sources: ReportSources) -> tuple[Anomaly, ...] | None:
    """Return what ingest and ExampleValidator found; None where nobody looked and found any."""
    of_labels = [
        Anomaly("all", "label", *line.split(": ", 1))
        for line in sources.label_anomalies.splitlines()
    ]
    return (*of_labels, *(sources.anomalies or ())) if of_labels else sources.anomalies


def _read_split(
    split: str,
    uri: str,
    read: Callable[[bytes], bytes],
    copies: FamilySampler,
    conditions: FamilySampler,
) -> SplitTotals:
    """Count one split, and offer its records to the samplers."""
    totals = SplitTotals()
    for record in map(read, read_record_files(uri)):
        features = examples.parse_features(record)
        totals.add(features)
        label = examples.label_of(features)
        source, condition = (
            features[key][0].decode("utf-8")
            for key in (examples.SOURCE_CLIP_ID_KEY, examples.CONDITION_KEY)
        )
        index = int(features[examples.COPY_INDEX_KEY][0])
        if split == TRAIN:
            copies.offer(label, source, index, condition, record)
        elif condition != CLEAN or split.endswith(f"_{CLEAN}"):
            # one group for all labels: two clips are enough to hear what the conditions are
            conditions.offer("", source, index, condition, record)
    return totals


def _families(sampler: FamilySampler) -> list[tuple[str, Family]]:
    families = []
    for _, records in sampler.records():
        clips = [examples.example_to_clip(record) for record in records]
        families.append((", ".join(label_names(clips[0].label)), family_of(clips)))
    return sorted(families, key=lambda pair: pair[0])


def _fairly(families: list[tuple[str, Family]]) -> list[tuple[str, Family]]:
    """Return at most `MAX_FAMILIES` families: a first of every label before any second."""
    seen: Counter[str] = Counter()
    ranked = []
    for label, family in families:
        seen[label] += 1
        ranked.append((seen[label], label, family))
    kept = sorted(ranked, key=lambda item: item[:2])[:MAX_FAMILIES]
    return [(label, family) for _, label, family in sorted(kept, key=lambda item: item[1::-1])]


def _read_rejected(folders: Sequence[str]) -> tuple[Counter[tuple[str, str]], list[Rejection]]:
    counts: Counter[tuple[str, str]] = Counter()
    first: list[Rejection] = []
    for folder in folders:
        for rejection in read_rejections(folder):
            counts[rejection.stage, rejection.reason] += 1
            if len(first) < MAX_REJECTED_ROWS:
                first.append(rejection)
    return counts, first


def _read_json(folder: str, name: str) -> dict[str, Any]:
    for path in match_files(folder, name):
        with open_file(path) as file:
            loaded: dict[str, Any] = json.loads(file.read())
            return loaded
    return {}


def _family_note(found: int) -> tuple[str, ...]:
    if found <= MAX_FAMILIES:
        return ()
    return (
        f"There are more labels than a page can hold: {MAX_FAMILIES} of {found} clips are shown.",
    )
