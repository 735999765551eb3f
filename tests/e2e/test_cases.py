"""Files of the kinds that people really have, each with what is right for it.

Reads the folder that ``TFX_AUDIO_CASES`` names: ``expected.json`` says what is right, entry by
entry. Every entry has a check in the tables below.
"""

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import apache_beam as beam
import numpy as np
import pytest

from tfx_audio.components.audio.reading.clip_format import ClipFormat, read_waveform
from tfx_audio.components.audio.reading.recording import CutClip, cut_recording, single_file
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.audio.splits import SPLITS
from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
from tfx_audio.components.audio_example_gen.ingest_results import drop_clips, read_facts
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.listing.split_plan import plan_splits
from tfx_audio.components.audio_example_gen.shard_lists import deal
from tfx_audio.components.audio_example_gen.transforms import (
    FACTS,
    REJECTED,
    IngestJob,
    IngestShards,
)

FOLDER = os.environ.get("TFX_AUDIO_CASES", "")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not FOLDER, reason="TFX_AUDIO_CASES names no folder of cases"),
]


def read(name):
    """Return what ingest makes of a file at its own rate: a clip or a rejection."""
    data = Path(FOLDER, name).read_bytes()
    (cut,) = cut_recording(single_file("", name), data, ClipFormat(0))
    return cut


def loudest_hz(waveform, rate):
    return np.argmax(np.abs(np.fft.rfft(waveform))) * rate / len(waveform)


def is_whole(seconds, *tones_hz, slack_s=0.1):
    """Return a check: as long as it should be, and tones one behind the other."""

    def check(name):
        cut = read(name)
        assert isinstance(cut, CutClip), cut
        waveform, rate = cut.clip.waveform, cut.clip.sample_rate
        assert len(waveform) / rate == pytest.approx(seconds, abs=slack_s)
        for index, tone_hz in enumerate(tones_hz):
            length = len(waveform) // len(tones_hz)
            part = waveform[index * length : (index + 1) * length]
            assert loudest_hz(part, rate) == pytest.approx(tone_hz, abs=5)

    return check


def is_rejected(*reasons):
    def check(name):
        cut = read(name)
        assert not isinstance(cut, CutClip)
        assert cut.reason in reasons
        assert cut.detail

    return check


def is_no_square_wave(pattern):
    for path in sorted(Path(FOLDER).glob(pattern)):
        formatted = read_waveform(path.read_bytes(), ClipFormat(0))
        assert formatted.note, path
        peak = np.abs(formatted.waveform).max()
        assert peak <= 1.0
        assert np.mean(np.abs(formatted.waveform) > 0.99 * peak) < 0.15, path


def is_ignored(name):
    path = Path(FOLDER, name)
    assert (
        path.name in list_recordings(IngestConfig(path=str(path.parent)), unlabelled=True).ignored
    )


def is_silent(name):
    assert read(name).reason == "silent"
    data = Path(FOLDER, name).read_bytes()
    (cut,) = cut_recording(single_file("", name), data, ClipFormat(0, silent_labels=("",)))
    assert isinstance(cut, CutClip)


CHECKS = {
    "mp3/vbr.mp3": is_whole(4.0),
    "mp3/cbr.mp3": is_whole(4.0),
    "mp3/layer2.mp2": is_whole(2.0),
    "containers/phone.m4a": is_whole(1.0, 600),
    "containers/browser.webm": is_whole(1.0, 600),
    "containers/recorder.mka": is_whole(1.0, 600),
    "containers/tv.ac3": is_whole(1.0, 600),
    "containers/video_sound.mp4": is_whole(1.0, 600),
    "containers/broken.webm": is_rejected("unreadable"),
    "containers/notes.txt": is_ignored,
    "streams/joined.ogg": is_whole(2.0, 300, 900),
    "streams/joined.flac": is_whole(2.0, 300, 900),
    "streams/joined.mp3": is_whole(2.0, 300, 900),
    "streams/cut.ogg": is_rejected("truncated"),
    "levels/*.wav": is_no_square_wave,
    "silence/inverted.wav": is_rejected("channels_cancel"),
    "silence/zeros.wav": is_silent,
    "headers/size_7ffff000.wav": is_whole(0.4, slack_s=1e-6),
    "headers/size_80000000.wav": is_whole(0.4, slack_s=1e-6),
    "headers/size_7fffffff.wav": is_whole(0.4, slack_s=1e-6),
    "headers/size_ffffffdb.wav": is_whole(0.4, slack_s=1e-6),
    "headers/extensible.wav": is_whole(0.4, slack_s=1e-6),
}


def ingested(out, folder, split=None, **data):
    """Ingest a folder as a run does; return clips by split, reasons by path, and the listing."""
    listing = list_recordings(IngestConfig(path=str(folder), **data))
    rule = plan_splits(split or SplitConfig(), listing)
    uris = {name: str(out / f"Split-{name}") for name in SPLITS}
    job = IngestJob(listing.config.clip_format(8000), rule, uris)
    with beam.Pipeline() as pipeline:
        done = pipeline | beam.Create(deal(listing.recordings, str(out))) | IngestShards(job)
        _ = done[FACTS] | "Facts" >> beam.io.WriteToText(str(out / "facts"))
        _ = done[REJECTED] | "Rejected" >> beam.io.WriteToText(str(out / "rejected"))
    result, drops = read_facts(str(out / "facts"))
    lines = [
        json.loads(x) for path in out.glob("rejected*") for x in path.read_text().split("\n") if x
    ]
    late = drop_clips(result, drops, uris) + listing.rejections
    reasons = {one["path"]: one["reason"] for one in lines} | {one.path: one.reason for one in late}
    clips = {name: [] for name in SPLITS}
    for path in sorted(out.glob("Split-*/*")):
        with path.open("rb") as file:
            records = map(example_to_clip, read_records(file))
            clips[path.parent.name.removeprefix("Split-")] += records
    every = [clip for of_split in clips.values() for clip in of_split]
    return SimpleNamespace(
        splits={name: len(found) for name, found in clips.items()},
        labels=Counter(clip.label for clip in every),
        clips=clips,
        every=every,
        reasons=reasons,
        listing=listing,
    )


def groups_apart(found):
    """Return how many groups there are, none of them in two splits."""
    of_split = [{clip.group for clip in clips} for clips in found.clips.values()]
    assert sum(map(len, of_split)) == len(set().union(*of_split))
    return sum(map(len, of_split))


def check_listed_splits(found, **expected):
    """Check official splits as they are listed: one tone stands for many clips of these cases.

    What of it stands in a split that is held out is then taken out of train, as of any data.
    """
    rows = [row for recording in found.listing.recordings for row in recording.rows]
    assert Counter(row.split for row in rows) == expected
    assert set(found.reasons.values()) == {"duplicate_across_splits"}
    return Counter(row.label for row in rows)


def check_conflict(out, folder):
    found = ingested(out, folder)
    assert found.reasons == dict.fromkeys(["metal/same.wav", "rock/same.wav"], "conflicting_labels")
    assert {clip.clip_id for clip in found.every} == {"metal/own.wav", "rock/own.wav"}


def check_tables(out, folder):
    tables = sorted(path for path in folder.iterdir() if path.is_file())
    assert tables
    for table in tables:
        found = ingested(out / table.name, folder, manifest=table.name)
        expected = {f"clips/{index:02}.wav": "bee" if index > 5 else "ape" for index in range(12)}
        if table.name == "mapping.json":
            expected = {f"utt{index}": label for index, label in enumerate(expected.values())}
        assert {clip.clip_id: clip.label for clip in found.every} == expected, table
        assert found.reasons == {}, table


def check_two_classes(out, folder):
    found = ingested(out, folder)
    assert found.labels == {"ape": 6, "bee": 6}
    assert found.reasons == {}


def check_urbansound8k(out, folder):
    found = ingested(out, folder, SplitConfig(fold="10"))
    assert found.labels == {"dog_bark": 10, "siren": 10, "drilling": 10}
    assert {clip.fields["fold"] for clip in found.clips["test"]} == {"10"}
    assert found.splits["test"] == 3
    assert {clip.duration_s for clip in found.every} == {0.2}
    assert found.reasons == {}


def check_speech_commands(out, folder):
    found = ingested(out, folder)
    assert set(found.labels) == {"yes", "no", "up"}
    assert found.splits == {"train": 21, "eval": 3, "test": 6}
    assert f"--sound-bank background={folder}/_background_noise_" in found.listing.notes[0]
    assert found.listing.ignored_counts["no clip"] == 1


def check_ravdess(out, folder):
    found = ingested(out, folder)
    assert found.labels == {"neutral": 6, "happy": 6, "angry": 6}
    assert all(found.splits.values())
    assert groups_apart(found) == 6


def check_common_voice(out, folder):
    found = ingested(out, folder, columns={"label": "gender"})
    labels = check_listed_splits(found, train=8, eval=2, test=2)
    assert labels == {"female_feminine": 6, "male_masculine": 6}
    rows = [row for recording in found.listing.recordings for row in recording.rows]
    assert len({row.group for row in rows}) == 12


def check_fsd50k(out, folder):
    found = ingested(out, folder)
    assert len({name for label in found.labels for name in label.split("\n")}) == 7
    assert found.splits == {"train": 6, "eval": 2, "test": 3}


def check_dcase_tau(out, folder):
    found = ingested(out, folder)
    labels = check_listed_splits(found, train=6, eval=3, test=3)
    assert labels == {"airport": 4, "bus": 4, "metro": 4}


def check_kaldi(out, folder):
    found = ingested(out, folder)
    assert found.labels == {"low": 6, "high": 6}
    assert groups_apart(found) == 3
    assert {clip.duration_s for clip in found.every} == {0.5}
    other = shutil.copytree(folder, out / "with a command")
    lines = (other / "wav.scp").read_text().splitlines()
    lines[-1] = f"rec5 touch {out}/ran; cat wav/rec5.wav |"
    (other / "wav.scp").write_text("\n".join(lines) + "\n")
    found = ingested(out / "again", other)
    assert found.reasons == {"rec5_a": "command", "rec5_b": "command"}
    assert sum(found.labels.values()) == 10
    assert not (out / "ran").exists()


def check_audacity(out, folder):
    found = ingested(out, folder)
    assert found.labels == {"owl": 3, "frog": 3}
    assert groups_apart(found) == 3


DATA_SETS = {
    "conflict/": check_conflict,
    "tables/*": check_tables,
    "parquet/": check_two_classes,
    "webdataset/": check_two_classes,
    "layouts/urbansound8k": check_urbansound8k,
    "layouts/speech_commands": check_speech_commands,
    "layouts/ravdess": check_ravdess,
    "layouts/common_voice": check_common_voice,
    "layouts/fsd50k": check_fsd50k,
    "layouts/dcase_tau": check_dcase_tau,
    "layouts/kaldi": check_kaldi,
    "layouts/audacity": check_audacity,
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_case_is_as_expected(name):
    CHECKS[name](name)


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_read_as_expected(name, tmp_path):
    DATA_SETS[name](tmp_path, Path(FOLDER, name.removesuffix("*")))


def test_every_entry_has_its_check():
    expected = json.loads(Path(FOLDER, "expected.json").read_text(encoding="utf-8"))
    assert sorted([*CHECKS, *DATA_SETS]) == sorted(expected)
