"""Policies: what is read, what is refused and where, copies, labels, the schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from policy_schema import build_schema

from tfx_audio.components.audio.augment.augmenter import check_policy
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import (
    AugmentationPolicy,
    load_policy,
    parse_policy,
    preset_names,
    preset_text,
)
from tfx_audio.components.audio.policy.check import policy_schema
from tfx_audio.components.audio.policy.steps import expected_cost_ms_per_s

NESTED = """
seed: 3
copies_per_clip: 2
transforms:
  - {name: PitchShift, min_semitones: -2, p: 0.5}
  - name: SomeOf
    num_transforms: [1, null]
    transforms:
      - Gain
      - {name: Shift, id: roll}
      - name: OneOf
        weights: [1, 3]
        transforms: [Reverse, Trim]
labels:
  siren: {PitchShift: off, Reverse: off, roll: {p: 1.0}}
  no: {copies_per_clip: 4}
  7: {OneOf: off}
"""

REFUSED = {
    # what stands in the file: what the message must hold
    "transforms:\n- {name: PitchShfit}": "line 2, transforms[0].name: there is no transform "
    "'PitchShfit'. Did you mean 'PitchShift'?",
    "transforms:\n- name: OneOf\n  transforms:\n  - name: PitchShift\n    min_semitone: 3\n": (
        "line 5, transforms[0].transforms[0].min_semitone: PitchShift has no 'min_semitone'. "
        "Did you mean 'min_semitones'?"
    ),
    "transform: [Gain]": "Did you mean 'transforms'?",
    "transforms: [{name: Gain, p: high}]": "transforms[0].p: expected a number, got 'high'",
    "transforms: [{name: Gain, p: 1.5}]": "expected at least 0 and at most 1, got 1.5",
    "transforms: [{name: Gain, p: .nan}]": "expected a finite number, got nan",
    "transforms: [{name: Gain, max_gain_db: .inf}]": "expected a finite number, got inf",
    "transforms: [{name: PitchShift, min_semitones: 5}]": (
        "min_semitones (5) is greater than max_semitones (4)"
    ),
    "transforms: [{name: Shift, shift_unit: second}]": "Did you mean 'seconds'?",
    "transforms: [{name: Shift, rollover: 1}]": "expected true or false, got 1",
    "transforms: [{name: BitCrush, min_bit_depth: 5.5}]": "expected a whole number, got 5.5",
    "transforms: [{name: RepeatPart, max_repeats: 3000}]": "at most 100, got 3000",
    "transforms: [{name: AddBackgroundNoise}]": "'sounds' is missing",
    "transforms: [{name: Lambda}]": "it takes a Python function",
    "transforms: [{name: RepeatPart, part_transform: x}]": "it takes a Python function",
    "transforms: [{name: OneOf, weights: [1], transforms: [Gain, Trim]}]": "expected 2 weights",
    "transforms: [{name: SomeOf, num_transforms: [3, 2], transforms: [Gain, Trim]}]": (
        "expected 0 to 2, least before most"
    ),
    "transforms: []": "at least one transform",
    "transforms: [{name: Gain, id: a}, {name: Trim, id: a}]": "the id 'a' is taken",
    "transforms: [{name: Gain, id: Trim}]": "the id 'Trim' is taken",
    "seed: 1.5\ntransforms: [Gain]": "seed: expected a whole number, got 1.5",
    "seed: 1e300\ntransforms: [Gain]": "seed: the number is too large",
    "seed: 1\nseed: 2\ntransforms: [Gain]": "line 2: 'seed' is given twice",
    "copies_per_clip: -1\ntransforms: [Gain]": "expected at least 0",
    "level: wrap\ntransforms: [Gain]": "expected one of clip, rescale, reject, got 'wrap'",
    "transforms: [Gain]\nconditions: {Noisy-1: [Gain]}": "conditions.Noisy-1",
    "transforms: [Gain]\nconditions: {clean: [Gain]}": "always there",
    "transforms: [Gain]\nconditions: {{{}}}".format(
        ", ".join(f"c{i}: [Gain]" for i in range(101))
    ): "conditions: expected at most 100 entries, got 101",
    "transforms: [Gain]\nlabels: {siren: {Gian: off}}": "Did you mean 'Gain'?",
    "transforms: [Gain]\nlabels: {siren: {Gain: {max_gain: 2}}}": (
        "labels.siren.Gain.max_gain: Gain has no 'max_gain'. Did you mean 'max_gain_db'?"
    ),
    "transforms: [Gain]\nlabels: {siren: {Gain: {name: Trim}}}": "only parameters",
    "transforms: [Gain]\nlabels: {siren: 3}": "{PitchShift: off}",
    "": "a policy is a mapping",
    "- Gain": "a policy is a mapping",
}

HOSTILE = {
    "transforms: [!!python/object/apply:os.system ['id']]": "is not plain data",
    "transforms: !!python/name:os.system": "is not plain data",
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    ): "more than 20000 values",
    "transforms: &a [*a]": "an alias points back into itself",
    "[" * 5000: "deep",
    "{a: " * 3000: "deep",
    '{"a":' * 30000: "deep",
    "#" + "x" * 300_000: "at most 200000 characters",
    "transforms: [}": "line 1, column 14: not YAML",
    "a: \x00": "not YAML",
    "a: 1\n---\nb: 2": "another document",
    "? [a]\n: b": "a key must be plain text",
    "seed: " + "9" * 5000: "can't be read",
    "transforms: " + "[{name: Compose, transforms: " * 25 + "[Gain]" + "}]" * 25: "deep",
}


@pytest.mark.parametrize("text", [*REFUSED, *HOSTILE], ids=lambda text: text[:50])
def test_refused_with_the_place_and_the_way_out(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_policy(text, "my.yaml")
    assert str(refusal.value).startswith("my.yaml")
    assert {**REFUSED, **HOSTILE}[text] in str(refusal.value)
    assert len(str(refusal.value)) < 500


def test_file_and_canonical_json_give_the_same_policy_and_digest():
    policy = parse_policy(NESTED)
    again = AugmentationPolicy.from_json(policy.to_json())
    assert again == policy
    assert again.digest == policy.digest
    assert again.to_json() == policy.to_json()
    respaced = parse_policy("# a comment\n" + NESTED.replace("seed: 3", "seed:   3"))
    assert respaced.digest == policy.digest
    assert parse_policy(NESTED.replace("seed: 3", "seed: 4")).digest != policy.digest


def test_deep_json_content_is_refused():
    with pytest.raises(InvalidInput, match="not JSON"):
        AugmentationPolicy.from_json("[" * 100_000)


def test_json_file_with_tabs_and_numbers_as_yaml_12_writes_them():
    text = '{\n\t"transforms": [\n\t\t{"name": "AddGaussianNoise", "min_amplitude": 1e-3}]}'
    (spec,) = parse_policy(text).transforms
    assert spec.parameters == {"min_amplitude": 0.001}


TABBED = '{\n\t"seed": 1,\n\t"seed": 2,\n\t"transforms": [{"name": "Gain"}]\n}\n'


def test_a_key_that_is_given_twice_in_json_with_tabs_is_refused_as_in_yaml():
    with pytest.raises(InvalidInput, match=r"^my.json, line 3: 'seed' is given twice"):
        parse_policy(TABBED, "my.json")
    nested = TABBED.replace('"seed": 2', '"labels": {"a": {"Gain": "off",\t"Gain": {}}}')
    with pytest.raises(InvalidInput, match=r"^my.json, line 3: 'Gain' is given twice"):
        parse_policy(nested, "my.json")


def test_a_key_that_is_given_twice_in_json_that_yaml_can_not_read_is_refused():
    """YAML takes no key of more than 1024 characters."""
    text = '{"seed": 1, "seed": 2, "labels": {"%s": {}}, "transforms": ["Gain"]}' % ("x" * 2000)
    with pytest.raises(InvalidInput, match=r"^my.json: 'seed' is given twice"):
        parse_policy(text, "my.json")


def test_json_with_tabs_names_lines_and_keeps_its_text():
    text = '{\n\t"description": "\\ud83d\\ude00\\t",\n\t"seed": 1.5,\n\t"transforms": ["Gain"]}'
    with pytest.raises(InvalidInput, match="line 3, seed: expected a whole number"):
        parse_policy(text)
    assert parse_policy(text.replace("1.5", "1")).description == "\U0001f600\t"


def test_labels_change_only_their_own_steps():
    policy = parse_policy(NESTED)
    assert policy.transforms_for("dog") == policy.transforms
    (some,) = policy.transforms_for("siren")
    gain, roll, one = some.transforms
    assert (gain.name, roll.parameters, one.name) == ("Gain", {"p": 1.0}, "OneOf")
    assert [spec.name for spec in one.transforms] == ["Trim"]
    assert one.parameters == {"weights": [3]}
    assert one.path == "transforms[1].transforms[2]"
    _, some = policy.transforms_for("7")
    assert some.parameters == {"num_transforms": [1, 2]}
    assert policy.copies_for("no") == 4


def test_off_for_everything_leaves_nothing():
    policy = parse_policy(
        "transforms: [{name: OneOf, transforms: [Gain, Trim]}]\n"
        "labels: {a: {Gain: off, Trim: off}, b: {OneOf: off}}"
    )
    assert policy.transforms_for("a") == policy.transforms_for("b") == ()


def test_unknown_label_in_the_policy_is_found_once_the_data_is_known():
    policy = parse_policy(NESTED)
    policy.check_labels(["siren", "no", "7", "dog"])
    with pytest.raises(
        InvalidInput, match=r"labels.siren: the data has no label 'siren'.*'sirens'"
    ):
        policy.check_labels(["sirens", "no", "7"])


def test_balancing_brings_rare_labels_up_to_the_most_frequent_one_and_no_further():
    policy = parse_policy(
        "copies_per_clip: 1\nbalance: by_label\nmax_copies: 6\ntransforms: [Gain]"
    )
    counts = {"dog": 100, "cat": 40, "frog": 3}
    assert policy.copies_for("dog", counts) == 1  # 100 clips, 200 examples
    assert policy.copies_for("cat", counts) == 4  # 40 + 160 = 200
    assert policy.copies_for("frog", counts) == 6  # 65 would be needed: the cap
    assert policy.copies_for("unseen", counts) == 1
    without = parse_policy(
        "copies_per_clip: 2\nkeep_originals: false\nbalance: by_label\ntransforms: [Gain]"
    )
    assert without.copies_for("cat", {"dog": 100, "cat": 40}) == 5  # 200 // 40


def test_balancing_never_makes_fewer_copies_than_every_clip_gets():
    policy = parse_policy(
        "copies_per_clip: 4\nbalance: by_label\nmax_copies: 2\ntransforms: [Gain]"
    )
    counts = {"dog": 100, "frog": 3}
    assert [policy.copies_for(label, counts) for label in counts] == [4, 4]


def test_conditions_default_to_three_noises_and_always_apply():
    policy = parse_policy("transforms: [Gain]")
    assert list(policy.conditions) == ["clean", "noise_20db", "noise_10db", "noise_0db"]
    own = parse_policy("transforms: [Gain]\nconditions: {muffled: [{name: LowPassFilter}]}")
    assert list(own.conditions) == ["clean", "muffled"]
    assert own.conditions["muffled"][0].parameters == {"p": 1.0}
    none = parse_policy("transforms: [Gain]\nconditions: {}")
    assert list(none.conditions) == ["clean"]


def test_sound_banks_are_those_named_anywhere():
    policy = parse_policy(
        "transforms:\n- {name: Compose, transforms: [{name: AddBackgroundNoise, sounds: street}]}\n"
        "conditions: {room: [{name: ApplyImpulseResponse, sounds: halls}]}"
    )
    assert policy.sound_banks == ("halls", "street")


def test_cost_weighs_by_how_often_a_step_runs():
    policy = parse_policy(
        "transforms:\n- {name: PitchShift, p: 0.5}\n"
        "- {name: OneOf, p: 0.5, weights: [3, 1], transforms: [{name: PitchShift, p: 1}, "
        "{name: Reverse, p: 0}]}\n"
    )
    pitch = policy_schema()["definitions"]["PitchShift"]["x-cost-ms-per-s"]
    assert expected_cost_ms_per_s(policy.transforms) == pytest.approx(pitch * (0.5 + 0.5 * 0.75))


@pytest.mark.parametrize("name", preset_names())
def test_presets_fit_the_schema_that_editors_use(name):
    import yaml

    jsonschema.validate(yaml.safe_load(preset_text(name)), policy_schema())


def test_schema_is_what_audiomentations_signatures_give():
    """After an upgrade: python scripts/policy_schema/policy_schema.py --write."""
    assert json.loads(json.dumps(build_schema())) == policy_schema()


def test_schema_is_a_schema_and_refuses_what_the_policy_refuses():
    jsonschema.Draft7Validator.check_schema(policy_schema())
    validator = jsonschema.Draft7Validator(policy_schema())
    assert validator.is_valid({"transforms": ["Gain", {"name": "PitchShift", "p": 0.2}]})
    for transforms in ([{"name": "PitchShfit"}], [{"name": "Gain", "p": 2}], [], ["SomeOf"]):
        assert not validator.is_valid({"transforms": transforms})


def test_load_policy_knows_presets_and_files_and_says_what_there_is(tmp_path):
    assert load_policy("classic").copies_per_clip == 2
    path = tmp_path / "mine.yaml"
    path.write_text("transforms: [Gain]\n")
    assert load_policy(path).transforms[0].name == "Gain"
    with pytest.raises(InvalidInput, match="Did you mean 'classic'"):
        load_policy("clasic")
    with pytest.raises(InvalidInput, match="can't be read"):
        load_policy(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="UTF-8"):
        load_policy(path)


GUIDE = Path(__file__).parents[4] / "docs" / "policy.md"


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.S))
def test_policies_of_the_guide_are_valid(text):
    policy = parse_policy(text, "docs/policy.md")
    check_policy(policy)


def test_a_policy_that_leaves_nothing_is_refused():
    nothing = "keep_originals: false\ncopies_per_clip: 0\ntransforms: [{name: Gain}]"
    with pytest.raises(InvalidInput, match="line 1, keep_originals: without originals"):
        parse_policy(nothing)

    some = parse_policy(f"labels: {{dog: {{copies_per_clip: 2}}}}\n{nothing}")
    assert some.copies_for("dog") == 2
