"""The shipped presets: they run on what people have, and leave nothing behind in `rejected`."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy.augmentation_policy import (
    load_policy,
    preset_names,
    preset_text,
)

PRESETS = preset_names()


def test_these_presets_are_shipped():
    assert PRESETS == ["classic", "environmental", "music", "speech", "telephone"]


@pytest.mark.parametrize("name", PRESETS)
def test_says_what_it_is_for(name):
    assert preset_text(name).startswith("# ")
    assert len(load_policy(name).description) > 30
    assert load_policy(name).sound_banks == ()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_no_copy_and_no_condition_fails(name, rate):
    augmenter = Augmenter(load_policy(name))
    samples = np.random.RandomState(rate).standard_normal(rate // 2)
    clip = Clip("clip.wav", (0.25 * samples).clip(-1, 1).astype(np.float32), rate)
    copies = [augmenter.augment(clip, n) for n in range(1, 13)]
    assert len({copy.waveform.tobytes() for copy in copies}) >= 9
    conditions = [augmenter.condition(clip, key) for key in load_policy(name).conditions]
    assert all(np.abs(made.waveform).max() <= 1.0 for made in copies + conditions)


def test_telephone_condition_leaves_only_the_voice_band():
    rate = 16000
    samples = np.random.RandomState(1).standard_normal(2 * rate)
    clip = Clip("clip.wav", (0.1 * samples).astype(np.float32), rate)
    made = Augmenter(load_policy("telephone")).condition(clip, "telephone")
    power = np.abs(np.fft.rfft(made.waveform)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    inside = power[(hz > 500) & (hz < 3000)].mean()
    assert 10 * np.log10(inside / power[hz < 100].mean()) > 20
    assert 10 * np.log10(inside / power[hz > 6800].mean()) > 20
