"""Splits: no leak, no clip that moves, and every selection as it says."""

import hashlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.splits import (
    KEEP_ORDER,
    SPLITS,
    hashed_split,
    make_split_rule,
    parse_selection,
    split_of_name,
)

UNHURRIED = settings(deadline=None)  # a busy machine is no failure
RATIOS = {"train": 0.8, "eval": 0.1, "test": 0.1}
KEYS = st.lists(st.binary(min_size=1, max_size=40), unique=True, max_size=60)
WEIGHTS = st.fixed_dictionaries(
    {"train": st.floats(0.1, 10), "eval": st.floats(0.1, 10)}, optional={"test": st.floats(0, 10)}
)
SEEDS = st.integers(-(2**40), 2**40)
CLIPS = st.lists(
    st.tuples(st.binary(max_size=4), st.sampled_from("abcdefgh"), st.integers(0, 50)), max_size=60
)


@given(KEYS, KEYS, WEIGHTS, SEEDS)
@UNHURRIED
def test_adding_clips_moves_none(old, new, weights, seed):
    rule = make_split_rule(weights, "audio", {}, seed)
    before = {key: rule.assign({}, key) for key in old}
    after = {key: rule.assign({}, key) for key in [*new, *old]}
    assert all(after[key] == split for key, split in before.items())


@given(CLIPS, WEIGHTS, SEEDS)
@UNHURRIED
def test_the_same_audio_is_never_in_two_splits(clips, weights, seed):
    rule = make_split_rule(weights, "audio", {}, seed)
    found = {}
    for audio, speaker, index in clips:
        split = rule.assign({"speaker": speaker, "index": str(index)}, audio)
        assert found.setdefault(audio, split) == split
        assert weights.get(split, 0) > 0


@given(CLIPS, WEIGHTS, SEEDS)
@UNHURRIED
def test_no_value_of_the_dividing_feature_straddles_two_splits(clips, weights, seed):
    rule = make_split_rule(weights, "speaker", {}, seed)
    found = {}
    for audio, speaker, _ in clips:
        split = rule.assign({"speaker": speaker}, audio)
        assert found.setdefault(speaker, split) == split


@given(CLIPS, SEEDS, st.integers(0, 50), st.integers(0, 50))
@UNHURRIED
def test_a_selection_takes_its_clips_and_no_others(clips, seed, low, high):
    rule = make_split_rule(RATIOS, "audio", {"test": f"index in {low}-{high}"}, seed)
    for audio, _, index in clips:
        split = rule.assign({"index": str(index)}, audio)
        assert (split == "test") == (low <= index <= high)


@given(SEEDS, SEEDS)
@UNHURRIED
def test_another_seed_is_another_partition(seed, other):
    assume(seed != other)
    keys = [bytes([i]) for i in range(64)]
    weights = {"train": 1.0, "eval": 1.0, "test": 1.0}
    first = [hashed_split(key, weights, seed) for key in keys]
    assert first != [hashed_split(key, weights, other) for key in keys]


def test_shares_are_the_ratios():
    rule = make_split_rule(RATIOS, "audio", {}, 0)
    keys = [hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(20000)]
    splits = [rule.assign({}, key) for key in keys]
    for name, ratio in RATIOS.items():
        assert splits.count(name) / len(splits) == pytest.approx(ratio, abs=0.01)


def test_a_partition_is_the_same_for_ever():
    # Recorded once: another value here means that everybody's splits move.
    splits = [hashed_split(bytes([i]), RATIOS, 0)[:2] for i in range(24)]
    assert " ".join(splits) == (
        "tr ev tr te tr tr tr ev ev tr te tr tr tr tr tr tr ev ev tr ev tr tr te"
    )


@pytest.mark.parametrize(
    ("text", "selected", "others"),
    [
        ("index in 0-4", ["0", "3", "4", "04"], ["5", "-1", "x", "", "1-3", "²"]),
        ("index in 1, 3-4", ["1", "3", "4"], ["0", "2"]),
        ("index in theo,lucas", ["theo", "lucas"], ["theo,lucas", "jackson"]),
        ("index in train-clean", ["train-clean"], ["train"]),
        ("index in tabla 1", ["tabla 1"], ["tabla", "1"]),
    ],
)
def test_selections(text, selected, others):
    selection = parse_selection(text)
    assert selection.feature == "index"
    assert all(selection.selects({"index": value}) for value in selected)
    assert not any(selection.selects({"index": value}) for value in others)
    assert not selection.selects({})


def test_where_selections_overlap_the_judging_split_comes_first():
    select = {"train": "i in 0-9", "eval": "i in 3-6", "test": "i in 0-4"}
    rule = make_split_rule(RATIOS, "audio", select, 0)
    splits = [rule.assign({"i": str(i)}, b"k") for i in range(10)]
    assert splits == ["test"] * 5 + ["eval"] * 2 + ["train"] * 3


@pytest.mark.parametrize("text", ["", "index", "index in", "index in  ", "in 0-4", "0-4 in index"])
def test_a_malformed_selection_is_refused(text):
    with pytest.raises(InvalidInput, match="index in 0-4"):
        parse_selection(text)


@pytest.mark.parametrize(
    ("ratios", "select", "message"),
    [
        ({"train": 1, "evaluation": 1}, {}, "evaluation"),
        ({"train": 1, "eval": -1}, {}, ">= 0"),
        ({"train": 1, "eval": float("nan")}, {}, ">= 0"),
        ({"train": 0, "eval": 1}, {}, "train needs"),
        ({"train": 1}, {}, "eval needs"),
        (RATIOS, {"tests": "a in b"}, "Did you mean 'test'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(ratios, select, message):
    with pytest.raises(InvalidInput, match=message):
        make_split_rule(ratios, "audio", select, 0)


def test_what_the_data_says_counts_first():
    rule = make_split_rule(RATIOS, "audio", {"test": "index in 1"}, 0, given_splits=set(SPLITS))
    assert rule.assign({"index": "1"}, b"k", given_split="eval") == "eval"
    assert {rule.assign({}, bytes([i]), given_split="train") for i in range(99)} == {"train"}
    assert rule.expected() == SPLITS


def test_eval_is_taken_from_train_where_the_data_says_none():
    rule = make_split_rule(RATIOS, "audio", {}, 0, given_splits={"train", "test"})
    splits = [rule.assign({}, i.to_bytes(2, "big"), given_split="train") for i in range(2000)]
    assert splits.count("eval") / 2000 == pytest.approx(1 / 9, abs=0.02)
    assert set(splits) == {"train", "eval"}


def test_no_test_split_is_made_up_where_the_data_says_train_and_eval():
    rule = make_split_rule(RATIOS, "audio", {}, 0, given_splits={"train", "eval"})
    assert rule.expected() == ("train", "eval")


def test_a_clip_without_the_dividing_feature_has_no_split():
    assert make_split_rule(RATIOS, "speaker", {}, 0).assign({"speaker": ""}, b"k") is None
    every = {"train": "i in 0", "eval": "i in 1", "test": "i in 2"}
    assert make_split_rule(RATIOS, "audio", every, 0).assign({"i": "3"}, b"k") is None


def test_weight_of_0_leaves_a_split_out():
    rule = make_split_rule({"train": 1, "eval": 1, "test": 0}, "audio", {}, 0)
    assert rule.expected() == ("train", "eval")
    assert {rule.assign({}, bytes([i])) for i in range(99)} == {"train", "eval"}


def test_usual_names_of_splits():
    assert [split_of_name(name) for name in ("Training", "val", "dev", " TEST ", "x")] == [
        "train", "eval", "eval", "test", None,
    ]  # fmt: skip
    assert set(KEEP_ORDER) == set(SPLITS)
