"""Clips, augmenters and a sound bank to test the augmenter with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy

RATE = 16000


def _noise(seconds=0.3, level=0.1, clip_id="noise.wav", label="noise", seed=0):
    samples = np.random.RandomState(seed).standard_normal(round(seconds * RATE))
    return Clip(clip_id, (level * samples).astype(np.float32), RATE, label=label)


@pytest.fixture(scope="session")
def noise():
    """Make a clip of white noise at 16 kHz."""
    return _noise


@pytest.fixture(scope="session")
def augmenter_of():
    """Make an augmenter of transforms, sound banks and further settings of a policy."""

    def make(transforms, banks=None, **settings):
        text = json.dumps({"transforms": transforms, "conditions": {}, **settings})
        return Augmenter(parse_policy(text), banks)

    return make


@pytest.fixture(scope="session")
def applied():
    """Read what was applied to a copy."""
    return lambda clip: json.loads(clip.augmentation)["transforms"]


@pytest.fixture
def bank(tmp_path):
    """A sound bank's folder with two sounds."""
    for name, level in (("b/two.wav", 0.2), ("a/one.wav", 0.1)):
        path = tmp_path / "bank" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_wav(_noise(0.5, level, seed=round(level * 10)).waveform, RATE))
    return str(tmp_path / "bank")
