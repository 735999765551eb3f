"""Counts and histograms in closed form."""

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example, parse_features
from tfx_audio.components.augmentation_report.sound import SoundSettings
from tfx_audio.components.augmentation_report.tables import (
    label_rows,
    provenance_rows,
    sound_note,
    train_histograms,
    transform_uses,
)
from tfx_audio.components.augmentation_report.totals import SplitTotals, histogram


def clip(clip_id, label, seconds, amplitude=0.5, **changes):
    waveform = np.full(round(seconds * 1_000), amplitude, np.float32)
    return Clip(clip_id, waveform, 1_000, label=label, **changes)


def totals(*clips):
    split = SplitTotals()
    for one in clips:
        split.add(parse_features(clip_to_example(one)))
    return split


STEP = '{"transforms":[{"name":"Gain","parameters":{}},{"name":"Gain","parameters":{}}]}'


def test_clips_seconds_copies_and_transforms():
    split = totals(
        clip("1", "a", 1.0),
        clip("1~1", "a", 2.0, copy_index=1, source_clip_id="1", augmentation=STEP),
        clip("2", "b", 0.5),
    )
    assert (split.clips, split.total_clips, split.copies) == ({"a": 2, "b": 1}, 3, 1)
    assert split.seconds == pytest.approx({"a": 3.0, "b": 0.5})
    assert split.applied == {"Gain": 1}  # one copy, however often it ran in it
    assert split.rms_dbfs[0] == pytest.approx(-6.0206, abs=1e-3)


def test_label_rows_begin_with_train_and_with_all_labels():
    before = {"test": totals(clip("3", "a", 1.0)), "train": totals(clip("1", "a", 1.0))}
    after = {
        "train": totals(clip("1", "a", 1.0), clip("1~1", "a", 1.0)),
        "test_clean": before["test"],
    }
    rows = [(r.split, r.label, r.clips_before, r.clips_after) for r in label_rows(before, after)]
    assert rows == [
        ("train", "all labels", 1, 2),
        ("train", "a", 1, 2),
        ("test", "all labels", 1, 1),
        ("test", "a", 1, 1),
    ]
    assert label_rows(before, after)[1].before_bar == 50.0


def test_a_histogram_is_in_per_cent_of_its_own_clips():
    drawn = histogram("Duration", "s", [0.0, 1.0], [0.0, 0.0, 0.0, 24.0])
    assert [drawn.bars[0].before, drawn.bars[1].before, drawn.bars[0].after] == [50.0, 50.0, 75.0]
    assert drawn.bars[-1].after == 25.0
    assert drawn.highest == 75.0
    assert drawn.summary.startswith("median 0.50 s")


def test_equal_values_make_a_histogram_too():
    drawn = histogram("Duration", "s", [1.0, 1.0], [1.0])
    assert sum(bar.before for bar in drawn.bars) == 100.0
    assert histogram("Duration", "s", [], [1.0]) is None


def test_train_histograms_need_both_sides():
    split = totals(clip("1", "a", 1.0))
    assert len(train_histograms(split, split)) == 3
    assert train_histograms(None, split) == ()


def test_transform_uses_are_shares_of_the_copies():
    train = totals(
        clip("1", "a", 1.0),
        clip("1~1", "a", 1.0, copy_index=1, source_clip_id="1", augmentation=STEP),
        clip("1~2", "a", 1.0, copy_index=2, source_clip_id="1"),
    )
    (use,) = transform_uses(train, {"applied": {"Gain": 4}, "ms": {"Gain": 10.0}})
    assert (use.name, use.applied, use.share, use.ms_each) == ("Gain", 1, 0.5, 2.5)
    assert transform_uses(train, {})[0].ms_each is None


def test_provenance_leaves_out_what_is_not_there():
    facts = {"seed": 0, "sound_bank_digest": "", "library_versions": {"numpy": "1.26.4"}}
    assert provenance_rows(facts) == (("seed", "0"), ("numpy", "1.26.4"))


def test_a_compressed_page_says_so():
    assert "losslessly" in sound_note(SoundSettings("WAV"))
    assert "slightly coarser" in sound_note(SoundSettings("OGG"))
