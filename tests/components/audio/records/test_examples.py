"""Examples on the wire: what tf.train.Example reads and writes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.records.examples import (
    CONTRACT_KEYS,
    clip_to_example,
    example_to_clip,
    parse_features,
    serialize_features,
)

CLIP = Clip(
    "dög/1.wav",
    np.array([0.5, -0.25, 0.0], np.float32),
    8000,
    label="dög",
    group="anna",
    fields={"speaker": "anna", "index": "7"},
)


def test_a_clip_has_every_feature_of_the_contract_and_its_fields():
    features = parse_features(clip_to_example(CLIP))
    assert set(features) == {*CONTRACT_KEYS, "speaker", "index"}
    assert all(len(values) == 1 for values in features.values())
    assert features["audio"] == [encode_wav(CLIP.waveform, 8000)]
    assert features["peak_dbfs"][0] == pytest.approx(-6.0206, abs=1e-3)
    assert features["duration_s"][0] == pytest.approx(3 / 8000)
    assert features["augmentation"] == [b"{}"]
    assert features["condition"] == [b"clean"]


def test_a_clip_round_trip():
    back = example_to_clip(clip_to_example(CLIP))
    np.testing.assert_array_equal(back.waveform, CLIP.waveform)
    assert (back.clip_id, back.label, back.group) == ("dög/1.wav", "dög", "anna")
    assert dict(back.fields) == {"speaker": "anna", "index": "7"}
    assert clip_to_example(back) == clip_to_example(CLIP)


def test_levels_are_those_of_the_stored_audio():
    loud = CLIP.replace(waveform=np.array([3.0, -3.0], np.float32))
    features = parse_features(clip_to_example(loud))
    assert features["clipped_fraction"] == [1.0]
    assert features["peak_dbfs"][0] == 0.0


def test_a_foreign_example_is_refused_with_what_is_missing():
    with pytest.raises(ValueError, match="missing: clip_id"):
        example_to_clip(serialize_features({"x": 1}))
    with pytest.raises(ValueError, match=r"not a serialised tf\.train\.Example"):
        parse_features(b"\xff\xff\xff")
    with pytest.raises(TypeError, match="'x': dict"):
        serialize_features({"x": [{}]})


VALUES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    st.lists(st.binary(max_size=20), max_size=5),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    st.lists(st.floats(width=32, allow_nan=False), max_size=5),
)


@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=6))
@settings(deadline=None, max_examples=200)
def test_protobuf_reads_what_is_written_and_would_write_the_same(features):
    from tfx_audio.components.audio.records.examples import _Example

    serialized = serialize_features(features)
    message = _Example.FromString(serialized)
    if not any(a != b and b.startswith(a) for a in features for b in features):
        # upb, the newer protobuf, writes "ab" before "a"; the older one and we do not.
        assert message.SerializeToString(deterministic=True) == serialized
    expected = {}
    for name, value in features.items():
        values = value if isinstance(value, list) else [value]
        expected[name] = [v.encode() if isinstance(v, str) else v for v in values]
    assert parse_features(serialized) == expected


def test_tensorflow_reads_what_is_written():
    from tensorflow.core.example import example_pb2

    example = example_pb2.Example.FromString(clip_to_example(CLIP))
    assert example.features.feature["label"].bytes_list.value[:] == ["dög".encode()]
    assert example.features.feature["copy_index"].int64_list.value[:] == [0]
    assert example.SerializeToString(deterministic=True) == clip_to_example(CLIP)
