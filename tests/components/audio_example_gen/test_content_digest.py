"""The digest notices every change of content, and nothing else."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.content_digest import combined_digest, data_digest
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording, recording_number


@pytest.fixture
def root(tmp_path):
    for i in range(6):
        path = tmp_path / "ab"[i % 2] / f"{i}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.full(100, i / 10), 8000)
    return tmp_path


def digest(root, **changes):
    return data_digest(IngestConfig(path=str(root), **changes))


def test_the_same_data_has_the_same_digest(root):
    before = digest(root)
    for path in root.rglob("*.wav"):
        os.utime(path, (1, 1))
    assert digest(root) == before


def test_an_edit_that_keeps_size_and_time_is_noticed(root):
    before = digest(root)
    path = root / "a" / "0.wav"
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert path.stat().st_size == stat.st_size
    assert digest(root) != before


def test_a_version_that_the_user_states_is_the_digest_and_nothing_is_read(tmp_path):
    assert digest(tmp_path / "not there", version="2026-11") == "2026-11"


def test_names_labels_and_files_count(root):
    digests = {digest(root)}
    (root / "a" / "0.wav").rename(root / "a" / "00.wav")
    digests.add(digest(root))
    (root / "a" / "00.wav").rename(root / "b" / "00.wav")
    digests.add(digest(root))
    (root / "b" / "00.wav").unlink()
    digests.add(digest(root))
    assert len(digests) == 4


def test_a_manifest_s_content_counts(root):
    manifest = root / "metadata.csv"
    manifest.write_text("file_name,label\na/0.wav,x\nb/1.wav,y\n")
    before = digest(root)
    manifest.write_text("file_name,label\na/0.wav,y\nb/1.wav,x\n")
    assert digest(root) != before


def test_the_digest_is_the_same_from_another_place(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    os.system(f"cp -r '{root}' '{elsewhere}'")
    assert digest(elsewhere) == digest(root)


def read_again(root, change=lambda: None):
    """Return the digest of what is read after a change that comes when the listing is made."""
    listing = list_recordings(IngestConfig(path=str(root)))
    change()
    total = 0
    for recording in reversed(listing.recordings):
        contents = []
        list(read_recording(recording, ClipFormat(8000), contents.append))
        total += recording_number(recording, *contents)
    return combined_digest(total, listing.rejections)


def test_what_is_read_has_the_digest_of_the_files_in_any_order(root):
    (root / "a" / "broken.wav").write_bytes(b"RIFF")
    (root / "a" / "gone.wav").symlink_to(root / "nowhere.wav")
    assert read_again(root) == digest(root)


@pytest.mark.parametrize("change", ["edit", "delete", "pipe"])
def test_a_file_that_is_another_when_it_is_read_gives_another_digest(root, change):
    path, before = root / "a" / "0.wav", digest(root)

    def now():
        data = path.read_bytes()
        path.unlink()
        if change == "edit":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        elif change == "pipe":
            os.mkfifo(path)

    assert read_again(root, now) != before


def test_records_that_change_while_they_are_read_give_another_digest(tmp_path):
    with open(tmp_path / "a.tfrecord", "wb") as file:
        for number in range(3):
            example = clip_to_example(Clip(f"{number}", np.ones(8, np.float32), 8000, "x"))
            write_record(file, example)
    config = IngestConfig(path=str(tmp_path), records="*.tfrecord")
    (recording,) = list_recordings(config).recordings
    data = Path(recording.uri).read_bytes()

    def content(between=lambda: None):
        contents = []
        clips = read_recording(recording, ClipFormat(8000), contents.append)
        next(clips)
        between()
        list(clips)
        return contents

    assert content() == [hashlib.sha256(data).hexdigest()]
    # the same bytes again, but who knows what stood there meanwhile
    assert content(lambda: Path(recording.uri).write_bytes(data)) == ["changed while it was read"]
