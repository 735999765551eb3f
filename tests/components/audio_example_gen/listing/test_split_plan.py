"""Splits of few groups and of folds are known before anything is decoded."""

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.splits import hashed_split
from tfx_audio.components.audio_example_gen.config import SplitConfig
from tfx_audio.components.audio_example_gen.listing.split_plan import fold_values, plan_splits

RATIOS = {"train": 0.8, "eval": 0.1, "test": 0.1}


@pytest.fixture
def spoken(tmp_path, write, listed):
    """Clips of six speakers, each of whom says both labels."""
    for speaker in range(6):
        for label in ("no", "yes"):
            write(tmp_path / f"{label}_{speaker}.wav")
    return listed(tmp_path, label_from="{label}_{group}")


def splits_of(seed):
    return {hashed_split(str(speaker).encode(), RATIOS, seed) for speaker in range(6)}


def test_a_seed_that_fills_all_splits_is_taken_and_said(spoken):
    works = next(seed for seed in range(1000) if len(splits_of(seed)) == 3)
    assert works > 0  # else the test shows nothing
    rule = plan_splits(SplitConfig(by="group"), spoken)
    assert rule.seed == works
    assert "split.by=group has 6 values: with split.seed=0 no clip comes into " in spoken.notes[-1]
    assert f"split.seed={works} is taken" in spoken.notes[-1]


def test_a_seed_that_leaves_a_split_empty_is_refused_with_one_that_works(spoken):
    works = next(seed for seed in range(1000) if len(splits_of(seed)) == 3)
    with pytest.raises(InvalidInput, match=f"6 values.*split.seed={works} leaves none empty"):
        plan_splits(SplitConfig(by="group", seed=0), spoken)


def test_a_seed_is_left_alone_where_it_fills_all_splits(spoken):
    works = next(seed for seed in range(1000) if len(splits_of(seed)) == 3)
    assert plan_splits(SplitConfig(by="group", seed=works), spoken).seed == works
    assert spoken.notes == []


def test_fewer_groups_than_splits_are_refused(tmp_path, write, listed):
    for name in ("no_1", "yes_1", "no_2", "yes_2"):
        write(tmp_path / f"{name}.wav")
    with pytest.raises(InvalidInput, match="2 values: no way to divide them"):
        plan_splits(SplitConfig(by="group"), listed(tmp_path, label_from="{label}_{group}"))


def test_a_fold_is_the_test_split_and_the_next_is_eval(tmp_path, write, listed):
    for fold in (1, 2, 3, 10):
        for label in ("a", "b"):
            write(tmp_path / f"{label}_{fold}.wav")
    listing = listed(tmp_path, label_from="{label}_{fold}")
    assert fold_values(listing) == ["1", "2", "3", "10"]
    rule = plan_splits(SplitConfig(fold="10"), listing)
    assigned = {fold: rule.assign({"fold": fold}, b"") for fold in ("1", "2", "3", "10")}
    assert assigned == {"1": "eval", "2": "train", "3": "train", "10": "test"}
    assert listing.notes == ["fold 10 is test and fold 1 is eval"]
    with pytest.raises(InvalidInput, match=r"split\.fold is '4'; the folds of the data are 1, 2"):
        plan_splits(SplitConfig(fold="4"), listing)


def test_official_folds_are_kept_together_without_a_word(tmp_path, write, listed):
    lines = "filename,fold,target,category,esc10,src_file,take\n"
    for fold in (1, 2, 3, 4, 5):
        for label in ("cow", "dog"):
            write(tmp_path / "audio" / f"{fold}{label}.wav")
            lines += f"{fold}{label}.wav,{fold},0,{label},True,1,A\n"
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(lines)
    listing = listed(tmp_path)
    rule = plan_splits(SplitConfig(), listing)
    assert dict(rule.selections)["test"].values == {"5"}
    assert "fold 5 is test and fold 1 is eval (--set split.fold=K chooses" in listing.notes[-1]
    by_audio = plan_splits(SplitConfig(by="audio"), listing)
    assert (by_audio.by, by_audio.selections) == ("audio", ())
