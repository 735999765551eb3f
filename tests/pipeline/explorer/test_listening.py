"""What the explorer plays is what the augmenter makes; what it takes is limited."""

import io
import json

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.pipeline.explorer import listening
from tfx_audio.pipeline.explorer.listening import (
    hear_copies,
    hear_seeds,
    hear_steps,
    make_example_clip,
    read_upload,
)

POLICY = parse_policy(
    """
seed: 2
transforms:
- {name: Gain, min_gain_db: -12, max_gain_db: -1, p: 1.0}
- {name: PolarityInversion, p: 0.0}
- {name: AddGaussianNoise, p: 1.0}
labels:
  quiet: {Gain: off}
"""
)


def wav(seconds, rate=8_000, channels=1):
    buffer = io.BytesIO()
    data = np.full((round(seconds * rate), channels), 0.25)
    soundfile.write(buffer, data, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def test_copies_are_the_augmenters():
    clip = make_example_clip()
    heard, costs = hear_copies(POLICY, clip, 2, {})
    for index, one in enumerate(heard, start=1):
        expected = Augmenter(POLICY).augment(clip, index)
        np.testing.assert_array_equal(one.clip.waveform, expected.waveform)
    applied = [(name, cost.applied) for name, cost in costs.items()]
    assert applied == [("AddGaussianNoise", 2), ("Gain", 2)]


def test_the_last_step_is_the_copy_and_each_step_adds_its_own():
    clip = make_example_clip()
    steps = hear_steps(POLICY, clip, 1, {})
    copy = Augmenter(POLICY).augment(clip, 1)
    np.testing.assert_array_equal(steps[-1].clip.waveform, copy.waveform)
    assert [step.title for step in steps] == [
        "after 1. Gain",
        "after 2. PolarityInversion (not drawn)",
        "after 3. AddGaussianNoise",
    ]
    gain_db = json.loads(copy.augmentation)["transforms"][0]["parameters"]["amplitude_ratio"]
    np.testing.assert_allclose(steps[0].clip.waveform, clip.waveform * gain_db, atol=1e-6)


def test_a_labels_own_changes_are_heard():
    clip = make_example_clip().replace(label="quiet")
    titles = [step.title for step in hear_steps(POLICY, clip, 1, {})]
    assert titles[-1] == "after 2. AddGaussianNoise"


def test_seeds_differ():
    policies = {seed: parse_policy(f"{{seed: {seed}, transforms: [Gain]}}") for seed in (1, 2)}
    heard = hear_seeds(policies, make_example_clip(), {})
    assert [one.title for one in heard] == ["seed 1", "seed 2"]


def test_a_copy_that_can_not_be_made_says_why():
    policy = parse_policy(
        "{level: reject, transforms: [{name: Gain, min_gain_db: 40, max_gain_db: 40, p: 1.0}]}"
    )
    ((one,), _) = hear_copies(policy, make_example_clip(), 1, {})
    assert one.clip is None
    assert "over_full_scale" in one.problem


def test_an_upload_is_mixed_down_and_resampled_on_request():
    clip = read_upload(wav(0.5, channels=2), "x.wav", 16_000)
    assert (clip.clip_id, clip.sample_rate, clip.waveform.shape) == ("x.wav", 16_000, (8_000,))
    assert read_upload(wav(0.5), "x.wav").sample_rate == 8_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.wav can't be"),
        (b"<html>no audio</html>", "x.wav can't be used"),
        (wav(61.0), "at most 60 s, got 61.0 s"),
        (wav(0.0), "can't be used"),
        (wav(0.5)[:100] + b"", "x.wav"),
    ],
)
def test_a_file_that_will_not_do_gets_a_message(data, message):
    with pytest.raises(InvalidInput, match=message):
        read_upload(data, "x.wav")


def test_a_file_that_is_too_large_gets_a_message(monkeypatch):
    monkeypatch.setattr(listening, "MAX_UPLOAD_MB", 0.001)
    with pytest.raises(InvalidInput, match="MiB"):
        read_upload(wav(0.5), "x.wav")
