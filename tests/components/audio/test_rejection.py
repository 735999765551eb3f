"""Rejections and the rule when they are too many."""

import json

import pytest

from tfx_audio.components.audio.rejection import Rejection, TooManyRejected, check_rejected


def test_a_rejection_is_one_json_line_and_back():
    rejection = Rejection("a\n\u2028é.wav", "unreadable", "ingest", "no audio", "dög")
    line = rejection.to_json()
    assert line.isascii()
    assert "\n" not in line
    assert Rejection.from_json(line) == rejection


def test_a_million_characters_are_cut():
    line = Rejection("x" * 10**6, "bad_label", "ingest", "y" * 10**6, "z" * 10**6).to_json()
    assert len(line) < 2000
    assert json.loads(line)["label"].endswith("(1000000 characters)")


@pytest.mark.parametrize(("rejected", "total"), [(0, 0), (0, 10), (1, 100), (2, 200)])
def test_up_to_the_fraction_is_accepted(rejected, total):
    check_rejected({"unreadable": rejected}, total, 0.01, "Ingest")


def test_more_is_refused_with_reasons_and_table():
    with pytest.raises(TooManyRejected) as caught:
        check_rejected({"unreadable": 2, "empty": 1}, 100, 0.02, "Ingest", "/failed/t.jsonl")
    message = str(caught.value)
    assert "3 of 100" in message
    assert "empty: 1, unreadable: 2" in message
    assert "/failed/t.jsonl" in message
