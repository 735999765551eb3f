"""A digest of all that is ingested: the cache key of ingest, and of what ingest has read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from apache_beam.io.filesystem import BeamIOError

from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import recording_number
from tfx_audio.components.content_check import computed
from tfx_audio.components.open_files import file_digest


def data_digest(config: IngestConfig) -> str:
    """Return a digest of names, labels and bytes of all that a configuration points at.

    Each local file is read once, a block at a time, so an edit that keeps size and time is
    noticed. Elsewhere the store's own checksum counts.
    """
    listing = list_recordings(config)
    numbers = (recording_number(r, _content(r)) for r in listing.recordings)
    return combined_digest(sum(numbers), listing.rejections)


def combined_digest(total: int, rejections: Iterable[Rejection]) -> str:
    """Return the digest of recordings and of what the listing rejects."""
    digest = hashlib.sha256(b"%x" % total)
    for line in sorted(rejection.to_json() for rejection in rejections):
        digest.update(line.encode())
    return computed(digest.hexdigest())


def _content(recording: Recording) -> str:
    try:
        return file_digest(recording.uri)
    except (OSError, BeamIOError) as error:
        return type(error).__name__
