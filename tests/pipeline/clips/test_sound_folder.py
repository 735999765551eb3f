"""One door: every command that reads clips lists and reads a layout the same way."""

import argparse
import io
import json
import tarfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import soundfile

from tfx_audio.components.audio.clip import decode_wav, encode_wav
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording
from tfx_audio.pipeline.clips.augment_inputs import ingest_audio
from tfx_audio.pipeline.clips.predict_files import AskedFile, listed_clips
from tfx_audio.pipeline.clips.predictor import read_wavs
from tfx_audio.pipeline.clips.sound_folder import (
    choose_clips,
    list_sounds,
    read_clips,
    single_clips,
)
from tfx_audio.pipeline.commands import augment, explore, predict, preview, run
from tfx_audio.pipeline.commands.arguments import source_values
from tfx_audio.pipeline.explorer.listening import read_clip

RATE = 8_000
FLAGS = ["--manifest", "a.csv", "--label-from", "{label}", "--layout", "kaldi"]
OTHERS = {augment: ["--out", "x"], explore: [], predict: ["--model", "m"], preview: [], run: []}


IDS = {"one_a": "x", "one_b": "y", "two_a": "y", "two_b": "x"}


def wav_bytes(seed):
    waveform = np.random.default_rng(seed).uniform(-0.5, 0.5, 5_512).astype(np.float32)
    return encode_wav(waveform, 11_025)


def parquet(folder):
    """Two files of records with an id, a label that is a number, and the names of the numbers."""
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    info = {"info": {"features": {"label": {"names": ["x", "y"]}}}}
    for name in ("one", "two"):
        rows = [one for one in IDS if one.startswith(name)]
        audio = [{"bytes": wav_bytes([*IDS].index(one)), "path": one} for one in rows]
        table = pyarrow.table(
            {
                "id": rows,
                "audio": pyarrow.array(audio, kind),
                "label": ["xy".index(IDS[one]) for one in rows],
            }
        ).replace_schema_metadata({"huggingface": json.dumps(info)})
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


def webdataset(folder):
    """A tar of samples: audio, and a JSON object with id and label."""
    with tarfile.open(folder / "shard-000000.tar", "w") as tar:
        for clip_id, label in IDS.items():
            values = json.dumps({"id": clip_id, "cls": label}).encode()
            for suffix, data in (("wav", wav_bytes([*IDS].index(clip_id))), ("json", values)):
                member = tarfile.TarInfo(f"{clip_id}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def kaldi(tmp_path):
    """A Kaldi folder of two recordings, each with two utterances, at another rate."""
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        noise = rng.uniform(-0.5, 0.5, 2 * 11_025)
        soundfile.write(tmp_path / f"{name}.wav", noise, 11_025)
    (tmp_path / "wav.scp").write_text("one one.wav\ntwo two.wav\n")
    spans = ("{0}_a {0} 0.25 0.75", "{0}_b {0} 1.0 1.5")
    lines = [span.format(name) for name in ("one", "two") for span in spans]
    (tmp_path / "segments").write_text("\n".join(lines) + "\n")
    (tmp_path / "utt2label").write_text("one_a x\none_b y\ntwo_a y\ntwo_b x\n")
    (tmp_path / "utt2spk").write_text("one_a ann\none_b ann\ntwo_a ben\ntwo_b ben\n")


def by_id(clips):
    return {clip.clip_id: (clip.label, clip.waveform.tobytes()) for clip in clips}


@pytest.mark.parametrize("make", [kaldi, parquet, webdataset])
def test_all_five_read_the_same_samples(make, tmp_path, tmp_path_factory):
    make(tmp_path)
    source = IngestConfig(path=str(tmp_path), sample_rate=RATE)
    listing = list_recordings(source)
    stored = [
        c for one in listing.recordings for c in read_recording(one, source.clip_format(RATE))
    ]
    run_reads = by_id(cut.clip for cut in stored)
    assert {clip_id: label for clip_id, (label, _) in run_reads.items()} == IDS

    sounds = list_sounds(source)
    preview_reads = by_id(read_clips(sounds.recordings, sounds.clip_format())[0])
    explorer_reads = by_id(read_clip(one, RATE) for one in single_clips(sounds.recordings))
    patterns, _ = ingest_audio(source, tmp_path_factory.mktemp("ingested"))
    records = [r for span in plan_spans(patterns["train"]) for r in read_span(span)]
    augment_reads = by_id(map(example_to_clip, records))
    assert preview_reads == explorer_reads == augment_reads == run_reads

    asked = listed_clips(source)
    named = [one for file in asked for one in read_wavs(file, RATE)]
    heard = {name: decode_wav(wav)[0].tobytes() for name, wav in named}
    assert heard == {clip_id: samples for clip_id, (_, samples) in run_reads.items()}


@pytest.mark.parametrize("command", OTHERS, ids=lambda command: command.__name__)
def test_all_five_take_the_same_flags(command):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    given = ["--data", "d", *FLAGS, "--sample-rate", "8000", *OTHERS[command]]
    assert source_values(parser.parse_args(given)) == {
        "path": "d",
        "manifest": ["a.csv"],
        "label_from": "{label}",
        "layout": "kaldi",
        "sample_rate": 8000,
    }


def test_records_are_read_at_the_rate_that_most_of_them_have(tmp_path):
    parquet(tmp_path)
    sounds = list_sounds(IngestConfig(path=str(tmp_path)))
    assert sounds.clip_format().sample_rate == 11_025
    (chosen,) = choose_clips(sounds.recordings, 1)
    (clip,), rejected = read_clips([chosen], sounds.clip_format())
    assert clip.clip_id == chosen.rows[0].clip_id
    assert rejected == []


def test_records_that_cannot_be_used_are_told_once_and_the_others_read(tmp_path):
    parquet(tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    sounds = list_sounds(IngestConfig(path=str(tmp_path)))
    assert [one.path for one in sounds.rejections] == ["broken.parquet"]
    clips, rejected = read_clips(sounds.recordings, sounds.clip_format())
    assert {clip.clip_id for clip in clips} == set(IDS)
    assert rejected == []


def test_silence_is_answered_for_where_the_model_knows_it(tmp_path):
    path = tmp_path / "a@home.wav"
    soundfile.write(path, np.zeros(800), RATE)
    ((name, wav),) = read_wavs(AskedFile(str(path)), RATE)
    assert (name, wav.reason) == (str(path), "silent")
    tone = np.sin(np.arange(800))
    soundfile.write(path, np.stack([tone, -tone], axis=1), RATE)
    ((name, wav),) = read_wavs(AskedFile(str(path)), RATE)
    assert wav.reason == "channels_cancel"
    ((name, wav),) = read_wavs(AskedFile(str(path)), RATE, may_be_silent=True)
    assert name == str(path)
    assert not decode_wav(wav)[0].any()
