"""`tfx-audio predict`: files and folders of any rate and length, and what can't be read."""

import argparse
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.clips import predictor
from tfx_audio.pipeline.commands import predict
from tfx_audio.pipeline.model.exported_facts import write_card

RATE = 8_000


class ByLength(tf.Module):
    """A model that says ``long`` with a score that is the clip's seconds at 8 kHz."""

    def __init__(self, seconds_a_sample=1 / RATE):
        super().__init__()
        self.seconds_a_sample = tf.Variable(seconds_a_sample)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="wav")])
    def wav(self, wav):
        samples = (tf.strings.length(wav) - 44) // 2
        seconds = tf.cast(samples, tf.float32) * self.seconds_a_sample
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
        waveform = np.full((int(seconds * rate), channels), 0.1)
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


def answers(capsys):
    """Return what was printed with ``--json``: by file name without folders."""
    lines = capsys.readouterr().out.splitlines()
    return {a["file"].rpartition("/")[2]: a for a in map(json.loads, lines)}


def test_a_short_file_that_is_long_at_the_models_rate_is_refused(model_dir, sounds, capsys):
    soundfile.write(sounds / "long.wav", np.full(2_000_000, 0.1), 100, subtype="PCM_U8")

    status = call(model_dir, sounds, json=True)

    found = answers(capsys)
    assert status == 1
    assert found["long.wav"]["error"].startswith("too_long: ")
    assert found["c.wav"]["label"] == "long"


def test_a_file_larger_than_is_read_is_refused(model_dir, sounds, capsys):
    with open(sounds / "large.wav", "wb") as file:
        file.truncate(2**30 + 1)  # takes no room on the disk

    assert call(model_dir, sounds / "large.wav", json=True) == 1

    assert answers(capsys)["large.wav"]["error"].startswith("too_large: 1073741825 bytes")


def test_long_files_are_asked_in_smaller_batches(model_dir, sounds, capsys, monkeypatch):
    monkeypatch.setattr(predictor, "_MAX_BATCH_BYTES", 14_000)
    sizes = []
    scores = predictor.Predictor._scores

    def counted(self, wavs):
        sizes.append(len(wavs))
        return scores(self, wavs)

    monkeypatch.setattr(predictor.Predictor, "_scores", counted)
    call(model_dir, sounds, json=True)  # 4, 12 and 9.6 kB

    assert sizes == [1, 2, 1]  # the first is a hum, to see whether the model answers
    assert list(answers(capsys)) == ["a.wav", "b.flac", "c.wav"]


def test_a_clip_that_is_too_short_for_a_sample_gets_no_scores(model_dir, sounds, capsys):
    soundfile.write(sounds / "one.wav", np.full(1, 0.5), 1_000_000)

    assert call(model_dir, sounds / "one.wav", json=True) == 1

    error = answers(capsys)["one.wav"]["error"]
    assert error == "empty: too short for one sample at 8000 Hz"


def test_audio_is_known_by_its_content_too_and_folders_are_no_files(model_dir, sounds, capsys):
    (sounds / "x.wav").mkdir()
    shutil.copy(sounds / "a.wav", sounds / "x.wav" / "in.wav")
    shutil.copy(sounds / "a.wav", sounds / "nosuffix")

    assert call(model_dir, sounds, json=True) == 0

    assert list(answers(capsys)) == ["a.wav", "b.flac", "c.wav", "nosuffix", "in.wav"]


def test_linked_files_are_answered_and_folders_elsewhere_are_named(
    model_dir, sounds, tmp_path, capsys
):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(sounds / "a.wav", outside)
    (sounds / "linked.wav").symlink_to(outside / "a.wav")
    (sounds / "folder").symlink_to(outside)
    (sounds / "gone.wav").symlink_to(tmp_path / "nowhere")

    assert call(model_dir, sounds, json=True) == 1

    found = answers(capsys)
    assert found["linked.wav"]["label"] == "short"
    assert found["folder"]["error"].startswith("outside_roots: ")
    assert found["gone.wav"]["error"].startswith("missing_file: ")
    assert len(found) == 6


@pytest.mark.parametrize("options", [["--json"], []])
def test_pipes_and_names_in_no_utf8_keep_no_other_file_from_its_answer(model_dir, sounds, options):
    """In a process of its own: a pipe that is opened waits for ever."""
    shutil.copy(sounds / "a.wav", os.fsencode(sounds) + b"/a\xff.wav")
    shutil.copy(sounds / "a.wav", sounds / "new\nline.wav")
    os.mkfifo(sounds / "pipe.wav")
    os.mkfifo(os.fsencode(sounds) + b"/pipe\xff.wav")
    pipe = sounds / "pipe.wav"

    command = [sys.executable, "-m", "tfx_audio.pipeline.cli", "predict", *options]
    done = subprocess.run(
        [*command, "--model", model_dir, sounds, pipe],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )

    lines = done.stdout.decode("utf-8").split("\n")[:-1]
    assert done.returncode == 1
    assert done.stderr.decode() == ""
    assert sum("not_a_file" in line for line in lines) == 3
    assert sum("short" in line and "long" in line for line in lines) == 5
    assert len(lines) == 8
    if options:
        names = [os.path.relpath(json.loads(line)["file"], sounds) for line in lines]
        assert names[:2] == ["a.wav", "a\\udcff.wav"]
        assert names[4:7] == ["new\nline.wav", "pipe.wav", "pipe\\udcff.wav"]
    else:
        assert f"{sounds}/a\\udcff.wav: short 0.750  long 0.250" in lines
        assert f"{sounds}/new\\nline.wav: short 0.750  long 0.250" in lines


def _cut(name, size):
    return lambda model: os.truncate(model / name, size)


def _write(name, content):
    return lambda model: (model / name).write_bytes(content)


CARD = "assets.extra/model.json"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut(CARD, 9), r"expected a JSON object in .*model\.json"),
        (_write(CARD, b"\xff\xfe junk"), r"expected a JSON object in .*model\.json"),
        (_write(CARD, b"[1, 2]"), r"expected a JSON object in .*model\.json"),
        (_write(CARD, b"[" * 100_000), r"expected a JSON object in .*model\.json"),
        (_write(CARD, b"{}"), r"expected 'sample_rate' to be 100 to 1000000 Hz, got None"),
        (_write(CARD, b'{"sample_rate": 8000}'), r"expected 'labels' to be a list .* got None"),
        (
            _write(CARD, b'{"sample_rate": 8000, "labels": ["a", "a"]}'),
            r"expected 'labels' to be a list of different names, got \['a', 'a'\]",
        ),
        (
            _write(CARD, b'{"sample_rate": 8000, "labels": ["a"]}'),
            r"a score for each of 1 labels; .* got scores of the shape \(1, 2\)",
        ),
        (_cut("saved_model.pb", 99), "does not load or answer"),
        (_write("saved_model.pb", b"junk" * 99), "does not load or answer"),
        (_write("saved_model.pb", b""), "does not load or answer"),
        (lambda model: shutil.rmtree(model / "variables"), "does not load or answer"),
        (_cut("variables/variables.index", 9), "does not load or answer"),
        (_cut("variables/variables.data-00000-of-00001", 3), "does not load or answer"),
    ],
)
def test_says_what_is_wrong_with_a_damaged_model(model_dir, sounds, tmp_path, damage, said):
    model = shutil.copytree(model_dir / "12", tmp_path / "m")
    damage(model)

    with pytest.raises(InvalidInput, match=said) as raised:
        call(model, sounds)

    assert str(raised.value).startswith("--model: expected ") or CARD in str(raised.value)
    assert str(model) in str(raised.value)


def test_a_model_whose_scores_are_no_numbers_is_refused(sounds, tmp_path):
    module = ByLength(float("nan"))
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"wav": module.wav})
    write_card(str(tmp_path / "m"), {"sample_rate": RATE, "labels": ["short", "long"]})

    with pytest.raises(InvalidInput, match="not finite"):
        call(tmp_path / "m", sounds)


def test_folders_beside_the_versions_are_no_versions(model_dir, sounds, tmp_path, capsys):
    pushed = shutil.copytree(model_dir, tmp_path / "pushed")
    for name in ("²", "٣", "20x"):
        shutil.copytree(pushed / "5", pushed / name)

    call(pushed, sounds / "a.wav", top=1)

    assert capsys.readouterr().out.endswith("a.wav: short 0.750\n")
