import logging
import time

from tfx_audio.components import progress_files
from tfx_audio.components.audio.progress import LOGGER_NAME
from tfx_audio.components.progress_files import FinishedCount, finished, follow


def test_counts_of_all_workers_add_up(tmp_path):
    for clips in (3, 4):
        worker = FinishedCount(str(tmp_path))
        worker.add(clips)
        worker.write()

    assert finished(str(tmp_path)) == 7


def test_a_worker_writes_at_most_once_an_interval(tmp_path, monkeypatch):
    monkeypatch.setattr(progress_files, "INTERVAL_S", 60.0)
    worker = FinishedCount(str(tmp_path))

    worker.add(5)

    assert finished(str(tmp_path)) == 0


def test_a_count_that_is_being_written_counts_nothing(tmp_path):
    (tmp_path / "x.count").write_text("12")

    assert finished(str(tmp_path)) == 0


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    worker = FinishedCount("")
    worker.add(1)
    worker.write()

    assert list(tmp_path.iterdir()) == []


def test_progress_is_reported_up_to_the_total_while_the_work_runs(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(progress_files, "INTERVAL_S", 0.02)
    caplog.set_level(logging.INFO, LOGGER_NAME)
    folder = tmp_path / "progress"

    with follow(str(folder), "Stage", total=6):
        worker = FinishedCount(str(folder))
        worker.add(4)
        worker.write()
        time.sleep(0.2)
        worker.add(4)  # a retried bundle counts its clips again
        worker.write()
        time.sleep(0.2)

    assert [r.getMessage() for r in caplog.records][-2:] == ["Stage: 4/6 clips", "Stage: 6/6 clips"]
    assert not folder.exists()
