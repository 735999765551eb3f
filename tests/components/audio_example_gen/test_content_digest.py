"""The digest notices every change of content, and nothing else."""

import os

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.content_digest import data_digest


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
