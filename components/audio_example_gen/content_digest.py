"""A digest of all that is ingested: the cache key of ingest, and of what ingest has read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from multiprocessing.pool import ThreadPool

from tfx_audio.components.audio.reading.recording import Recording
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import recording_number
from tfx_audio.components.content_check import computed
from tfx_audio.components.open_files import file_digest

_READERS = 16  # a bucket answers many at a time; hashing a local block lets other threads run


def data_digest(config: IngestConfig) -> str:
    """Return the data's version that the user states, or a digest of names, labels and bytes.

    Each local file is read once, a block at a time, so an edit that keeps size and time is
    noticed. Elsewhere the store's own checksum counts. Several are read at a time.
    """
    if config.version:
        return config.version
    listing = list_recordings(config)
    with ThreadPool(_READERS) as pool:
        total = sum(pool.imap_unordered(_number, listing.recordings, chunksize=16))
    return combined_digest(total, listing.rejections)


def combined_digest(total: int, rejections: Iterable[Rejection]) -> str:
    """Return the digest of recordings and of what the listing rejects."""
    digest = hashlib.sha256(b"%x" % total)
    for line in sorted(rejection.to_json() for rejection in rejections):
        digest.update(line.encode())
    return computed(digest.hexdigest())


def _number(recording: Recording) -> int:
    try:
        content = file_digest(recording.uri)
    except OSError as error:
        content = type(error).__name__
    return recording_number(recording, content)
