"""Folders of audio with a manifest, and what listing makes of them."""

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings


def _write(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(8000 * seconds)), 8000, format="WAV")
    return path


@pytest.fixture(scope="session")
def write():
    """Write a silent WAV file."""
    return _write


@pytest.fixture(scope="session")
def listed():
    """List a data root."""
    return lambda root, **changes: list_recordings(IngestConfig(path=str(root), **changes))


@pytest.fixture(scope="session")
def all_rows():
    """Return a listing's rows by clip id."""
    return lambda listing: {row.clip_id: row for one in listing.recordings for row in one.rows}


@pytest.fixture(scope="session")
def reasons():
    """Return why each path of a listing was rejected."""
    return lambda listing: {rejection.path: rejection.reason for rejection in listing.rejections}
