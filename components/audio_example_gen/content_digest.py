"""A digest of the content of everything that is ingested, for the cache key."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.open_files import is_local

_BLOCK_BYTES = 2**20


def data_digest(config: IngestConfig) -> str:
    """Return a hex digest of names, labels and bytes of all that a configuration points at.

    Each local file is read once, a block at a time, so an edit that keeps size and time is
    noticed. Elsewhere the store's own checksum counts.
    """
    listing = list_recordings(config)
    digest = hashlib.sha256()
    for recording in listing.recordings:
        digest.update(repr((recording.path, recording.rows, recording.split)).encode())
        _add_content(digest, recording)
    for rejection in sorted(rejection.to_json() for rejection in listing.rejections):
        digest.update(rejection.encode())
    return digest.hexdigest()


def _add_content(digest: Any, recording: Recording) -> None:
    """Add a file's bytes and their number, by the plainest calls: small files are many."""
    try:
        if not is_local(recording.uri):
            digest.update(repr(FileSystems.checksum(recording.uri)).encode())
            return
        size = 0
        file = os.open(recording.uri, os.O_RDONLY)
        try:
            while block := os.read(file, _BLOCK_BYTES):
                digest.update(block)
                size += len(block)
        finally:
            os.close(file)
        digest.update(b"%d" % size)
    except (OSError, BeamIOError) as error:
        digest.update(type(error).__name__.encode())
