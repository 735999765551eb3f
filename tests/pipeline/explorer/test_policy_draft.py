"""A draft gives back the policy that it was made from, and what was changed in it."""

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import (
    load_policy,
    parse_policy,
    preset_names,
)
from tfx_audio.pipeline.explorer.policy_draft import DraftStep, PolicyDraft, move

NESTED = """
description: test
seed: 5
transforms:
- name: OneOf
  transforms:
  - {name: Gain, min_gain_db: -3, max_gain_db: 3, p: 0.4}
  - {name: PolarityInversion, p: 1.0}
labels:
  siren: {Gain: off}
conditions:
  quiet: [{name: Gain, min_gain_db: -30, max_gain_db: -30, p: 1.0}]
"""


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_comes_back_as_it_was(preset):
    policy = load_policy(preset)
    assert PolicyDraft.of(policy).to_policy().digest == policy.digest


def test_labels_and_conditions_are_kept():
    policy = parse_policy(NESTED)
    draft = PolicyDraft.of(policy)
    assert draft.to_policy().digest == policy.digest
    draft.steps[0].steps[0].values["max_gain_db"] = 6
    changed = draft.to_policy()
    assert changed.transforms[0].transforms[0].parameters["max_gain_db"] == 6
    assert changed.labels == policy.labels
    assert changed.conditions == policy.conditions


def test_another_seed_changes_only_the_seed():
    draft = PolicyDraft.of(parse_policy(NESTED))
    other = draft.to_policy(seed=6)
    assert (other.seed, draft.to_policy().seed) == (6, 5)
    assert other.transforms == draft.to_policy().transforms


def test_a_policy_that_can_not_be_is_refused_with_its_place():
    with pytest.raises(InvalidInput, match="transforms"):
        PolicyDraft([DraftStep("SomeOf", {"num_transforms": [1, 1], "p": 1.0})], {}).to_policy()


def test_steps_move_and_stay_within_the_list():
    steps = [DraftStep(name) for name in ("Gain", "Shift", "Trim")]
    move(steps, 0, 1)
    move(steps, 2, 1)
    move(steps, 0, -1)
    assert [step.name for step in steps] == ["Shift", "Gain", "Trim"]
    assert len({step.identity for step in steps}) == 3
