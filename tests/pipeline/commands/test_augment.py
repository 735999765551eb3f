"""`tfx-audio augment` on files and on TFRecords, whole or not at all."""

import csv
import gzip
import json
import os
import shutil

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.clip import decode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.pipeline import cli
from tfx_audio.pipeline.clips.output_folder import RESULT, appearing_when_whole


@pytest.fixture
def audio(tmp_path):
    """Two labels by folder, one file that is no audio although it says so."""
    rng = np.random.default_rng(0)
    for path in ("dog/1.wav", "dog/2.wav", "cat/1.flac"):
        target = tmp_path / "audio" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, rng.uniform(-0.3, 0.3, 1600), 8000)
    return tmp_path / "audio"


def augment(*args):
    return cli.main(["augment", "--workers", "1", *map(str, args)])


def clips_in(folder):
    return [example_to_clip(r) for span in plan_spans(f"{folder}/*") for r in read_span(span)]


def test_files_become_records(audio, tmp_path, capsys):
    assert augment("--data", audio, "--out", tmp_path / "one") == 0

    first = {clip.clip_id: clip for clip in clips_in(tmp_path / "one/Split-train")}
    ids = ("dog/1.wav", "dog/2.wav", "cat/1.flac")
    assert set(first) == {f"{i}{copy}" for i in ids for copy in ("", "~1", "~2")}
    assert first["cat/1.flac~2"].label == "cat"
    assert "3 originals and 6 copies" in capsys.readouterr().out
    described = json.loads((tmp_path / "one/provenance.json").read_text())
    assert described["counters"]["augmented"] == 6
    spans = plan_spans(f"{tmp_path / 'one/Split-train'}/*")
    leaves = [leaf(record) for span in spans for record in read_span(span)]
    assert described["records"] == {"train": describe_leaves(leaves)}
    assert load_policy(tmp_path / "one/policy.json") == load_policy("classic")
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [
        "Split-train", "policy.json", "provenance.json", "rejected.jsonl",
    ]  # fmt: skip


@pytest.fixture
def records(audio, tmp_path):
    """The clips as records, without copies."""
    policy = tmp_path / "no_copies.yaml"
    policy.write_text("{copies_per_clip: 0, transforms: [{name: Gain}]}")
    assert augment("--data", audio, "--out", tmp_path / "records", "--policy", policy) == 0
    return tmp_path / "records"


def test_records_become_more_records(records, tmp_path):
    assert augment("--data", records, "--out", tmp_path / "out", "--seed", "1") == 0

    assert len(clips_in(tmp_path / "out/Split-train")) == 9


def test_copies_are_not_made_of_copies(audio, tmp_path, capsys):
    assert augment("--data", audio, "--out", tmp_path / "one") == 0
    again = ["--data", tmp_path / "one", "--out", tmp_path / "two"]

    assert augment(*again) == 1
    assert "augmented_already: 6" in capsys.readouterr().err
    assert augment(*again, "--max-rejected-fraction", "0.5") == 0

    ids = [clip.clip_id for clip in clips_in(tmp_path / "two/Split-train")]
    assert len(ids) == len(set(ids)) == 9
    lines = (tmp_path / "two/rejected.jsonl").read_text().splitlines()
    assert {json.loads(line)["path"] for line in lines} == {i for i in ids if "~" in i}


@pytest.mark.parametrize("name", ["in[1]", "a*b", "who?"])
def test_what_is_read_may_have_any_name(audio, records, tmp_path, name):
    (tmp_path / name).mkdir()
    moved = records.rename(tmp_path / name / "records")
    sound = shutil.copy(audio / "dog/1.wav", tmp_path / name)
    shard = shutil.copy(next((moved / "Split-train").iterdir()), tmp_path / name / "x.tfrecord")

    for number, data in enumerate((moved, moved / "Split-train", sound, shard)):
        assert augment("--data", data, "--out", tmp_path / f"out{number}") == 0


@pytest.mark.parametrize("name", ["out[1]", "a*b/out", "who?"])
def test_what_is_written_must_be_no_pattern(audio, tmp_path, capsys, name):
    assert augment("--data", audio, "--out", tmp_path / name) == 2

    assert "--out: expected a path without" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["audio"]


def test_a_compressed_file_that_is_no_record_is_not_taken_for_one(audio, tmp_path):
    (audio / "ANNOTATIONS.csv.gz").write_bytes(gzip.compress(b"x"))
    (audio / "broken.gz").write_bytes(b"no gzip")

    assert augment("--data", audio, "--out", tmp_path / "out") == 0

    assert len(clips_in(tmp_path / "out/Split-train")) == 9


def test_compressed_records_are_read(records, tmp_path):
    (shard,) = (records / "Split-train").iterdir()
    packed = tmp_path / "clips.tfrecord.gz"
    packed.write_bytes(gzip.compress(shard.read_bytes()))

    assert augment("--data", packed, "--out", tmp_path / "out") == 0

    assert len(clips_in(tmp_path / "out/Split-train")) == 9


def test_a_damaged_record_is_one_line(records, tmp_path, capsys):
    (shard,) = (records / "Split-train").iterdir()
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)

    assert augment("--data", records, "--out", tmp_path / "out") == 2

    error = capsys.readouterr().err
    assert "a damaged TFRecord" in error
    assert "Traceback" not in error


def test_wav_files_come_with_a_manifest(audio, tmp_path):
    assert augment("--data", audio, "--out", tmp_path / "out", "--format", "wav") == 0

    with (tmp_path / "out/manifest.csv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    assert len(rows) == 9
    assert {row["label"] for row in rows} == {"dog", "cat"}
    for row in rows:
        waveform, rate = decode_wav((tmp_path / "out" / row["path"]).read_bytes())
        assert (rate, len(waveform)) == (8000, 1600)
    assert not (tmp_path / "out/Split-train").exists()


def test_too_much_that_cannot_be_used_fails_and_leaves_the_table(audio, tmp_path, capsys):
    (audio / "dog/broken.wav").write_bytes(b"RIFF no sound")

    assert augment("--data", audio, "--out", tmp_path / "out") == 1

    assert "unreadable: 1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (line,) = (tmp_path / "out-rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == "dog/broken.wav"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "nothing", "--out", "out"], "there is no folder and no file 'nothing'"),
        (["--data", "empty", "--out", "out"], "expected audio files under 'empty'; found none"),
        (["--data", "empty", "--out", "empty"], "--out: empty exists already"),
        (["--data", "empty", "--out", "out", "--policy", "clasic"], "Did you mean 'classic'?"),
        (["--data", "empty", "--out", "dangling"], "--out: dangling exists already"),
        (["--data", "empty", "--out", "out", "--seed", str(2**70)], f"--seed {2**70}: policy"),
        (["--data", "empty", "--out", "/proc/no/out"], "--out: /proc/no/out can't be written"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, capsys, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")

    assert augment(*args) == 2

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_sound_bank_that_the_policy_names_must_be_given(audio, tmp_path, capsys):
    policy = tmp_path / "policy.yaml"
    policy.write_text("{transforms: [{name: AddBackgroundNoise, sounds: street}]}")

    assert augment("--data", audio, "--out", tmp_path / "out", "--policy", policy) == 2
    assert "expected --sound-bank street=DIR; given: none" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["-5", "0", "99", "1000001", "fast"])
def test_a_sample_rate_lies_in_what_clips_may_have(audio, tmp_path, capsys, rate):
    with pytest.raises(SystemExit, match="2"):
        augment("--data", audio, "--out", tmp_path / "out", "--sample-rate", rate)

    expected = f"--sample-rate: expected a whole number of Hz, 100 to 1000000, got '{rate}'"
    assert expected in capsys.readouterr().err


def test_finished_work_survives_when_its_name_was_taken(tmp_path):
    def work():
        with appearing_when_whole(tmp_path / "out") as folder:
            (folder / RESULT / "x").touch()
            (tmp_path / "out").mkdir()
            (tmp_path / "out/other").touch()

    with pytest.raises(InvalidInput, match="the result is whole and lies in") as refused:
        work()

    (kept,) = tmp_path.glob("out.finished-*")
    assert str(kept) in str(refused.value)
    assert [path.name for path in kept.iterdir()] == ["x"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["other"]


def test_a_banks_broken_sound_is_in_the_table_and_counts(audio, tmp_path, capsys):
    policy = tmp_path / "bank.yaml"
    policy.write_text("transforms: [{name: AddBackgroundNoise, sounds: street, p: 1.0}]\n")
    bank = tmp_path / "street"
    bank.mkdir()
    shutil.copy(next(audio.rglob("*.wav")), bank / "good.wav")
    (bank / "broken.wav").write_bytes(b"RIFF no sound")
    words = ["--data", audio, "--policy", policy, "--sound-bank", f"street={bank}"]
    assert augment(*words, "--out", tmp_path / "strict") == 1
    assert "unreadable: 1" in capsys.readouterr().err
    out = tmp_path / "out"
    assert augment(*words, "--out", out, "--max-rejected-fraction", "0.5") == 0
    assert "rejected in sound_bank, unreadable: 1" in capsys.readouterr().out
    assert "street/broken.wav" in (out / "rejected.jsonl").read_text()


def test_a_bank_with_a_fifo_is_read_past_it(audio, tmp_path):
    policy = tmp_path / "bank.yaml"
    policy.write_text("transforms: [{name: AddBackgroundNoise, sounds: street, p: 1.0}]\n")
    bank = tmp_path / "street[1]"
    bank.mkdir()
    shutil.copy(next(audio.rglob("*.wav")), bank / "good.wav")
    os.mkfifo(bank / "pipe.wav")
    words = ["--data", audio, "--policy", policy, "--sound-bank", f"street={bank}"]

    assert augment(*words, "--out", tmp_path / "out", "--max-rejected-fraction", "0.5") == 0

    (line,) = (tmp_path / "out/rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "not_a_file"
