"""The component's executor on real artifacts: splits, properties, tables, thresholds."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.channel_utils import as_channel

from tfx_audio.components.artifacts import RejectedClips, SoundBanks
from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy, parse_policy
from tfx_audio.components.audio.records.examples import (
    example_to_clip,
    parse_features,
    serialize_features,
)
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.components.audio_augmenter import executor
from tfx_audio.components.audio_augmenter.component import AudioAugmenter
from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.components.audio_augmenter.user_records import columns_json

CLASSIC = load_policy("classic")
PLAIN = dataclasses.replace(CLASSIC, conditions={"clean": ()})
TOO_LOUD = parse_policy(
    "{level: reject, copies_per_clip: 1, conditions: {},"
    " transforms: [{name: Gain, min_gain_db: 60, max_gain_db: 60, p: 1}]}"
)


def artifact(kind, uri):
    made = kind()
    made.uri = str(uri)
    return made


def input_examples(splits, names=("train", "eval", "test")):
    examples = artifact(standard_artifacts.Examples, splits)
    examples.split_names = artifact_utils.encode_split_names(list(names))
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    return examples


ALL = ("train", "eval", "test")


def run(splits, out, policy=CLASSIC, banks=None, splits_there=ALL, **parameters):
    augmented = artifact(standard_artifacts.Examples, out / "augmented")
    rejected = artifact(RejectedClips, out / "rejected")
    inputs = {executor.EXAMPLES_KEY: [input_examples(splits, splits_there)]}
    if banks:
        inputs[executor.SOUND_BANKS_KEY] = [banks]
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(out), unique_id="1")
    executor.Executor(context).Do(
        inputs,
        {executor.AUGMENTED_KEY: [augmented], executor.REJECTED_KEY: [rejected]},
        {
            executor.POLICY_KEY: policy.to_json(),
            executor.MAX_REJECTED_KEY: 0.01,
            executor.FAILED_DIR_KEY: str(out / "failed"),
            **parameters,
        },
    )
    return augmented, rejected


def records(uri, split):
    return sorted(r for span in plan_spans(f"{uri}/Split-{split}/*") for r in read_span(span))


def test_what_is_written_and_what_the_artifact_says_of_it(splits, tmp_path):
    augmented, rejected = run(splits, tmp_path)
    check_splits(splits, augmented)
    check_description(augmented, tmp_path)
    assert [p.read_text() for p in Path(rejected.uri).glob("rejected*.jsonl")] == [""]
    assert rejected.get_int_custom_property("rejected") == 0


def check_splits(splits, augmented):
    """Train: originals and copies; eval: its own bytes; each condition: every clip."""
    augmenter = Augmenter(CLASSIC)
    originals, tests = records(splits, "train"), records(splits, "test")

    names = artifact_utils.decode_split_names(augmented.split_names)
    assert names[:2] == ["train", "eval"]
    assert set(names[2:]) == {f"test_{name}" for name in CLASSIC.conditions}
    train = records(augmented.uri, "train")
    assert len(train) == 12
    assert set(originals) < set(train)
    assert {example_to_clip(r).clip_id for r in train} == {
        f"train/{i}.wav{copy}" for i in range(4) for copy in ("", "~1", "~2")
    }
    assert records(augmented.uri, "eval") == records(splits, "eval")
    for name in CLASSIC.conditions:
        expected = {augmenter.condition(example_to_clip(r), name).augmentation for r in tests}
        made = [example_to_clip(r) for r in records(augmented.uri, f"test_{name}")]
        assert {clip.augmentation for clip in made} == expected
        assert {clip.condition for clip in made} == {name}
        assert len(made) == 2


def check_description(augmented, tmp_path):
    beside = json.loads((tmp_path / "augmented/provenance.json").read_text())
    policy_text = (tmp_path / "augmented/policy.json").read_text()
    assert load_policy(tmp_path / "augmented/policy.json") == CLASSIC
    assert parse_policy(policy_text).digest == beside["policy_digest"] == CLASSIC.digest
    assert augmented.get_string_custom_property("policy_digest") == CLASSIC.digest
    assert augmented.get_int_custom_property("seed") == 0
    assert augmented.get_int_custom_property("read") == 6
    assert augmented.get_int_custom_property("augmented") == 8
    counters = json.loads(augmented.get_string_custom_property("counters"))
    assert counters == beside["counters"]
    assert augmented.get_string_custom_property("evaluation_split") == "test"
    made = json.loads(augmented.get_string_custom_property("condition_splits"))
    assert made == {name: f"test_{name}" for name in CLASSIC.conditions}
    assert counters["conditioned"] == dict.fromkeys(sorted(CLASSIC.conditions), 2)
    splits = sorted(path.name for path in (tmp_path / "augmented").iterdir() if path.is_dir())
    assert splits == sorted(f"Split-{split}" for split in beside["records"])
    for split, written in beside["records"].items():
        found = map(leaf, records(augmented.uri, split))
        assert describe_leaves(found) == written, split
    assert json.loads(augmented.get_string_custom_property("records")) == beside["records"]
    versions = json.loads(augmented.get_string_custom_property("library_versions"))
    assert versions["audiomentations"]
    expected = example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
    assert examples_utils.get_payload_format(augmented) == expected


def test_too_many_rejects_fail_the_run_and_leave_their_table(splits, tmp_path):
    with pytest.raises(TooManyRejected, match="over_full_scale: 4") as error:
        run(splits, tmp_path, TOO_LOUD)

    table = tmp_path / "failed/AudioAugmenter-rejected.jsonl"
    assert str(table) in str(error.value)
    lines = [json.loads(line) for line in table.read_text().splitlines()]
    assert {line["path"] for line in lines} == {f"train/{i}.wav~1" for i in range(4)}


def test_rejects_within_the_threshold_are_counted(splits, tmp_path):
    augmented, rejected = run(splits, tmp_path, TOO_LOUD, max_rejected_fraction=1.0)

    assert len(records(augmented.uri, "train")) == 4
    assert rejected.get_int_custom_property("rejected") == 4
    assert augmented.get_int_custom_property("rejected") == 4


def test_what_an_interrupted_execution_left_is_removed(splits, tmp_path, write_records):
    stale = write_records(tmp_path / "augmented/Split-train/data_tfrecord-00001-of-00002", [b"old"])

    augmented, _ = run(splits, tmp_path, PLAIN)

    assert not stale.exists()
    assert len(records(augmented.uri, "train")) == 12


def test_sound_banks_come_from_their_artifact(splits, tmp_path, make_example):
    from tfx_audio.components.audio.records.examples import AUDIO_KEY

    sound = tmp_path / "banks/street/car.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(parse_features(make_example("car.wav", seconds=1.0))[AUDIO_KEY][0])
    banks = artifact(SoundBanks, tmp_path / "banks")
    banks.set_string_custom_property("digest", "d1g3st")
    policy = parse_policy(
        "{copies_per_clip: 1, conditions: {},"
        " transforms: [{name: AddBackgroundNoise, sounds: street, p: 1}]}"
    )

    augmented, _ = run(splits, tmp_path, policy, banks)

    made = [example_to_clip(r) for r in records(augmented.uri, "train")]
    assert sum("street/car.wav" in clip.augmentation for clip in made) == 4
    assert augmented.get_string_custom_property("sound_bank_digest") == "d1g3st"


def test_examples_of_the_users_own_keep_their_features(tmp_path, write_records):
    columns = columns_json({"audio": "wav", "label": "cls", "sample_rate": 8000})
    for split, n in {"train": 3, "eval": 2, "valid": 1}.items():
        tones = [np.sin(np.arange(400) * (1 + i) / 30).tolist() for i in range(n)]
        made = [serialize_features({"wav": tone, "cls": 7, "who": "x"}) for tone in tones]
        write_records(tmp_path / f"in/Split-{split}/data-00000", made)
    names = ("train", "eval", "valid")

    augmented, _ = run(tmp_path / "in", tmp_path, PLAIN, columns=columns, splits_there=names)

    found = {s: records(augmented.uri, s) for s in (*names, "eval_clean")}
    assert [len(r) for r in found.values()] == [9, 2, 1, 2]
    for record in itertools.chain(*found.values()):
        features = parse_features(record)
        assert (features["cls"], features["who"], len(features["wav"])) == ([7], [b"x"], 400)
    bad = columns.replace('"cls"', '"class"')
    with pytest.raises(InvalidInput, match=r"'label' is 'class'.*Did you mean 'cls'"):
        run(tmp_path / "in", tmp_path / "2", PLAIN, columns=bad, splits_there=names)


def test_other_payloads_are_refused(splits):
    examples = input_examples(splits)
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_PROTO)

    with pytest.raises(InvalidInput, match="needs FORMAT_TF_EXAMPLE examples"):
        executor.input_patterns([examples])


def test_the_component_asks_for_the_banks_that_its_policy_names(splits):
    policy = parse_policy("{transforms: [{name: AddBackgroundNoise, sounds: street}]}")
    examples = as_channel([input_examples(splits)])

    with pytest.raises(InvalidInput, match="street; none were given"):
        AudioAugmenter(examples=examples, policy=policy)
    banks = as_channel([SoundBanks()])
    component = AudioAugmenter(examples=examples, policy=policy, sound_banks=banks)
    assert component.spec.exec_properties["policy"] == policy.to_json()
    assert "columns" not in component.spec.exec_properties
    assert len(component.spec.exec_properties["code_digest"]) == 64
