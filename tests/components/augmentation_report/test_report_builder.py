"""A report out of artifacts on disk, and the component around it."""

import json

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.augmentation_report import report_builder
from tfx_audio.components.augmentation_report.report_builder import ReportSources, build_report

RATE = 8_000
STEPS = '{"transforms":[{"name":"Gain","parameters":{"gain_db":-6.0}}]}'


def make_clip(clip_id, label, seconds=0.2):
    number = sum(clip_id.encode())
    waveform = 0.3 * np.sin(np.arange(round(seconds * RATE)) * (1 + number % 17) / 20)
    return Clip(clip_id, waveform.astype(np.float32), RATE, label=label)


def copy_of(clip, index, steps=STEPS):
    return clip.replace(
        clip_id=f"{clip.clip_id}~{index}",
        source_clip_id=clip.clip_id,
        copy_index=index,
        waveform=clip.waveform / 2,
        augmentation=steps,
    )


def condition_of(clip, name):
    return clip.replace(
        clip_id=f"{clip.clip_id}@{name}", source_clip_id=clip.clip_id, condition=name
    )


def write_split(folder, clips):
    folder.mkdir(parents=True)
    for shard in range(2):
        with open(folder / f"examples-{shard:05}-of-00002", "wb") as file:
            for clip in clips[shard::2]:
                write_record(file, clip_to_example(clip))
    return str(folder)


def write_run(root):
    """Write the artifacts of a small run: 2 labels, 3 train clips each, 1 test clip each."""
    train = [make_clip(f"{label}/{n}.wav", label) for label in ("dog", "cat") for n in range(3)]
    test = [make_clip(f"{label}/test.wav", label) for label in ("dog", "cat")]
    after_train = [one for clip in train for one in (clip, copy_of(clip, 1), copy_of(clip, 2))]
    after_train[-1] = copy_of(train[-1], 2, '{"transforms":[]}')
    before = {
        "train": write_split(root / "examples/Split-train", train),
        "test": write_split(root / "examples/Split-test", test),
    }
    after = {"train": write_split(root / "augmented/Split-train", after_train)}
    for name in ("clean", "noise_10db"):
        clips = [condition_of(clip, name) for clip in test]
        after[f"test_{name}"] = write_split(root / f"augmented/Split-test_{name}", clips)
    facts = {
        "seed": 7,
        "policy_digest": "d1g3st",
        "counters": {
            "applied": {"Gain": 11},
            "ms": {"Gain": 5.5},
            "conditioned": {"clean": 2, "noise_10db": 2},
        },
    }
    (root / "augmented/provenance.json").write_text(json.dumps(facts))
    (root / "augmented/policy.json").write_text('{"seed": 7, "transforms": [{"name": "Gain"}]}')
    rejected = root / "rejected"
    rejected.mkdir()
    lines = [Rejection(f"{n}.wav", "unreadable", "ingest", "no audio").to_json() for n in range(60)]
    (rejected / "rejected-00000.jsonl").write_text("\n".join(lines) + "\n")
    return before, after, str(rejected)


@pytest.fixture
def report(tmp_path):
    before, after, rejected = write_run(tmp_path)
    return build_report(
        ReportSources(
            before, after, str(tmp_path / "augmented"), [rejected], clips_per_label=2, max_copies=1
        )
    )


def test_cards_show_originals_with_their_own_copies(report):
    assert [card.label for card in report.families] == ["cat", "cat", "dog", "dog"]
    for card in report.families:
        original, copy = card.views
        assert (original.title, copy.title) == ("original", "copy 1")
        assert original.clip_id == card.source_clip_id
        assert copy.clip_id == f"{card.source_clip_id}~1"
        assert copy.steps[0].parameters == {"gain_db": "-6"}
        assert original.sound != copy.sound


def test_conditions_are_heard_beside_each_other(report):
    assert [[e.title for e in card.views] for card in report.conditions] == [
        ["clean", "noise_10db"]
    ] * 2
    assert not any(view.masked_mel for card in report.conditions for view in card.views)


def test_tables_hold_the_runs_counts(report):
    rows = {(row.split, row.label): row for row in report.labels}
    assert (rows["train", "dog"].clips_before, rows["train", "dog"].clips_after) == (3, 9)
    assert rows["train", "all labels"].seconds_after == pytest.approx(18 * 0.2)
    assert rows["test", "cat"].clips_after == 1
    assert dict(report.summary) == {
        "labels": "2",
        "clips ingested": "8",
        "augmented copies": "12",
        "of them unchanged": "1 (8.3 %)",
        "training clips after": "18",
        "rejected": "60",
        "conditions": "clean, noise_10db",
    }
    (use,) = report.transforms
    assert (use.applied, use.share, use.ms_each) == (11, 11 / 12, 0.5)
    assert report.rejected_counts == {("ingest", "unreadable"): 60}
    assert len(report.rejected) == 50
    assert ("seed", "7") in report.provenance
    assert report.policy.startswith("seed: 7\ntransforms:")


def test_originals_that_were_not_kept_come_from_the_ingested_examples(tmp_path):
    clip = make_clip("a.wav", "a")
    before = {"train": write_split(tmp_path / "before", [clip])}
    after = {"train": write_split(tmp_path / "after", [copy_of(clip, 1)])}
    report = build_report(ReportSources(before, after, str(tmp_path)))
    assert [e.title for e in report.families[0].views] == ["original", "copy 1"]


def test_every_label_gets_a_card_before_any_gets_two(tmp_path, monkeypatch):
    monkeypatch.setattr(report_builder, "MAX_FAMILIES", 3)
    clips = [make_clip(f"{label}{n}.wav", label) for label in "abc" for n in range(2)]
    split = {"train": write_split(tmp_path / "x", clips)}
    report = build_report(ReportSources(split, split, str(tmp_path)))
    assert [card.label for card in report.families] == ["a", "b", "c"]
    assert "3 of 6 clips" in report.notes[-1]


def test_a_damaged_file_is_named(tmp_path):
    folder = write_split(tmp_path / "x", [make_clip("a.wav", "a")] * 2)
    path = tmp_path / "x/examples-00000-of-00002"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="examples-00000-of-00002"):
        build_report(ReportSources({"train": folder}, {}, str(tmp_path)))
