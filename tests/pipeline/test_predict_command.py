"""`tfx-audio predict`: files and folders of any rate and length, and what can't be read."""

import argparse
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands import predict
from tfx_audio.pipeline.model.card import write_card

RATE = 8_000


class ByLength(tf.Module):
    """A model that says ``long`` with a score that is the clip's seconds at 8 kHz."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="wav")])
    def wav(self, wav):
        samples = (tf.strings.length(wav) - 44) // 2
        seconds = tf.cast(samples, tf.float32) / RATE
        return {"scores": tf.stack([1 - seconds, seconds], axis=1)}


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("pushed")
    for version in ("5", "12"):
        directory = str(root / version)
        module = ByLength()
        tf.saved_model.save(module, directory, signatures={"wav": module.wav})
        labels = ["short", "long"] if version == "12" else ["old", "older"]
        write_card(directory, {"sample_rate": RATE, "labels": labels})
    return root


@pytest.fixture
def sounds(tmp_path):
    folder = tmp_path / "sounds"
    (folder / "inner").mkdir(parents=True)
    for name, seconds, rate, channels in [
        ("a.wav", 0.25, 8_000, 1),
        ("b.flac", 0.75, 44_100, 2),
        ("inner/c.wav", 0.6, 16_000, 1),
    ]:
        waveform = np.zeros((int(seconds * rate), channels))
        soundfile.write(folder / name, waveform, rate)
    (folder / "notes.txt").write_text("no audio")
    return folder


def call(model, *audio, **changes):
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    args = parser.parse_args(["--model", str(model), *map(str, audio)])
    for name, value in changes.items():
        setattr(args, name, value)
    return predict.run(args)


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_answers_for_a_folder_of_any_rate_and_channels(model_dir, sounds, capsys, batch_size):
    status = call(model_dir, sounds, json=True, batch_size=batch_size)

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert [answer["label"] for answer in answers] == ["short", "long", "long"]
    scores = [answer["scores"]["long"] for answer in answers]
    np.testing.assert_allclose(scores, [0.25, 0.75, 0.6], atol=1e-3)
    assert answers[0]["file"].endswith("a.wav")
    assert answers[0]["score"] == answers[0]["scores"]["short"]


def test_takes_the_newest_version_or_the_one_named(model_dir, sounds, capsys):
    call(model_dir, sounds / "a.wav", top=1)
    call(model_dir / "5", sounds / "a.wav", top=1)

    newest, named = capsys.readouterr().out.splitlines()
    assert newest.endswith("a.wav: short 0.750")
    assert named.endswith("a.wav: old 0.750")


def test_goes_on_after_a_file_that_can_not_be_read(model_dir, sounds, capsys):
    broken = sounds / "broken.wav"
    broken.write_bytes(b"RIFF no sound")

    status = call(model_dir, broken, sounds / "a.wav", json=True)

    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert status == 1
    assert "error" in first
    assert second["label"] == "short"


def test_says_what_is_wrong_with_the_arguments(model_dir, sounds, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no file or folder"):
        call(model_dir, tmp_path / "nothing.wav")
    with pytest.raises(InvalidInput, match="no audio file in the folder"):
        call(model_dir, tmp_path / "empty")
    with pytest.raises(InvalidInput, match="folder with an exported model"):
        call(tmp_path / "no_model", sounds)
    with pytest.raises(InvalidInput, match=r"no saved_model\.pb"):
        call(tmp_path / "empty", sounds)
    with pytest.raises(InvalidInput, match="--batch-size must be at least 1"):
        call(model_dir, sounds, batch_size=0)


def test_refuses_a_model_of_somebody_else(sounds, tmp_path):
    module = ByLength()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"wav": module.wav})

    with pytest.raises(InvalidInput, match="exported by tfx-audio"):
        call(tmp_path / "m", sounds)
