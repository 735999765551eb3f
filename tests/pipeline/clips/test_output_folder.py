"""An output folder: whole or not there, one run at a time, and nothing left of it."""

import errno
import fcntl

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.clips.output_folder import RESULT, appearing_when_whole, unfinished_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_result_appears_at_the_end_and_nothing_else_stays(tmp_path):
    out = tmp_path / "out"
    with appearing_when_whole(out) as folder:
        (folder / RESULT / "x").touch()
        (folder / "kept").touch()
        assert not out.exists()

    assert names(tmp_path) == ["out"]
    assert names(out) == ["x"]


def test_what_an_interrupted_run_kept_is_there_for_the_next_one(tmp_path):
    def interrupted():
        with appearing_when_whole(tmp_path / "out") as folder:
            (folder / RESULT / "half").touch()
            (folder / "kept").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    with appearing_when_whole(tmp_path / "out") as folder:
        assert (folder / "kept").exists()
        assert names(folder / RESULT) == []


def test_unusable_input_leaves_nothing(tmp_path):
    def refused():
        with appearing_when_whole(tmp_path / "out"):
            raise InvalidInput("no")

    with pytest.raises(InvalidInput, match="no"):
        refused()
    assert names(tmp_path) == []


def test_a_second_run_is_refused_and_disturbs_nothing(tmp_path):
    with appearing_when_whole(tmp_path / "out") as folder:
        (folder / RESULT / "x").touch()
        with (
            pytest.raises(InvalidInput, match="another run is writing"),
            appearing_when_whole(tmp_path / "out"),
        ):
            pass
    assert names(tmp_path / "out") == ["x"]


def test_without_locks_every_run_has_a_folder_of_its_own(tmp_path, monkeypatch):
    def no_locks(*args):
        raise OSError(errno.EOPNOTSUPP, "no locks here")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with appearing_when_whole(tmp_path / "out") as folder:
        assert folder != unfinished_folder(tmp_path / "out")
        (folder / RESULT / "x").touch()
    assert names(tmp_path / "out") == ["x"]
