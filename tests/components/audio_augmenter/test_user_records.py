"""Examples with names of the user's own: what a copy keeps, and in which coding."""

import io

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import decode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.examples import (
    CONTRACT_KEYS,
    example_to_clip,
    parse_features,
    serialize_features,
)
from tfx_audio.components.audio_augmenter.user_records import columns_json, user_records

HALF = load_policy(
    {"conditions": {}, "transforms": [{"name": "Gain", "min_gain_db": -6.0206,
                                       "max_gain_db": -6.0206, "p": 1.0}]}
)  # fmt: skip
TONE = (np.sin(np.arange(800) / 9) * 0.5).astype(np.float32)
OTHERS = {"cls": 3, "blob": b"\xff\x00", "scores": [0.25, -1.5], "note": ["a", "b"], "none": []}


def flac(waveform):
    file = io.BytesIO()
    soundfile.write(file, waveform, 8000, format="FLAC")
    return file.getvalue()


def copy_of(audio, columns=None, **others):
    """Return the features of a record, of what is kept of it, and of its first copy."""
    records = user_records(columns_json({"audio": "wav", "label": "cls", **(columns or {})}))
    record = serialize_features({"wav": audio, **OTHERS, **others})
    clip = records.read(record)
    copy = records.write(Augmenter(HALF).augment(clip, 1))
    return tuple(map(parse_features, (record, records.keep(record, clip), copy)))


@pytest.mark.parametrize(
    ("audio", "columns", "full_scale"),
    [
        (TONE.tolist(), {"sample_rate": 8000}, 1.0),
        ((TONE * 32768).round().astype(int).tolist(), {"sample_rate": 8000}, 32768.0),
        ((TONE * 32768).round().tolist(), {"sample_rate": 8000}, 32768.0),
        (flac(TONE), {}, 1.0),
    ],
    ids=["floats", "integers", "integers as floats", "a file"],
)
def test_a_copy_has_the_users_features_and_its_own_audio_in_their_coding(
    audio, columns, full_scale
):
    record, kept, copy = copy_of(audio, columns)
    for name in record:
        assert kept[name] == record[name], name
        if name != "wav":
            assert copy[name] == record[name], name
    assert type(copy["wav"][0]) is type(record["wav"][0])
    samples = decode_wav(copy["wav"][0])[0] if isinstance(audio, bytes) else copy["wav"]
    assert np.allclose(np.asarray(samples) / full_scale, TONE / 2, atol=4e-5)


def test_the_contract_stands_beside_and_is_one():
    _, kept, copy = copy_of(TONE.tolist(), {"sample_rate": 8000})
    for features in (kept, copy):
        clip = example_to_clip(serialize_features({k: features[k] for k in CONTRACT_KEYS}))
        assert (clip.label, clip.sample_rate, clip.source_clip_id) == (
            "3", 8000, kept["clip_id"][0].decode(),
        )  # fmt: skip
    assert copy["clip_id"] == [kept["clip_id"][0] + b"~1"]
    assert (kept["copy_index"], copy["copy_index"]) == ([0], [1])


def test_a_name_that_both_have_is_the_users():
    columns = columns_json({"audio": "audio", "label": "label", "sample_rate": "sample_rate"})
    records = user_records(columns)
    record = serialize_features({"audio": TONE.tolist(), "label": 3, "sample_rate": [8000.0]})
    clip = records.read(record)
    copy = records.write(Augmenter(HALF).augment(clip, 1))
    features = parse_features(copy)
    assert (features["label"], features["sample_rate"]) == ([3], [8000.0])
    assert len(features["audio"]) == len(TONE)
    again = example_to_clip(records.by_contract(copy))  # what the report reads
    assert (again.label, again.copy_index, again.source_clip_id) == ("3", 1, clip.clip_id)
    assert np.allclose(again.waveform, TONE / 2, atol=4e-5)


def test_ids_come_from_the_data_or_from_the_content():
    with_id = copy_of(TONE.tolist(), {"sample_rate": 8000, "id": "key"}, key="k7")[2]
    assert with_id["clip_id"] == [b"k7~1"]
    one, again = (copy_of(TONE.tolist(), {"sample_rate": 8000})[2]["clip_id"] for _ in range(2))
    other = copy_of((TONE / 2).tolist(), {"sample_rate": 8000})[2]["clip_id"]
    assert one == again != other


def test_a_path_stays_and_the_copy_stands_beside_it(tmp_path):
    (tmp_path / "a.flac").write_bytes(flac(TONE))
    records = user_records(columns_json({"path": "file"}, str(tmp_path)))
    record = serialize_features({"file": "a.flac"})
    copy = records.write(Augmenter(HALF).augment(records.read(record), 1))
    features = parse_features(copy)
    assert features["file"] == [b"a.flac"]
    assert np.allclose(decode_wav(features["audio"][0])[0], TONE / 2, atol=4e-5)
    assert np.array_equal(records.read(copy).waveform, decode_wav(features["audio"][0])[0])
    with pytest.raises(ValueError, match=r"b\.flac"):
        records.read(serialize_features({"file": "b.flac"}))


def test_columns_that_make_no_sense_are_refused():
    for columns, message in (
        ({"audoi": "wav"}, "Did you mean 'audio'"),
        ({"label": "cls"}, "expected 'audio'"),
        ({"audio": "a", "path": "b"}, "expected 'audio'"),
        ({"audio": 16000}, "'audio' needs a feature's name"),
    ):
        with pytest.raises(InvalidInput, match=message):
            columns_json(columns)
    assert columns_json(None) == ""
