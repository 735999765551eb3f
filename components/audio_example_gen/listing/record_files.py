"""Files of records that somebody else wrote: TFRecords, parquet, WebDataset."""

from __future__ import annotations

import contextlib
import itertools
import json
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import yaml
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.splits import TRAIN
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import Columns, find_roles
from tfx_audio.components.audio_example_gen.listing.files import walk
from tfx_audio.components.audio_example_gen.listing.listing import Listing, allowed_roots
from tfx_audio.components.audio_example_gen.listing.recognise import FoundLayout, split_files
from tfx_audio.components.audio_example_gen.record_formats import Values, open_parquet, read_values
from tfx_audio.components.open_files import open_file

_TFRECORD = "tfrecord"
_MAX_RECORD_BYTES = 2**30
_FILES_TO_SAMPLE = 20
_RECORDS_TO_SAMPLE = 25


def list_record_files(listing: Listing, found: FoundLayout | None = None) -> Listing:
    """List the files of records of a layout, or that ``data.records`` matches.

    Their clips are only known when they are read.

    Raises:
      InvalidInput: If there is none, or no feature holds the audio or the label.
    """
    config = listing.config
    splits = _splits_of_files(config, found)
    for file in walk(found.home if found else config.path, allowed_roots(config), listing.reject):
        name = file.path if "/" in config.records else posixpath.basename(file.path)
        if file.path in splits or (not found and fnmatchcase(name, config.records)):
            split = splits.get(file.path, "")
            one = Recording(file.uri, file.path, (), file.size, split=split, roots=listing.roots)
            listing.recordings.append(one)
        else:
            listing.ignored.append(file.path)
    if not listing.recordings:
        raise InvalidInput(
            f"data.records is {config.records!r}; no file under {config.path!r} fits"
        )
    listing.given_splits = frozenset(one.split for one in listing.recordings if one.split)
    if listing.given_splits == {TRAIN}:  # one file called train divides nothing
        listing.given_splits = frozenset()
        listing.recordings = [replace(one, split="") for one in listing.recordings]
    listing.recordings.sort(key=lambda recording: recording.path)
    features = listing.record_features = _features(config, listing.recordings, found)
    listing.recordings = [replace(one, features=features) for one in listing.recordings]
    return listing


def _splits_of_files(config: IngestConfig, found: FoundLayout | None) -> dict[str, str]:
    """Return the files of a layout's first pattern that fits, with the split their names say."""
    patterns = found.layout.records.files if found and found.layout.records else ()
    for pattern in patterns:
        files = split_files(found.home, pattern, allowed_roots(config)) if found else []
        if files:
            return dict(files)
    return {}


def _features(
    config: IngestConfig, recordings: list[Recording], found: FoundLayout | None
) -> RecordFeatures:
    """Return which feature means what, from the first record that can be read."""
    records = found.layout.records if found else None
    record_format = records.format if records else _TFRECORD
    first = next(sample_records(recordings, record_format), None)
    if first is None:
        raise InvalidInput(
            f"no file of {config.records or record_format!r} under {config.path!r} has a record "
            "that can be read"
        )
    names, usual = list(first), found.layout.columns if found else Columns()
    roles = find_roles(config.columns, names, "the first record", usual)
    for role, name in (("audio", roles.audio), ("label", roles.label)):
        if not name:
            raise InvalidInput(
                f"which feature is the {role}? The records have {', '.join(map(repr, names))}; "
                f"data.columns.{role} names it"
            )
    rate = f"{roles.audio}.sampling_rate"
    return RecordFeatures(
        audio=roles.audio,
        label=roles.label,
        sample_rate=roles.sample_rate or (rate if rate in names else ""),
        fixed_rate=config.records_sample_rate,
        clip_id=roles.id,
        group=roles.group,
        split=roles.split,
        fields=config.fields,
        record_format=record_format,
        label_names=_label_names(recordings[0].uri, config, roles.label),
        several_labels=config.labels == "several",
    )


def sample_records(recordings: Sequence[Recording], record_format: str) -> Iterator[Values]:
    """Yield some records of some files that parse, to see what they are like."""
    step = max(1, len(recordings) // _FILES_TO_SAMPLE)
    for recording in recordings[::step]:
        with contextlib.suppress(OSError, ValueError):
            records = read_values(recording.uri, record_format, _MAX_RECORD_BYTES, recording.roots)
            for values in itertools.islice(records, _RECORDS_TO_SAMPLE):
                if not isinstance(values, Unusable):
                    yield values


def _label_names(uri: str, config: IngestConfig, label: str) -> tuple[str, ...]:
    """Return the names of numbered labels that Hugging Face writes into its file or its README."""
    features: Any = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        with open_parquet(uri, (config.path, *config.roots)) as table:
            written = table.schema_arrow.metadata or {}
        features = json.loads(written[b"huggingface"])["info"]["features"]
    if names := _names_in((features or {}).get(label)):
        return names
    with contextlib.suppress(OSError, yaml.YAMLError, LookupError, AttributeError, TypeError):
        with open_file(FileSystems.join(config.path, "README.md")) as file:
            head = file.read(2**20).decode("utf-8", "replace").split("---")[1]
        info = yaml.safe_load(head)["dataset_info"]
        infos = info if isinstance(info, list) else [info]
        features = {one["name"]: one for one in infos[0]["features"]}
        return _names_in(features[label].get("dtype", {}).get("class_label"))
    return ()


def _names_in(feature: Any) -> tuple[str, ...]:
    """Return the names of a class label: a list, or a mapping from numbers."""
    names = feature.get("names") if isinstance(feature, dict) else None
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    return tuple(map(str, names or ()))
