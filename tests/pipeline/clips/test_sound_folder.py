"""One door: every command that reads clips lists and reads a layout the same way."""

import argparse

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.clip import decode_wav
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording
from tfx_audio.pipeline.clips.augment_inputs import ingest_audio
from tfx_audio.pipeline.clips.predict_files import listed_clips
from tfx_audio.pipeline.clips.predictor import read_wav
from tfx_audio.pipeline.clips.sound_folder import list_sounds, read_clips, single_clips
from tfx_audio.pipeline.commands import augment, explore, predict, preview, run
from tfx_audio.pipeline.commands.arguments import source_values
from tfx_audio.pipeline.explorer.listening import read_clip

RATE = 8_000
FLAGS = ["--manifest", "a.csv", "--label-from", "{label}", "--layout", "kaldi"]
OTHERS = {
    augment: ["--out", "x"],
    explore: [],
    predict: ["--model", "m"],
    preview: [],
    run: [],
}


@pytest.fixture
def data(tmp_path):
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
    return tmp_path


def by_id(clips):
    return {clip.clip_id: (clip.label, clip.waveform.tobytes()) for clip in clips}


def test_all_five_read_the_same_samples(data, tmp_path_factory):
    source = IngestConfig(path=str(data), sample_rate=RATE)
    listing = list_recordings(source)
    stored = [
        c for one in listing.recordings for c in read_recording(one, source.clip_format(RATE))
    ]
    run_reads = by_id(cut.clip for cut in stored)
    assert set(run_reads) == {"one_a", "one_b", "two_a", "two_b"}

    sounds = list_sounds(source)
    preview_reads = by_id(read_clips(sounds.recordings, sounds.clip_format())[0])
    explorer_reads = by_id(read_clip(one, RATE) for one in single_clips(sounds.recordings))
    patterns, _ = ingest_audio(source, tmp_path_factory.mktemp("ingested"))
    records = [r for span in plan_spans(patterns["train"]) for r in read_span(span)]
    augment_reads = by_id(map(example_to_clip, records))
    assert preview_reads == explorer_reads == augment_reads == run_reads

    asked = listed_clips(source)
    heard = {file.name: decode_wav(read_wav(file, RATE))[0].tobytes() for file in asked}
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
