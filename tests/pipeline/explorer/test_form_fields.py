"""Every transform that a policy may name gets a form that makes a valid policy."""

import pytest

from tfx_audio.components.audio.augment.augmenter import check_policy
from tfx_audio.pipeline.explorer.form_fields import (
    Field,
    cost_of,
    description_of,
    fields_of,
    transform_choices,
)
from tfx_audio.pipeline.explorer.policy_draft import DraftStep, PolicyDraft

NEED_MORE = {"Compose", "OneOf", "SomeOf"}


@pytest.mark.parametrize("name", transform_choices())
def test_every_slider_holds_its_default(name):
    for field in fields_of(name):
        values = field.default if field.kind == "range" else (field.default,)
        if field.kind in ("range", "number") and field.default is not None:
            assert field.low <= min(values) <= max(values) <= field.high, field
            assert 0 < field.step <= field.high - field.low, field
        if field.kind == "choice":
            assert field.default in field.choices


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in transform_choices()
        if name not in NEED_MORE and not any(f.kind == "sounds" for f in fields_of(name))
    ],
)
def test_a_new_step_runs_as_it_is(name):
    draft = PolicyDraft([DraftStep.new(name)], {"seed": 1})
    check_policy(draft.to_policy())
    assert draft.steps[0].values["p"] == 1.0


def test_pairs_become_one_range():
    (semitones,) = [f for f in fields_of("PitchShift") if f.kind == "range"]
    assert semitones.names == ("min_semitones", "max_semitones")
    assert (semitones.default, semitones.low, semitones.high) == ((-4.0, 4.0), -12.0, 12.0)
    assert semitones.step == 0.1


def test_probability_comes_first_and_compositions_come_last():
    assert all(fields_of(name)[0].names == ("p",) for name in transform_choices())
    assert transform_choices()[-3:] == ["Compose", "OneOf", "SomeOf"]


def test_a_loaded_value_beyond_the_slider_widens_it():
    field = Field("range", ("min_x", "max_x"), "x", low=-1.0, high=1.0)
    assert field.widened((-3.0, 0.5)) == (-3.0, 1.0)


def test_words_and_costs_come_with_the_transform():
    assert "pitch" in description_of("PitchShift").lower()
    assert cost_of("PitchShift") > cost_of("Gain")
    assert cost_of("OneOf") is None
