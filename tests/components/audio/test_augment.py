"""The augmenter: determinism, provenance, level rules, failures."""

from __future__ import annotations

import json
import random

import numpy as np

from tfx_audio.components.audio.augment import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy import load_policy

RATE = 16000


def tone(seconds: float = 0.5, level: float = 0.3, clip_id: str = "tone.wav", label: str = "tone"):
    time_s = np.arange(int(seconds * RATE)) / RATE
    waveform = (level * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    return Clip(clip_id, waveform, RATE, label=label)


def test_same_clip_policy_and_copy_give_the_same_bytes_and_others_differ():
    augmenter = Augmenter(load_policy("classic"))
    first = [augmenter.augment(tone(), n).waveform.tobytes() for n in range(1, 9)]
    again = [augmenter.augment(tone(), n).waveform.tobytes() for n in reversed(range(1, 9))]
    assert first == again[::-1]
    other = [augmenter.augment(tone(clip_id="b.wav"), n).waveform.tobytes() for n in range(1, 9)]
    assert first != other


def test_global_generators_stay_untouched():
    augmenter = Augmenter(load_policy("classic"))
    random.seed(1)
    np.random.seed(1)
    expected = (random.Random(1).random(), np.random.RandomState(1).uniform())
    for n in range(1, 6):
        augmenter.augment(tone(), n)
    assert (random.random(), np.random.uniform()) == expected


def test_copy_carries_where_it_comes_from():
    clip = tone()
    copy = Augmenter(load_policy("classic")).augment(clip, 3)
    assert (copy.clip_id, copy.source_clip_id, copy.copy_index) == ("tone.wav~3", "tone.wav", 3)
    assert copy.label == "tone"
    assert set(json.loads(copy.augmentation)) <= {"transforms", "level"}
