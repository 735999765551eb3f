"""Recordings to clips and shards on Beam: exact contents, and no leak whatever the data."""

import hashlib
import io
import json
import subprocess
import sys
from dataclasses import replace

import apache_beam as beam
import numpy as np
import pytest
import soundfile
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from tfx_audio.components.audio.clip import encode_wav, from_pcm16
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording, Row
from tfx_audio.components.audio.records.examples import example_to_clip, serialize_features
from tfx_audio.components.audio.records.tfrecord import read_records, write_record
from tfx_audio.components.audio.splits import make_split_rule
from tfx_audio.components.audio_example_gen.ingest_results import (
    drop_clips,
    note_near_duplicates,
    read_facts,
)
from tfx_audio.components.audio_example_gen.shard_lists import deal
from tfx_audio.components.audio_example_gen.transforms import (
    FACTS,
    REJECTED,
    IngestJob,
    IngestShards,
    read_clips,
)

RATE = 8000
RATIOS = {"train": 0.6, "eval": 0.2, "test": 0.2}


def noise(seed):
    pcm = np.random.default_rng(seed).integers(-9000, 9000, 80).astype("<i2")
    return encode_wav(from_pcm16(pcm), RATE)


def recording(folder, name, data, **row):
    path = folder / name
    path.write_bytes(data)
    return Recording(str(path), name, (Row(name, **{"label": "x", **row}),), len(data))


def ingest(folder, recordings, rule, features=None, near_duplicates="ignore"):
    """Ingest as the executor does, and return clip ids by split, rejections, and the outcome."""
    out = folder / "out"
    uris = {name: str(out / f"Split-{name}") for name in ("train", "eval", "test")}
    recordings = [replace(one, features=features) for one in recordings]
    job = IngestJob(ClipFormat(RATE), rule, uris, finds_near_duplicates=near_duplicates != "ignore")
    with TestPipeline() as pipeline:
        ingested = pipeline | beam.Create(deal(recordings, str(folder))) | IngestShards(job)
        _ = ingested[FACTS] | "F" >> beam.io.WriteToText(str(out / "facts"))
        _ = ingested[REJECTED] | "R" >> beam.io.WriteToText(str(out / "rejected"))
    outcome, drops = read_facts(str(out / "facts"))
    if near_duplicates == "report":
        outcome.anomalies = note_near_duplicates(drops)
    rejected = drop_clips(outcome, drops, uris)
    lines = [line for path in out.glob("rejected*") for line in path.read_text().splitlines()]
    clips = {}
    for path in sorted(out.glob("Split-*/*.tfrecord")):
        with path.open("rb") as file:
            for record in read_records(file):
                clip = example_to_clip(record)
                digest = hashlib.sha256(clip.waveform.tobytes()).hexdigest()
                clips.setdefault(path.parent.name[6:], []).append((clip, digest))
    for name, found in clips.items():
        assert sum(outcome.clips[name].values()) == len(found)
    assert not list(out.glob("Split-*/.*"))
    reasons = [(json.loads(line)["path"], json.loads(line)["reason"]) for line in lines]
    return clips, reasons + [(one.path, one.reason) for one in rejected], outcome


def test_read_clips_gives_clips_and_rejections(tmp_path):
    good = recording(tmp_path, "a.wav", noise(1), group="g")
    bad = recording(tmp_path, "b.wav", b"no audio")
    gone = Recording(str(tmp_path / "gone.wav"), "gone.wav", (Row("gone.wav", "x"),))
    with TestPipeline() as pipeline:
        read = beam.FlatMap(read_clips, ClipFormat(RATE)).with_outputs("rejected", main="clips")
        outputs = pipeline | beam.Create([good, bad, gone]) | read
        clips = outputs.clips | beam.Map(
            lambda clip: (clip.clip_id, clip.label, clip.group, clip.waveform.tolist())
        )
        rejected = outputs.rejected | "R" >> beam.Map(lambda one: (one.path, one.reason))
        pcm = np.random.default_rng(1).integers(-9000, 9000, 80)
        assert_that(clips, equal_to([("a.wav", "x", "g", (pcm / 32768).tolist())]))
        assert_that(
            rejected,
            equal_to([("b.wav", "unreadable"), ("gone.wav", "unreadable")]),
            label="rejected",
        )


def test_every_clip_is_written_once_into_its_split_or_rejected(tmp_path):
    recordings = [recording(tmp_path, f"{i}.wav", noise(i), label="ab"[i % 2]) for i in range(60)]
    recordings.append(recording(tmp_path, "bad.wav", b"no audio", label="a"))
    clips, rejected, outcome = ingest(tmp_path, recordings, make_split_rule(RATIOS, "audio", {}, 0))
    found = [clip.clip_id for split in clips.values() for clip, _ in split]
    assert sorted(found) == sorted(f"{i}.wav" for i in range(60))
    assert rejected == [("bad.wav", "unreadable")]
    assert outcome.rejected == {"unreadable": 1}
    assert sum(outcome.seconds.values()) == pytest.approx(60 * 0.01)


def melody(seed, kind="WAV", start=0):
    """Return a file of fading notes: another tune for each seed."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(4 * RATE) / RATE
    sound = 0.005 * rng.standard_normal(time_s.size)
    for start_s in np.arange(0, 4, 0.15):
        since_s = np.clip(time_s - start_s, 0, None)
        tones = [np.sin(2 * np.pi * rng.uniform(200, 2000) * since_s) for _ in range(3)]
        sound += 0.1 * sum(tones) * np.exp(-12 * since_s)
    file = io.BytesIO()
    soundfile.write(file, sound[start:], RATE, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("near_duplicates", ["ignore", "report", "reject"])
def test_near_duplicates_are_left_named_or_taken_out_of_train(tmp_path, near_duplicates):
    recordings = [
        recording(tmp_path, name, melody(*content), split=name.split("_")[0])
        for name, content in {
            "test_0.wav": (0,), "test_1.wav": (1,), "eval_0.wav": (2,), "eval_1.ogg": (1, "OGG"),
            "train_0.mp3": (0, "MP3"), "train_1.wav": (3,), "train_2.wav": (2, "WAV", 2400),
            "train_3.wav": (4,), "train_4.ogg": (4, "OGG"), "train_5.wav": (0,),
        }.items()
    ]  # fmt: skip
    rule = make_split_rule(RATIOS, "audio", {}, 0, frozenset({"train", "eval", "test"}))
    clips, rejected, outcome = ingest(tmp_path, recordings, rule, near_duplicates=near_duplicates)
    near = ["eval_1.ogg", "train_0.mp3", "train_2.wav"]
    exact = ("train_5.wav", "duplicate_across_splits")
    taken = [(name, "near_duplicate") for name in near] if near_duplicates == "reject" else []
    assert sorted(rejected) == sorted([exact, *taken])
    assert sum(map(len, clips.values())) == 10 - len(rejected)
    if near_duplicates == "report":
        assert outcome.anomalies == [
            "near duplicates: 3 clips sound like one in a split that is held out; "
            "data.near_duplicates=reject takes them out: 'eval_1.ogg' (eval) like 'test_1.wav'; "
            "'train_0.mp3' (train) like 'test_0.wav'; 'train_2.wav' (train) like 'eval_0.wav'"
        ]


def test_held_out_audio_in_train_is_taken_out_of_train(tmp_path):
    recordings = [
        recording(tmp_path, f"{split}{i}.wav", noise(seed), split=split)
        for split, i, seed in [
            ("train", 0, 0), ("train", 1, 1), ("train", 2, 2), ("train", 3, 2),
            ("eval", 0, 10), ("eval", 1, 1), ("test", 0, 20), ("test", 1, 1), ("test", 2, 10),
        ]
    ]  # fmt: skip
    rule = make_split_rule(RATIOS, "audio", {}, 0, given_splits={"train", "eval", "test"})
    clips, rejected, outcome = ingest(tmp_path, recordings, rule)
    found = {split: sorted(clip.clip_id for clip, _ in some) for split, some in clips.items()}
    assert found == {
        "train": ["train0.wav", "train2.wav", "train3.wav"],
        "test": ["test0.wav", "test1.wav", "test2.wav"],
    }
    assert sorted(rejected) == [
        (name, "duplicate_across_splits") for name in ("eval0.wav", "eval1.wav", "train1.wav")
    ]
    assert outcome.splits == ["train", "test"]


@pytest.mark.parametrize("seed", range(4))
def test_no_audio_in_two_splits_whatever_divides(tmp_path, seed):
    rng = np.random.default_rng(seed)
    recordings = [
        recording(tmp_path, f"{i}.wav", noise(int(rng.integers(25))), group=f"g{rng.integers(8)}")
        for i in range(60)
    ]
    rule = make_split_rule(RATIOS, "group", {}, seed)
    clips, rejected, _ = ingest(tmp_path, recordings, rule)
    audio = {split: {digest for _, digest in found} for split, found in clips.items()}
    groups = {split: {clip.group for clip, _ in found} for split, found in clips.items()}
    names = sorted(audio)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            assert not audio[first] & audio[second]
            assert not groups[first] & groups[second]
    assert sum(map(len, clips.values())) + len(rejected) == 60
    assert rejected


def test_the_records_do_not_depend_on_the_order_of_the_files(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    rule = make_split_rule(RATIOS, "audio", {}, 0)
    for folder, order in (("x", range(40)), ("y", reversed(range(40)))):
        recordings = [recording(tmp_path / folder, f"{i}.wav", noise(i)) for i in order]
        ingest(tmp_path / folder, recordings, rule)
    files = [
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name / "out").glob("Split-*/*")}
        for name in ("x", "y")
    ]  # fmt: skip
    assert files[0] == files[1]
    assert len(files[0]) >= 3


def test_foreign_records_with_an_id_twice(tmp_path):
    path = tmp_path / "a.tfrecord"
    with path.open("wb") as file:
        for i, clip_id in enumerate(["p", "q", "p"]):
            values = {"audio": noise(i), "label": "x", "id": clip_id}
            write_record(file, serialize_features(values))
        write_record(file, b"\xff no example")
    rule = make_split_rule({"train": 1, "eval": 1e-9}, "audio", {}, 0)
    source = Recording(str(path), "a.tfrecord", ())
    features = RecordFeatures("audio", "label", clip_id="id")
    clips, rejected, _ = ingest(tmp_path, [source], rule, features)
    assert [clip.clip_id for clip, _ in clips["train"]] == ["p", "q"]
    assert rejected == [("a.tfrecord:000003", "bad_record"), ("p", "duplicate_id")]


def test_a_damaged_record_file_keeps_what_came_before(tmp_path):
    path = tmp_path / "a.tfrecord"
    with path.open("wb") as file:
        write_record(file, serialize_features({"audio": noise(1), "label": "x"}))
        file.write(b"\xff" * 100)
    rule = make_split_rule({"train": 1, "eval": 1e-9}, "audio", {}, 0)
    source = Recording(str(path), "a.tfrecord", ())
    clips, rejected, _ = ingest(tmp_path, [source], rule, RecordFeatures("audio", "label"))
    assert len(clips["train"]) == 1
    assert rejected == [("a.tfrecord", "unreadable")]


def test_workers_load_neither_tfx_nor_tensorflow():
    script = (
        "import sys, tfx_audio.components.audio_example_gen.transforms;"
        "print(sorted({'tfx', 'tensorflow', 'keras', 'audiomentations'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
