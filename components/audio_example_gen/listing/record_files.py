"""TFRecord files that somebody else wrote."""

from __future__ import annotations

import contextlib
import itertools
import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.foreign_record import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio.records.examples import parse_features
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import find_roles
from tfx_audio.components.audio_example_gen.listing.files import walk
from tfx_audio.components.audio_example_gen.listing.listing import Listing, allowed_roots
from tfx_audio.components.open_files import open_records

_FILES_TO_SAMPLE = 20
_RECORDS_TO_SAMPLE = 25


def list_record_files(config: IngestConfig) -> Listing:
    """List the files that ``data.records`` matches; their clips are only known when read.

    Raises:
      InvalidInput: If there is none, or no feature holds the audio or the label.
    """
    listing = Listing()
    for file in walk(config.path, allowed_roots(config), listing.reject):
        name = file.path if "/" in config.records else posixpath.basename(file.path)
        if fnmatchcase(name, config.records):
            listing.recordings.append(Recording(file.uri, file.path, (), file.size))
    if not listing.recordings:
        raise InvalidInput(
            f"data.records is {config.records!r}; no file under {config.path!r} fits"
        )
    listing.recordings.sort(key=lambda recording: recording.path)
    listing.record_features = _features(config, listing.recordings)
    return listing


def _features(config: IngestConfig, recordings: list[Recording]) -> RecordFeatures:
    """Return which feature means what, from the first record that can be read."""
    for record in sample_records(recordings):
        names = parse_features(record)
        break
    else:
        raise InvalidInput(f"no file that data.records={config.records!r} matches is a TFRecord")
    roles = find_roles(config.columns, names, "the first record")
    for role, name in (("audio", roles.audio), ("label", roles.label)):
        if not name:
            raise InvalidInput(
                f"which feature is the {role}? The records have {', '.join(map(repr, names))}; "
                f"data.columns.{role} names it"
            )
    return RecordFeatures(
        audio=roles.audio,
        label=roles.label,
        sample_rate=roles.sample_rate,
        fixed_rate=config.records_sample_rate,
        clip_id=roles.id,
        group=roles.group,
        split=roles.split,
        fields=config.fields,
    )


def sample_records(recordings: list[Recording]) -> Iterator[bytes]:
    """Yield some records of some files that parse, to see what they are like."""
    step = max(1, len(recordings) // _FILES_TO_SAMPLE)
    for recording in recordings[::step]:
        with contextlib.suppress(OSError, ValueError), open_records(recording.uri) as file:
            for record in itertools.islice(read_records(file), _RECORDS_TO_SAMPLE):
                with contextlib.suppress(ValueError):
                    parse_features(record)
                    yield record
