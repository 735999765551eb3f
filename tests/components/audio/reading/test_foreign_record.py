"""Records that somebody else wrote."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.reading.clip_format import ClipFormat, to_format
from tfx_audio.components.audio.reading.foreign_record import record_audio, record_row
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.records.examples import parse_features, serialize_features

FEATURES = RecordFeatures("pcm", "class", sample_rate="sr", group="who", fields=("take",))


def parse(features=FEATURES, **values):
    record = parse_features(serialize_features(values))
    row, audio = record_row(record, features, "f:000000"), record_audio(record, features)
    return SimpleNamespace(row=row, audio=audio)


def waveform_of(found):
    rate = found.audio.sample_rate
    return to_format(found.audio, ClipFormat(rate, max_samples=1000)).waveform


def test_float_lists():
    found = parse(pcm=[0.5, -0.25], sr=8000, **{"class": "dog"}, who="anna", take=3)
    np.testing.assert_array_equal(waveform_of(found), np.array([0.5, -0.25], np.float32))
    assert found.audio.sample_rate == 8000
    row = found.row
    assert (row.clip_id, row.label, row.group, row.fields) == (
        "f:000000", "dog", "anna", {"take": "3"},
    )  # fmt: skip


def test_float_lists_of_16_bit_steps_are_taken_for_what_they_are():
    found = parse(pcm=[3000.0, -16384.0], sr=8000, **{"class": "dog"})
    assert waveform_of(found).tolist() == [3000 / 32768, -0.5]


def test_int64_lists_are_16_bit_steps():
    found = parse(pcm=[16384, -32768], sr=8000, **{"class": 4})
    assert waveform_of(found).tolist() == [0.5, -1.0]
    assert found.row.label == "4"


def test_encoded_audio_brings_its_own_rate():
    found = parse(pcm=encode_wav(np.array([0.5, 0.0], np.float32), 22050), **{"class": "x"})
    assert (found.audio.sample_rate, waveform_of(found).tolist()) == (22050, [0.5, 0.0])


def test_a_fixed_rate_counts_where_no_feature_says():
    features = RecordFeatures("pcm", "class", fixed_rate=44100)
    assert parse(features, pcm=[0.5], **{"class": "x"}).audio.sample_rate == 44100


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"sr": 8000, "class": "x"}, "empty"),
        ({"pcm": [0.5], "class": "x"}, "bad_sample_rate"),
        ({"pcm": [0.5], "sr": 4 * 10**9, "class": "x"}, "bad_sample_rate"),
        ({"pcm": [0.5], "sr": float("inf"), "class": "x"}, "bad_sample_rate"),
        ({"pcm": [0.5], "sr": "fast", "class": "x"}, "bad_sample_rate"),
        ({"pcm": [0.5], "sr": 8000}, "missing_label"),
        ({"pcm": [0.5], "sr": 8000, "class": "y" * 10**6}, "bad_label"),
        ({"pcm": [0.5], "sr": 8000, "class": ["a", "b"]}, "bad_record"),
        ({"pcm": [0.5], "sr": 8000, "class": b"\xff"}, "bad_record"),
        ({"pcm": [float("nan")], "sr": 8000, "class": "x"}, "non_finite"),
        ({"pcm": [40000], "sr": 8000, "class": "x"}, "bad_scale"),
        ({"pcm": [0] * 1001, "sr": 8000, "class": "x"}, "too_long"),
        ({"pcm": b"no audio, but bytes", "class": "x"}, "unreadable"),
    ],
)
def test_a_bad_record_is_unusable_by_name(values, reason):
    with pytest.raises(Unusable) as caught:
        waveform_of(parse(**values))
    assert caught.value.reason == reason


def test_a_record_that_names_an_unknown_split_is_refused():
    features = RecordFeatures(audio="audio", label="", split="part")
    assert record_row({"part": [b"val"]}, features, "id").split == "eval"
    with pytest.raises(Unusable, match="'trian'; train, eval or test is known"):
        record_row({"part": [b"trian"]}, features, "id")
