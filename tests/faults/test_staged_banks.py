"""Copies of remote sound banks lie in a folder of one's own, and are what the bank is."""

import os
import stat

import pytest
from apache_beam.io import filesystems

from tfx_audio.components.sound_bank import staging


@pytest.fixture
def bank(tmp_path, monkeypatch):
    """A bank that passes for a remote one."""
    folder = tmp_path / "remote" / "street"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.wav").write_bytes(b"one")
    (folder / "sub/b.wav").write_bytes(b"two")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(staging.tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(filesystems.FileSystems, "get_scheme", staticmethod(lambda path: "far"))
    monkeypatch.setattr(
        filesystems.FileSystems, "get_filesystem", staticmethod(lambda path: staging_filesystem())
    )
    staging._private_folder.cache_clear()
    return folder


def staging_filesystem():
    from apache_beam.io.localfilesystem import LocalFileSystem
    from apache_beam.options.pipeline_options import PipelineOptions

    return LocalFileSystem(PipelineOptions([]))


def staged(bank):
    return staging.stage_banks({"street": str(bank)})["street"]


def content(folder):
    with open(f"{folder}/a.wav", "rb") as one, open(f"{folder}/sub/b.wav", "rb") as two:
        return one.read(), two.read()


def test_a_copy_is_made_once_in_a_folder_that_is_closed_to_others(bank, tmp_path):
    first = staged(bank)
    assert content(first) == (b"one", b"two")
    assert staged(bank) == first
    (shared,) = (tmp_path / "tmp").iterdir()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a.wav", "extra.wav"])
def test_a_copy_that_was_changed_is_made_again(bank, name):
    first = staged(bank)
    with open(f"{first}/{name}", "wb") as file:
        file.write(b"evil")
    assert content(staged(bank)) == (b"one", b"two")
    assert sorted(os.listdir(staged(bank))) == ["a.wav", "sub"]


def test_a_folder_that_others_may_write_to_is_not_used(bank, tmp_path):
    squatted = tmp_path / "tmp" / staging._FOLDER
    squatted.mkdir()
    squatted.chmod(0o777)
    found = staged(bank)
    assert content(found) == (b"one", b"two")
    assert not list(squatted.iterdir())


def test_a_link_in_its_place_is_not_followed(bank, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "tmp" / staging._FOLDER).symlink_to(elsewhere)
    assert content(staged(bank)) == (b"one", b"two")
    assert not list(elsewhere.iterdir())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(bank, tmp_path):
    squatted = tmp_path / "tmp" / staging._FOLDER
    squatted.mkdir(mode=0o700)
    os.chown(squatted, 12345, 12345)
    assert content(staged(bank)) == (b"one", b"two")
    assert not list(squatted.iterdir())
