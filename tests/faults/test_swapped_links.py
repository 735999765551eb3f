"""What is swapped for a link between listing and reading is not read."""

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording

RATE = 8000


def write(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(RATE, level), RATE)


def write_records(path, level):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        clip = Clip("0", np.full(RATE, level, np.float32), RATE, "x")
        write_record(file, clip_to_example(clip))


def levels_and_reasons(listing):
    """Read all that was listed; return the clips' levels and the reasons for the others."""
    levels, reasons = set(), set()
    for recording in listing.recordings:
        for cut in read_recording(recording, ClipFormat(RATE)):
            if isinstance(cut, Rejection):
                reasons.add(cut.reason)
            else:
                levels.add(round(float(cut.clip.waveform.max()), 2))
    return levels, reasons


@pytest.fixture
def root(tmp_path):
    """A data folder with a class, a link inside, and a secret beside it."""
    write(tmp_path / "secret" / "1.wav", 0.75)
    write(tmp_path / "data" / "a" / "1.wav", 0.25)
    write(tmp_path / "data" / "b" / "2.wav", 0.5)
    (tmp_path / "data" / "b" / "link.wav").symlink_to(tmp_path / "data" / "a" / "1.wav")
    return tmp_path / "data"


def swap(path, target):
    """Put a link in the place of a file or a folder."""
    path.rename(path.with_name(f"{path.name}.before"))
    path.symlink_to(target)


@pytest.mark.parametrize("swapped", ["a/1.wav", "a"])
@pytest.mark.parametrize("table", [False, True])
def test_a_file_or_a_folder_swapped_for_a_link_is_not_read(root, swapped, table):
    if table:
        (root / "metadata.csv").write_text("file_name,label\na/1.wav,a\nb/2.wav,b\n")
    listing = list_recordings(IngestConfig(path=str(root)))
    assert levels_and_reasons(listing) == ({0.25, 0.5}, set())
    secret = root.parent / "secret"
    swap(root / swapped, secret / "1.wav" if swapped.endswith(".wav") else secret)
    levels, reasons = levels_and_reasons(listing)
    assert levels <= {0.5}
    assert "outside_roots" in reasons


def test_a_link_to_where_audio_may_come_from_is_read_whenever_it_was_made(root):
    secret = root.parent / "secret"
    listing = list_recordings(IngestConfig(path=str(root), roots=(str(secret),)))
    swap(root / "a" / "1.wav", secret / "1.wav")
    assert levels_and_reasons(listing) == ({0.75, 0.5}, set())


def test_a_data_folder_that_is_itself_a_link_is_read(root):
    link = root.parent / "link"
    link.symlink_to(root)
    listing = list_recordings(IngestConfig(path=str(link)))
    assert levels_and_reasons(listing) == ({0.25, 0.5}, set())


def test_a_file_of_records_swapped_for_a_link_is_not_read(tmp_path):
    write_records(tmp_path / "secret.tfrecord", 0.75)
    write_records(tmp_path / "data" / "a.tfrecord", 0.25)
    config = IngestConfig(path=str(tmp_path / "data"), records="*.tfrecord")
    listing = list_recordings(config)
    assert levels_and_reasons(listing) == ({0.25}, set())
    swap(tmp_path / "data" / "a.tfrecord", tmp_path / "secret.tfrecord")
    assert levels_and_reasons(listing) == (set(), {"outside_roots"})
