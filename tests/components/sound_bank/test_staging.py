"""Banks on a worker: where they are, or copied once from another file system."""

import io
import os
import tempfile
from pathlib import Path

import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem, MatchResult

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.sound_bank.staging import stage_banks


class ShelfFileSystem(FileSystem):
    """``shelf://<name>``: a file system of the test's own, a dictionary; counts what it reads."""

    files: dict = {}  # noqa: RUF012
    opened: list = []  # noqa: RUF012

    @classmethod
    def scheme(cls):
        return "shelf"

    def join(self, basepath, *paths):
        return "/".join([basepath, *paths])

    def split(self, path):
        return os.path.split(path)

    def has_dirs(self):
        return False

    def match(self, patterns, limits=None):
        return [
            MatchResult(
                pattern,
                [
                    FileMetadata(path, len(data))
                    for path, data in self.files.items()
                    if path.startswith(pattern.rstrip("*"))
                ],
            )
            for pattern in patterns
        ]

    def open(self, path, mime_type="", compression_type=""):
        self.opened.append(path)
        return io.BytesIO(self.files[path])

    def _list(self, dir_or_prefix): ...
    def mkdirs(self, path): ...
    def create(self, path, mime_type="", compression_type=""): ...
    def copy(self, source_file_names, destination_file_names): ...
    def rename(self, source_file_names, destination_file_names): ...
    def exists(self, path): ...
    def size(self, path): ...
    def last_updated(self, path): ...
    def checksum(self, path): ...
    def metadata(self, path): ...
    def delete(self, paths): ...


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ShelfFileSystem.files = {"shelf://s/street/a.wav": b"A", "shelf://s/street/far/b.wav": b"BB"}
    ShelfFileSystem.opened = []
    return ShelfFileSystem


def test_a_local_folder_is_used_where_it_is(tmp_path):
    assert stage_banks({"street": f"{tmp_path}/"}) == {"street": str(tmp_path)}


def test_a_folder_that_this_worker_cannot_see_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="'street': expected a folder that every worker can"):
        stage_banks({"street": str(tmp_path / "nowhere")})


def test_another_file_systems_folder_is_copied_whole_and_once(shelf):
    first = Path(stage_banks({"street": "shelf://s/street"})["street"])
    again = Path(stage_banks({"street": "shelf://s/street"})["street"])

    assert first == again
    assert (first / "a.wav").read_bytes() == b"A"
    assert (first / "far/b.wav").read_bytes() == b"BB"
    assert len(shelf.opened) == 2
    names = {path.name for path in first.parent.iterdir()}
    assert {name for name in names if not name.endswith(".digest")} == {first.name}  # no half copy


def test_a_changed_listing_is_copied_anew(shelf):
    before = stage_banks({"street": "shelf://s/street"})
    shelf.files["shelf://s/street/c.wav"] = b"CCC"

    after = stage_banks({"street": "shelf://s/street"})

    assert after != before
    assert Path(after["street"], "c.wav").read_bytes() == b"CCC"


def test_an_empty_folder_is_refused(shelf):
    with pytest.raises(InvalidInput, match="holds no file"):
        stage_banks({"street": "shelf://s/road"})
