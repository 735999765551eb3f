import csv

import pytest

from tfx_audio.components.audio.clip import decode_wav
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio_augmenter.wav_files import file_name, write_wav_files


def test_files_and_manifest_hold_what_the_examples_hold(tmp_path, make_example):
    one, other = make_example("dog/1.wav", "dog"), make_example("cat/1.wav", "cat")

    written = write_wav_files({"train": [one], "eval": [other]}, tmp_path)

    rows = list(csv.DictReader((tmp_path / "manifest.csv").open(newline="")))
    assert written == 2
    assert [(r["path"], r["split"], r["label"], r["copy_index"]) for r in rows] == [
        ("train/dog/1.wav", "train", "dog", "0"),
        ("eval/cat/1.wav", "eval", "cat", "0"),
    ]
    waveform, sample_rate = decode_wav((tmp_path / "train/dog/1.wav").read_bytes())
    assert sample_rate == 8000
    assert (waveform == example_to_clip(one).waveform).all()


def test_ids_that_differ_in_case_only_get_files_of_their_own(tmp_path, make_example):
    write_wav_files({"train": [make_example("A.wav"), make_example("a.wav")]}, tmp_path)

    assert len(list(tmp_path.glob("train/*.wav"))) == 2


@pytest.mark.parametrize(
    ("clip_id", "name"),
    [
        ("dog/1.wav", "dog/1.wav"),
        ("dog/1.wav~2", "dog/1.wav~2.wav"),
        ("dog/1.flac", "dog/1.flac.wav"),
    ],
)
def test_ordinary_ids_are_their_own_file_names(clip_id, name):
    assert file_name(clip_id) == name


@pytest.mark.parametrize(
    "clip_id", ["../../etc/passwd", "/root/x", "a/../b", "c:\\x", "..", "x" * 400]
)
def test_no_id_leads_out_of_the_folder(clip_id):
    parts = file_name(clip_id).split("/")

    assert all(part not in ("", ".", "..") and len(part) < 150 for part in parts)
    assert "\\" not in file_name(clip_id)


def test_ids_that_had_to_be_changed_stay_apart():
    assert file_name("a?b") != file_name("a*b")
