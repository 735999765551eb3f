"""A digest of the content of everything that is ingested, for the cache key."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.recording import Recording
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.files import is_local, open_file
from tfx_audio.components.audio_example_gen.listing import list_recordings

_BLOCK_BYTES = 2**20
_THREADS = 4


def data_digest(config: IngestConfig) -> str:
    """Return a hex digest of names, labels and bytes of all that a configuration points at.

    Each local file is read once, a block at a time, so an edit that keeps size and time is
    noticed. Elsewhere the store's own checksum counts.
    """
    listing = list_recordings(config)
    digest = hashlib.sha256()
    with ThreadPoolExecutor(_THREADS) as pool:
        contents = pool.map(_content, listing.recordings, chunksize=64)
        for recording, content in zip(listing.recordings, contents, strict=True):
            digest.update(repr((recording.path, recording.rows)).encode() + content)
    for rejection in sorted(rejection.to_json() for rejection in listing.rejections):
        digest.update(rejection.encode())
    return digest.hexdigest()


def _content(recording: Recording) -> bytes:
    try:
        if not is_local(recording.uri):
            return str(FileSystems.checksum(recording.uri)).encode()
        digest = hashlib.sha256()
        with open_file(recording.uri) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.digest()
    except OSError as error:
        return repr(error).encode()
