import time

import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio_augmenter import workers
from tfx_audio.components.audio_augmenter.spans import plan_spans
from tfx_audio.components.audio_augmenter.workers import (
    Work,
    choose_workers,
    estimate_seconds,
    is_chosen,
    worker_args,
    worthwhile_workers,
)


@pytest.mark.parametrize(
    ("args", "chosen"),
    [
        ([], False),
        (["--runner=DirectRunner", "--sdk_container_image=unused"], False),
        (["--direct_num_workers=1"], True),
        (["--direct_running_mode=multi_processing", "--direct_num_workers=4"], True),
        (["--runner=FlinkRunner"], True),
        (["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"], False),
    ],
)
def test_what_beam_is_told_is_not_overruled(args, chosen):
    assert is_chosen(args) is chosen


def test_choosing_is_final():
    assert is_chosen(worker_args(1))
    assert is_chosen(worker_args(3))
    assert worker_args(3) == ["--direct_running_mode=multi_processing", "--direct_num_workers=3"]


@pytest.mark.parametrize(
    ("seconds", "cpus", "expected"),
    [
        (0, 8, 1),
        (13, 2, 1),  # saves 6.5 s, costs 7
        (15, 2, 2),  # saves 7.5 s
        (1000, 1, 1),
        (20, 16, 5),  # four seconds of work at least for each
        (1000, 16, 16),
    ],
)
def test_more_workers_come_with_more_work(seconds, cpus, expected):
    assert worthwhile_workers(seconds, cpus) == expected


@pytest.fixture
def slow_augmenter(monkeypatch):
    augmenter = Augmenter(load_policy("classic"))
    make = augmenter.augment

    def slowly(clip, copy_index):
        time.sleep(0.02)
        return make(clip, copy_index)

    monkeypatch.setattr(augmenter, "augment", slowly)
    return augmenter


def test_the_estimate_is_clips_times_copies_times_the_time_of_one(splits, slow_augmenter):
    train = plan_spans(f"{splits}/Split-train/*")

    # 4 clips, 50 copies of each, 20 ms and a little for each.
    assert 4.0 <= estimate_seconds(Work(train, 50), slow_augmenter) < 8.0
    assert estimate_seconds(Work([], 50), slow_augmenter) == 0.0


def test_much_work_is_shared_out(splits, slow_augmenter):
    train = plan_spans(f"{splits}/Split-train/*")

    assert choose_workers([Work(train, 1)], slow_augmenter, cpus=2) == 1
    assert choose_workers([Work(train, 300)], slow_augmenter, cpus=2) == 2


def test_there_is_at_least_one_processor():
    assert workers.usable_cpus() >= 1
