"""The share of unchanged copies, in closed form and against the library's own draws."""

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, parse_policy
from tfx_audio.components.audio.policy.steps import unchanged_share

GAIN, FLIP = "{name: Gain, p: 0.6}", "{name: PolarityInversion, p: 0.2}"


@pytest.mark.parametrize(
    ("steps", "share"),
    [
        (f"[{GAIN}, {FLIP}]", 0.4 * 0.8),
        ("[PolarityInversion]", 0.5),  # the library's own p
        (f"[{{name: Compose, p: 0.5, transforms: [{GAIN}, {FLIP}]}}]", 0.5 + 0.5 * 0.32),
        (f"[{{name: OneOf, transforms: [{GAIN}, {FLIP}]}}]", (0.4 + 0.8) / 2),
        (f"[{{name: OneOf, weights: [3, 1], transforms: [{GAIN}, {FLIP}]}}]", 0.75 * 0.4 + 0.2),
        (
            f"[{{name: SomeOf, num_transforms: [1, 2], transforms: [{GAIN}, {FLIP}]}}]",
            (0.6 + 0.32) / 2,
        ),
        (f"[{{name: SomeOf, num_transforms: 0, transforms: [{GAIN}]}}]", 1.0),
    ],
)
def test_the_share_of_copies_for_which_nothing_is_drawn(steps, share):
    policy: AugmentationPolicy = parse_policy(f"transforms: {steps}")
    assert unchanged_share(policy.transforms) == pytest.approx(share)
    augmenter = Augmenter(policy)
    clip = Clip("a", np.full(50, 0.1, np.float32), 8_000)
    unchanged = sum(
        '"name"' not in augmenter.augment(clip, index).augmentation for index in range(1, 401)
    )
    assert unchanged / 400 == pytest.approx(share, abs=0.11)  # over four standard deviations
