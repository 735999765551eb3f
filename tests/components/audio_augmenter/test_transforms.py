"""The PTransforms by themselves, as somebody without TFX uses them."""

import dataclasses
import json
import re
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to, is_empty

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import load_policy, parse_policy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.audio_augmenter.counters import read_counts
from tfx_audio.components.audio_augmenter.transforms import (
    AugmentClips,
    CountLabels,
    MakeConditions,
    ReadExamples,
    condition_tag,
)

CLASSIC = load_policy("classic")
GUIDE = Path(__file__).parents[3] / "docs" / "augmenter.md"


def copies_of(example, indices, policy=CLASSIC):
    augmenter = Augmenter(policy)
    clip = example_to_clip(example)
    return [clip_to_example(augmenter.augment(clip, index)) for index in indices]


def test_originals_are_kept_and_every_clip_gets_its_copies(make_example):
    examples = [make_example("1.wav"), make_example("2.wav")]
    expected = [*examples, *(copy for e in examples for copy in copies_of(e, (1, 2)))]

    with TestPipeline() as pipeline:
        outputs = pipeline | beam.Create(examples) | AugmentClips(CLASSIC)
        assert_that(outputs.examples, equal_to(expected), label="examples")
        assert_that(outputs.rejected, is_empty(), label="rejected")


def test_originals_are_left_out_if_the_policy_says_so(make_example):
    policy = dataclasses.replace(CLASSIC, keep_originals=False, copies_per_clip=1)
    example = make_example("1.wav")

    with TestPipeline() as pipeline:
        outputs = pipeline | beam.Create([example]) | AugmentClips(policy)
        assert_that(outputs.examples, equal_to(copies_of(example, (1,))))


def test_a_copy_that_fails_is_rejected_and_its_original_stays(make_example):
    policy = parse_policy(
        "{level: reject, copies_per_clip: 1,"
        " transforms: [{name: Gain, min_gain_db: 60, max_gain_db: 60, p: 1}]}"
    )
    example = make_example("1.wav", label="siren")

    pipeline = TestPipeline()
    outputs = pipeline | beam.Create([example]) | AugmentClips(policy)
    assert_that(outputs.examples, equal_to([example]), label="examples")
    records = outputs.rejected | beam.Map(json.loads)
    what = records | beam.Map(lambda r: (r["path"], r["reason"], r["stage"], r["label"]))
    assert_that(what, equal_to([("1.wav~1", "over_full_scale", "augment", "siren")]))
    result = pipeline.run()

    assert read_counts(result).rejected == {"over_full_scale": 1}
    assert read_counts(result).attempted == 1


def test_what_is_no_example_is_rejected(make_example):
    good = make_example("1.wav")

    with TestPipeline() as pipeline:
        outputs = pipeline | beam.Create([b"\xff\xff no example", good]) | AugmentClips(CLASSIC)
        assert_that(outputs.examples, equal_to([good, *copies_of(good, (1, 2))]), label="examples")
        reasons = outputs.rejected | beam.Map(lambda line: json.loads(line)["reason"])
        assert_that(reasons, equal_to(["unreadable_example"]))


def test_rare_labels_catch_up_with_counts_from_the_data(make_example):
    policy = dataclasses.replace(
        CLASSIC, balance="by_label", copies_per_clip=0, max_copies=10, keep_originals=True
    )
    common = [make_example(f"c{i}.wav", "common") for i in range(3)]
    rare = make_example("r.wav", "rare")

    with TestPipeline() as pipeline:
        examples = pipeline | beam.Create([*common, rare])
        counts = beam.pvalue.AsDict(examples | CountLabels())
        outputs = examples | AugmentClips(policy, label_counts=counts)
        assert_that(outputs.examples, equal_to([*common, rare, *copies_of(rare, (1, 2))]))


def test_balancing_without_counts_is_refused():
    policy = dataclasses.replace(CLASSIC, balance="by_label")

    with pytest.raises(ValueError, match="needs label_counts"):
        _ = TestPipeline() | beam.Create([b""]) | AugmentClips(policy)


def test_every_condition_gets_every_clip(make_example):
    example = make_example("1.wav")
    augmenter, clip = Augmenter(CLASSIC), example_to_clip(example)

    with TestPipeline() as pipeline:
        outputs = pipeline | beam.Create([example]) | MakeConditions(CLASSIC)
        for name in CLASSIC.conditions:
            expected = clip_to_example(augmenter.condition(clip, name))
            assert_that(outputs[condition_tag(name)], equal_to([expected]), label=name)
    assert len(CLASSIC.conditions) == 4


def test_everything_is_counted(make_example):
    examples = [make_example(f"{i}.wav", seconds=0.25) for i in range(4)]
    copies = [example_to_clip(c) for e in examples for c in copies_of(e, (1, 2))]
    applied = [step["name"] for c in copies for step in json.loads(c.augmentation)["transforms"]]

    pipeline = TestPipeline()
    _ = pipeline | beam.Create(examples) | AugmentClips(CLASSIC)
    counts = read_counts(pipeline.run())

    assert (counts.read, counts.kept, counts.augmented) == (4, 4, 8)
    assert counts.audio_s_in == 1.0
    assert counts.audio_s_out == 2.0
    assert counts.applied == {name: applied.count(name) for name in set(applied)}
    assert set(counts.ms) == set(applied)
    assert all(ms > 0 for ms in counts.ms.values())


def test_files_are_read_whole(splits):
    with TestPipeline() as pipeline:
        clips = pipeline | ReadExamples(f"{splits}/Split-eval/*") | beam.Map(example_to_clip)
        ids = clips | beam.Map(lambda clip: clip.clip_id)
        assert_that(ids, equal_to(["eval/0.wav", "eval/1.wav", "eval/2.wav"]))


def test_the_guides_example_runs(splits, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "examples").symlink_to(splits)
    monkeypatch.chdir(tmp_path)

    exec(compile(code, str(GUIDE), "exec"), {})

    written = ReadExamples("augmented/clips*")._spans
    assert sum(span.records for span in written) == 12  # four originals, two copies of each
