"""What the data says of itself before anything runs: files, labels, sample rates, splits."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfx_audio.components.audio.clip import label_names
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.reading.decode import header_rate
from tfx_audio.components.audio.reading.foreign_record import record_audio, record_row
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording, Row
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.records.examples import CLIP_ID_KEY, GROUP_KEY, LABEL_KEY
from tfx_audio.components.audio.rejection import show_reasons
from tfx_audio.components.audio.splits import SplitRule
from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
from tfx_audio.components.audio_example_gen.listing.listing import Listing
from tfx_audio.components.audio_example_gen.listing.record_files import sample_records
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.listing.split_plan import plan_splits
from tfx_audio.components.open_files import is_local, open_file

_MAX_HEADERS = 500
_HEAD_BYTES = 2**16


@dataclass(frozen=True)
class Inventory:
    """What was found.

    Attributes:
      config: The configuration, with what the layout says filled in.
      sample_rate: Hz; the configured one, or what most headers say.
      n_clips: Clips in them by the listing; None for records, whose clips are known when read.
      labels: Class names in order.
      splits: Splits that must not come out empty.
      labels_complete: Whether there can be no other label; records are only sampled.
      ignored: Number of what is left out, by suffix or reason.
      notes: What a person should be told, a sentence each.
      anomalies: What is odd about the labels.
    """

    config: IngestConfig
    sample_rate: int
    n_clips: int | None
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    labels_complete: bool = True
    ignored: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()


def scan(config: IngestConfig, split: SplitConfig | None = None) -> Inventory:
    """Look the data over: list it, and read some headers.

    Raises:
      InvalidInput: If there is no such folder, no audio in it, fewer than two classes, the label
        pattern fits no file, or the split rule names a feature that the clips don't have.
    """
    listing = list_recordings(config)
    return take_inventory(listing, plan_splits(split or SplitConfig(), listing))


def take_inventory(listing: Listing, rule: SplitRule) -> Inventory:
    """Look a listing over; see `scan`."""
    config = listing.config
    if not listing.recordings:
        _raise_nothing(listing)
    _check_split_features(config, rule)
    if listing.record_features:
        rates, labels = _sampled_records(listing.recordings)
    else:
        rates, labels = sampled_rates(listing.recordings), listing.labels
    if not rates:
        raise InvalidInput(f"no audio that can be read under {config.path!r}")
    if len(labels) < 2 and not listing.record_features:
        raise InvalidInput(
            f"a classifier needs two labels at least; {config.path!r} has only {labels[0]!r}. "
            "Folders name the labels (data.label_folder says which), a manifest does, or "
            "data.label_from reads them from file names"
        )
    n_clips = sum(len(recording.rows) for recording in listing.recordings)
    return Inventory(
        config=config,
        sample_rate=config.sample_rate or most_common_rate(rates),
        n_clips=None if listing.record_features else n_clips,
        labels=tuple(labels),
        splits=rule.expected(),
        labels_complete=not listing.record_features,
        ignored=listing.ignored_counts,
        notes=tuple(listing.notes),
        anomalies=tuple(listing.anomalies),
    )


def _raise_nothing(listing: Listing) -> None:
    """Say why there is nothing to ingest."""
    config = listing.config
    if not listing.rejections:
        raise InvalidInput(f"no audio under {config.path!r}")
    counts = Counter(rejection.reason for rejection in listing.rejections)
    n_files, example = len(listing.rejections), listing.rejections[0]
    if set(counts) != {"missing_label"}:
        raise InvalidInput(
            f"nothing under {config.path!r} can be used ({show_reasons(counts)}); for instance "
            f"{example.path!r}: {example.detail}"
        )
    if config.label_from:
        raise InvalidInput(
            f"the label pattern {config.label_from!r} fits none of {n_files} files "
            f"under {config.path!r}, for instance {example.path!r}; a pattern is held against the "
            "name without its ending, such as .wav"
        )
    raise InvalidInput(
        f"nothing says the label of {n_files} clips under {config.path!r}, for instance "
        f"{example.path!r}: {example.detail}. data.label_from reads labels from file names, "
        "data.manifest from a table"
    )


def _check_split_features(config: IngestConfig, rule: SplitRule) -> None:
    known = {LABEL_KEY, GROUP_KEY, CLIP_ID_KEY, *config.field_names()}
    for name in sorted(rule.features() - known):
        raise InvalidInput(
            f"the section split names the feature {name!r}; the clips have "
            f"{', '.join(sorted(known))}.{did_you_mean(name, known)} data.fields keeps further "
            "columns of a manifest as features"
        )


def sampled_rates(recordings: Sequence[Recording]) -> Counter[int]:
    """Return how often some headers say a sample rate; rates that no clip may have are left out.

    Of files of records some records are read.
    """
    if recordings and recordings[0].features:
        return _sampled_records(recordings)[0]
    step = max(1, -(-len(recordings) // _MAX_HEADERS))
    return Counter(rate for rate in map(_rate, recordings[::step]) if rate)


def most_common_rate(rates: Mapping[int, int]) -> int:
    """Return what most headers say; of rates that tie the lowest, which costs least."""
    return max(rates, key=lambda rate: (rates[rate], -rate))


def _rate(recording: Recording) -> int | None:
    """Return the sample rate in a file's header, or None if it has none."""
    try:
        with open_file(recording.uri, recording.roots) as file:
            if is_local(recording.uri):
                return header_rate(file)
            head = file.read(_HEAD_BYTES)
            return header_rate(io.BytesIO(head)) or header_rate(io.BytesIO(head + file.read()))
    except OSError:
        return None


def _sampled_records(recordings: Sequence[Recording]) -> tuple[Counter[int], list[str]]:
    """Return sample rates and labels of some records."""
    features = recordings[0].features or RecordFeatures("", "")
    rates: Counter[int] = Counter()
    rows: list[Row] = []
    problem = ""
    for record in sample_records(recordings, features.record_format):
        try:
            row, audio = record_row(record, features, ""), record_audio(record, features)
        except Unusable as error:
            problem = str(error)
            continue
        rates[audio.sample_rate] += 1
        rows.append(row)
    if not rates:
        raise InvalidInput(f"no record of {recordings[0].path!r} can be used; {problem}")
    return rates, sorted({name for row in rows for name in label_names(row.label)})
