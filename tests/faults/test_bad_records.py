"""Records with anything in them: rejected with a reason, never the end of the job."""

import csv
import json
import struct

import numpy as np
import pytest

from tests.faults.conftest import RATE
from tfx_audio.components.audio.clip import Clip, original_id, pcm16_to_wav
from tfx_audio.components.audio.records.examples import (
    clip_to_example,
    example_to_clip,
    parse_features,
    serialize_features,
)
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.components.audio_augmenter.wav_files import write_wav_files
from tfx_audio.pipeline import cli


def clip(clip_id="good", **changes):
    waveform = np.random.default_rng(len(clip_id)).uniform(-0.3, 0.3, RATE // 4)
    return Clip(clip_id, waveform.astype(np.float32), RATE, label="a", **changes)


def with_features(**changes):
    return serialize_features({**parse_features(clip_to_example(clip("bad"))), **changes})


def with_rate(rate):
    wav = bytearray(pcm16_to_wav(np.zeros(10, "<i2"), RATE))
    wav[24:28] = struct.pack("<I", rate)
    return bytes(wav)


BAD = {
    "clip_id is a number": with_features(clip_id=7),
    "clip_id has a NUL": with_features(clip_id="a\0b"),
    "clip_id is not UTF-8": with_features(clip_id=b"\xff"),
    "two ids": with_features(clip_id=["a", "b"]),
    "audio is a number": with_features(audio=3),
    "audio is a float": with_features(audio=0.5),
    "audio is no WAV": with_features(audio=b"RIFF"),
    "a rate of 0": with_features(audio=with_rate(0)),
    "a rate of 2^32-1": with_features(audio=with_rate(2**32 - 1)),
    "another rate than it says": with_features(sample_rate=16000),
    "a rate in words": with_features(sample_rate="fast"),
    "a label that is a number": with_features(label=1),
    "a copy index in words": with_features(copy_index="one"),
    "nothing": b"",
    "no example": b"\xff\xff\xff",
}


@pytest.mark.parametrize("record", BAD.values(), ids=BAD)
def test_it_is_no_clip_and_nothing_worse(record):
    with pytest.raises(ValueError, match=r"."):
        example_to_clip(record)


@pytest.mark.parametrize("policy", ["", "balance: by_label\n"])
@pytest.mark.parametrize("out_format", ["tfrecord", "wav"])
def test_the_job_goes_on_without_them(tmp_path, capsys, out_format, policy):
    for split in ("train", "eval"):
        file = tmp_path / "records" / f"Split-{split}" / "part"
        file.parent.mkdir(parents=True)
        with file.open("wb") as records:
            for record in (clip_to_example(clip()), *BAD.values()):
                write_record(records, record)
    slow = tmp_path / "policy.yaml"
    slow.write_text(f"{policy}conditions: {{}}\ntransforms: [{{name: Gain, p: 1.0}}]\n")
    args = ("augment", "--data", tmp_path / "records", "--policy", slow, "--workers", 1)
    out = tmp_path / "out"
    made = cli.main(
        [*map(str, (*args, "--out", out, "--format", out_format)), "--max-rejected-fraction", "1"]
    )
    assert made == 0, capsys.readouterr().err
    table = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    # of train, of eval, and of eval under the condition `clean`
    assert [line["reason"] for line in table] == ["unreadable_example"] * 3 * len(BAD)
    if out_format == "tfrecord":
        records = [r for span in plan_spans(f"{out}/Split-eval/*") for r in read_span(span)]
        assert records == [clip_to_example(clip())]


def test_an_original_called_like_a_copy_shares_its_id_with_none(tmp_path):
    names = ["x", "x~1", "x~1~0", "x~0", "x@clean", "x~1~1"]
    originals = [original_id(name) for name in names]
    copies = {f"{name}~{n}" for name in originals for n in range(1, 4)}
    conditions = {f"{name}@clean" for name in originals}
    assert len({*originals, *copies, *conditions}) == len(names) * 5
    assert original_id("LONGNA~1.WAV") == "LONGNA~1.WAV"

    (tmp_path / "records").mkdir()
    with (tmp_path / "records/part").open("wb") as records:
        for name in ("x", "x~1"):
            write_record(records, clip_to_example(clip(name)))
    policy = tmp_path / "policy.yaml"
    policy.write_text("conditions: {}\ncopies_per_clip: 2\ntransforms: [{name: Gain}]\n")
    args = ("--data", tmp_path / "records", "--policy", policy, "--workers", 1)
    assert cli.main([*map(str, ("augment", *args, "--out", tmp_path / "out"))]) == 0
    found = [
        example_to_clip(record).clip_id
        for span in plan_spans(f"{tmp_path}/out/Split-train/*")
        for record in read_span(span)
    ]
    assert sorted(found) == ["x", "x~1", "x~1~0", "x~1~0~1", "x~1~0~2", "x~2"]


def test_ids_that_are_file_and_folder_at_once_and_formulas(tmp_path):
    ids = ["a.wav", "a.wav/b.wav", "A.wav", "=1+1", "-2", "@x", "d/" * 3000 + "e"]
    assert write_wav_files({"train": [clip_to_example(clip(i)) for i in ids]}, tmp_path) == len(ids)
    with (tmp_path / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"].lower() for row in rows}) == len(ids)
    assert all((tmp_path / row["path"]).is_file() for row in rows)
    assert [row["clip_id"] for row in rows[3:6]] == ["'=1+1", "'-2", "'@x"]
    assert rows[0]["peak_dbfs"].startswith("-")  # a number is one
