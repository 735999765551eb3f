"""`tfx-audio detect`: events of a model whose answers can be worked out by hand."""

import argparse
import csv
import io
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands import detect
from tfx_audio.pipeline.model.exported_facts import write_card

RATE, WINDOW = 8_000, 800


class LoudShare(tf.Module):
    """Says ``beep`` with a score that is the share of loud samples; all zeros are ``silent``."""

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")])
    def waveform(self, waveform):
        share = tf.reduce_mean(tf.cast(tf.abs(waveform) > 0.1, tf.float32), axis=1)
        silent = tf.reduce_max(tf.abs(waveform), axis=1) == 0
        share = tf.where(silent, 0.5, share)
        problem = tf.where(silent, "silent", "")
        return {"scores": tf.stack([share, 1 - share], axis=1), "problem": problem}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="wav")])
    def wav(self, wav):
        return {"scores": tf.ones([tf.size(wav), 2]) / 2}


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    directory, module = str(tmp_path_factory.mktemp("model")), LoudShare()
    signatures = {"wav": module.wav, "waveform": module.waveform}
    tf.saved_model.save(module, directory, signatures=signatures)
    write_card(directory, {"sample_rate": RATE, "window": WINDOW, "labels": ["beep", "=rest"]})
    return directory


@pytest.fixture
def recording(tmp_path):
    """Two seconds of hush; beeps from 0.5 to 0.8 s and from 1.5 s to the end."""
    waveform = np.full(2 * RATE, 0.01, "float32")
    waveform[4000:6400] = waveform[12000:] = 0.4
    soundfile.write(tmp_path / "long.wav", waveform, RATE)
    return tmp_path / "long.wav"


def call(model_dir, *arguments):
    parser = argparse.ArgumentParser()
    detect.add_arguments(parser)
    return detect.run(parser.parse_args(["--model", model_dir, *map(str, arguments)]))


@pytest.mark.parametrize("batch_size", [1, 7])
def test_finds_events_where_they_are_to_a_hop(model_dir, recording, capsys, batch_size):
    status = call(
        *(model_dir, recording, "--hop", 0.05), *("--threshold", 0.6, "--batch-size", batch_size)
    )

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    rows = [row for row in rows if row["label"] == "beep"]
    assert status == 0
    found = [(float(row["start_s"]), float(row["end_s"])) for row in rows]
    # Windows of 0.1 s every 0.05 s stand for the 0.05 s in their middle: 0.5 to 0.6 s is all beep
    # and stands for 0.525 to 0.575. Windows at an edge are half beep: 0.5 is too little to begin
    # an event and enough to go on.
    assert found == [(0.525, 0.825), (1.525, 2.0)]
    assert [float(row["score"]) for row in rows] == [1.0, 1.0]
    assert rows[0]["file"].endswith("long.wav")


def test_the_formats_say_the_same(model_dir, recording, capsys):
    common = (model_dir, recording, "--hop", 0.05, "--threshold", 0.6, "--format")

    call(*common, "jsonl")
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    call(*common, "audacity")
    labels = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    call(*common, "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert [event["label"] for event in events] == ["=rest", "beep", "=rest", "beep"]
    assert [label[2] for label in labels] == ["=rest", "beep", "=rest", "beep"]
    assert [row["label"] for row in rows] == ["'=rest", "beep", "'=rest", "beep"]  # no formula
    for event, label, row in zip(events, labels, rows, strict=True):
        assert event["start_s"] == float(label[0]) == float(row["start_s"])
        assert event["end_s"] == float(label[1]) == float(row["end_s"])


def test_scores_over_time_cover_the_recording_and_silence_has_none(model_dir, tmp_path, capsys):
    soundfile.write(tmp_path / "quiet.flac", np.zeros((4410 * 3, 2)), 44_100)

    assert call(model_dir, tmp_path / "quiet.flac", "--format", "scores") == 0

    slots = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [slots[0]["start_s"], slots[-1]["end_s"]] == [0.0, 0.3]
    assert all(slot["scores"] == {"beep": 0.0, "=rest": 0.0} for slot in slots)


def test_a_file_shorter_than_a_window_and_one_that_is_none(model_dir, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.full(80, 0.5), RATE)
    (tmp_path / "b.wav").write_bytes(b"")
    (tmp_path / "c.wav").write_bytes(b"RIFF no sound")

    status = call(model_dir, tmp_path, "--format", "jsonl")

    out, err = capsys.readouterr()
    assert status == 1
    (event,) = map(json.loads, out.splitlines())
    assert (event["start_s"], event["end_s"], event["label"]) == (0.0, 0.01, "beep")
    assert "b.wav" in err
    assert "c.wav" in err


def test_refuses_what_can_not_be_meant(model_dir, recording, tmp_path):
    with pytest.raises(InvalidInput, match=r"at most 0\.1 s, got 0\.2"):
        call(model_dir, recording, "--hop", 0.2)
    with pytest.raises(InvalidInput, match="--hop is above 0"):
        call(model_dir, recording, "--hop", "nan")
    with pytest.raises(InvalidInput, match="--release <= --threshold"):
        call(model_dir, recording, "--release", 0.7)
    soundfile.write(tmp_path / "other.wav", np.full(80, 0.5), RATE)
    with pytest.raises(InvalidInput, match="audacity takes one file"):
        call(model_dir, tmp_path, "--format", "audacity")
