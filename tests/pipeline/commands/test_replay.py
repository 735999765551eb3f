"""`tfx-audio replay`: the same bytes from source and policy alone."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.records.examples import (
    clip_to_example,
    example_to_clip,
    serialize_features,
)
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_augmenter.user_records import columns_json, user_records
from tfx_audio.pipeline.commands import replay as command

RATE = 8000
POLICY = parse_policy(
    "seed: 5\ntransforms: [{name: PitchShift, p: 1.0}, {name: AddGaussianNoise, p: 1.0}]\n"
    "labels: {cat: {PitchShift: off}}"
)


def originals() -> list[Clip]:
    """Clips as they are read back from their records: quantised to 16 bit."""
    clips = []
    for index, label in enumerate(("dog", "cat", "dog")):
        samples = np.random.RandomState(index).uniform(-0.3, 0.3, 2000).astype(np.float32)
        clip = Clip(f"{label}/{index}.wav", samples, RATE, label=label)
        clips.append(example_to_clip(clip_to_example(clip)))
    return clips


def write_split(folder, records, compressed=False):
    folder.mkdir(parents=True)
    name = folder / ("part-0.gz" if compressed else "part-0")
    with gzip.open(name, "wb") if compressed else name.open("wb") as file:
        for record in records:
            write_record(file, record)


@pytest.fixture
def artifacts(tmp_path):
    examples, augmented = tmp_path / "examples", tmp_path / "augmented"
    clips = originals()
    write_split(examples / "Split-train", [clip_to_example(c) for c in clips[:2]], compressed=True)
    write_split(examples / "Split-test", [clip_to_example(clips[2])])
    augmenter = Augmenter(POLICY)
    copies = [augmenter.augment(clip, n) for clip in clips[:2] for n in (1, 2)]
    write_split(augmented / "Split-train", [clip_to_example(c) for c in clips[:2] + copies])
    noisy = augmenter.condition(clips[2], "noise_10db")
    write_split(augmented / "Split-test_noise_10db", [clip_to_example(noisy)])
    (augmented / "policy.json").write_text(POLICY.to_json())
    return examples, augmented


def tfx_audio_replay(artifacts, out, *arguments: str) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    command.add_arguments(parser)
    examples, augmented = artifacts
    folders = ["--examples", str(examples), "--augmented", str(augmented), "--out", str(out)]
    return command.run(parser.parse_args([*folders, *arguments]))


def test_copies_come_out_with_the_stored_bytes(artifacts, tmp_path, capsys):
    augmenter, out = Augmenter(POLICY), tmp_path / "new" / "clip.wav"
    for clip in originals()[:2]:
        for copy in ("1", "2"):
            assert tfx_audio_replay(artifacts, out, "--clip-id", clip.clip_id, "--copy", copy) == 0
            expected = encode_wav(augmenter.augment(clip, int(copy)).waveform, RATE)
            assert out.read_bytes() == expected
            said = capsys.readouterr().out
            assert "identical to the stored copy" in said
            assert hashlib.sha256(expected).hexdigest() in said


def test_an_original_of_the_users_own_that_states_no_id(tmp_path, capsys):
    columns = columns_json({"audio": "wav", "label": "cls"})
    record = serialize_features({"wav": encode_wav(originals()[0].waveform, RATE), "cls": "x"})
    clip_id = user_records(columns).read(record).clip_id
    write_split(tmp_path / "examples" / "Split-train", [record])
    (tmp_path / "policy.json").write_text(POLICY.to_json())
    (tmp_path / "provenance.json").write_text(json.dumps({"columns": columns}))
    folders = (tmp_path / "examples", tmp_path)
    assert tfx_audio_replay(folders, tmp_path / "a.wav", "--clip-id", clip_id, "--copy", "1") == 0
    assert "holds no such copy" in capsys.readouterr().out


def test_condition(artifacts, tmp_path, capsys):
    arguments = ("--clip-id", "dog/2.wav", "--condition", "noise_10db")
    assert tfx_audio_replay(artifacts, tmp_path / "clip.wav", *arguments) == 0
    assert "identical to the stored copy" in capsys.readouterr().out


def test_works_when_the_augmented_audio_is_gone(artifacts, tmp_path, capsys):
    import shutil

    shutil.rmtree(artifacts[1] / "Split-train")
    arguments = ("--clip-id", "cat/1.wav", "--copy", "2")
    assert tfx_audio_replay(artifacts, tmp_path / "clip.wav", *arguments) == 0
    assert "no such copy to compare with" in capsys.readouterr().out


def test_a_difference_is_said_with_its_likely_cause_and_fails(artifacts, tmp_path, capsys):
    augmented = artifacts[1]
    other = parse_policy(POLICY.to_json().replace('"seed":5', '"seed":6'))
    (augmented / "policy.json").write_text(other.to_json())
    (augmented / "provenance.json").write_text(
        json.dumps({"library_versions": {"audiomentations": "0.40.0"}})
    )
    arguments = ("--clip-id", "dog/0.wav", "--copy", "1")
    assert tfx_audio_replay(artifacts, tmp_path / "clip.wav", *arguments) == 1
    said = capsys.readouterr().out
    assert "DIFFERENT" in said
    assert "audiomentations 0.40.0 then" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--clip-id", "dog/9.wav", "--copy", "1"), "no original 'dog/9.wav'.*Did you mean 'dog/"),
        (("--clip-id", "dog/0.wav", "--copy", "0"), "--copy must be at least 1"),
        (("--clip-id", "dog/0.wav~2", "--copy", "2"), "id of a copy: --clip-id dog/0.wav --copy 2"),
        (("--clip-id", "dog/0.wav", "--condition", "noise_9db"), "Did you mean 'noise_0db'"),
    ],
)
def test_wrong_arguments(artifacts, tmp_path, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        tfx_audio_replay(artifacts, tmp_path / "clip.wav", *arguments)


def test_wrong_folders(artifacts, tmp_path):
    examples, augmented = artifacts
    arguments = ("--clip-id", "dog/0.wav", "--copy", "1")
    with pytest.raises(InvalidInput, match=r"--augmented: expected a folder with policy.json"):
        tfx_audio_replay((examples, examples), tmp_path / "clip.wav", *arguments)
    with pytest.raises(InvalidInput, match="--examples: there is no folder"):
        tfx_audio_replay((tmp_path / "none", augmented), tmp_path / "clip.wav", *arguments)
    (tmp_path / "audio").mkdir()
    with pytest.raises(InvalidInput, match=r"--examples: .*audio holds no TFRecords"):
        tfx_audio_replay((tmp_path / "audio", augmented), tmp_path / "clip.wav", *arguments)
    (examples / "Split-test" / "part-0").write_bytes(b"no records at all")
    with pytest.raises(InvalidInput, match="not a TFRecord file"):
        tfx_audio_replay(artifacts, tmp_path / "clip.wav", *arguments)
