"""SpecAugment's masks for pictures follow the rule of the model's layer."""

import numpy as np

from tfx_audio.components.audio.features import Frontend, Masks
from tfx_audio.components.augmentation_report.spec_masks import (
    Mask,
    apply_masks,
    describe_masks,
    draw_masks,
)


def test_widths_and_starts_cover_exactly_the_papers_range():
    settings = Masks(freq_mask_param=3, time_mask_param=50, max_time_fraction=0.1)
    generator = np.random.default_rng(0)
    drawn = [draw_masks(generator, 20, 8, settings) for _ in range(3_000)]
    frequency = {(mask.width, mask.start) for masks in drawn for mask in masks[:1]}
    time = {mask.width for masks in drawn for mask in masks[1:]}
    assert {width for width, _ in frequency} == {0, 1, 2, 3}
    assert max(start for width, start in frequency if width == 3) == 8 - 3 - 1
    assert time == {0, 1, 2}  # p·τ = 2 frames, below T


def test_masked_stretches_become_the_mean_and_nothing_else_changes():
    mel = np.arange(12, dtype=np.float32).reshape(4, 3)
    masked = apply_masks(mel, [Mask("frequency", 1, 1), Mask("time", 2, 1)])
    expected = mel.copy()
    expected[:, 1] = expected[2] = 5.5
    np.testing.assert_array_equal(masked, expected)
    assert mel[0, 1] == 1.0


def test_masks_in_seconds_and_hertz():
    """Slaney's scale is linear to 1000 Hz: ten bands of 100 Hz each; a hop is 10 ms."""
    frontend = Frontend.derive(2_000, {"n_mels": 10})
    masks = [Mask("frequency", 3, 1), Mask("time", 317, 36), Mask("time", 5, 0)]
    assert describe_masks(masks, frontend) == "300 to 400 Hz, 0.36 s at 3.17 s, no time"
