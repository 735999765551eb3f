"""Examples that can't be read are an error before any work."""

import numpy as np
import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import serialize_features
from tfx_audio.components.audio_augmenter.record_check import check_records
from tfx_audio.components.audio_augmenter.user_records import columns_json, user_records

TONE = np.sin(np.arange(800) / 9).tolist()
FOREIGN = serialize_features({"wave": TONE, "class": "dog"})


def check(columns, *sample):
    check_records(user_records(columns_json(columns)), list(sample))


def test_examples_of_others_need_columns_and_the_message_says_them():
    with pytest.raises(InvalidInput, match=r"features 'class', 'wave'.*needs clip_id") as error:
        check(None, FOREIGN)
    assert "columns={'label': 'class'}" in str(error.value)


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"'audio' is 'wav'.*Did you mean 'wave'\?"):
        check({"audio": "wav", "sample_rate": 8000}, FOREIGN)
    with pytest.raises(InvalidInput, match=r"'label' is 'classs'.*Did you mean 'class'\?"):
        check({"audio": "wave", "label": "classs", "sample_rate": 8000}, FOREIGN)


def test_what_no_example_can_be_is_an_error_and_one_bad_example_is_not():
    columns = {"audio": "wave", "label": "class", "sample_rate": 8000}
    check(columns, FOREIGN, serialize_features({"wave": [], "class": "dog"}))
    with pytest.raises(InvalidInput, match=r"none of 1 .*'no sample rate'"):
        check({"audio": "wave", "label": "class"}, FOREIGN)
    with pytest.raises(InvalidInput, match="none of 1 examples can be read"):
        check(None, b"no example")


def test_a_name_that_the_augmenter_needs_is_refused(make_example):
    taken = serialize_features({"wave": TONE, "condition": "wet"})
    with pytest.raises(InvalidInput, match="feature 'condition', a name that the augmenter needs"):
        check({"audio": "wave", "sample_rate": 8000}, taken)
    check(None, make_example("a.wav"))
    check({"audio": "audio", "label": "label"}, make_example("a.wav"))
