"""The data sets that people have most, as they are unpacked, by one command and one flag at most.

The folders are those that the data sets are published in, with all that lies beside the audio; the
audio is made here. Two data sets go through to a pushed model, the others as far as the graph of
`tfx-audio run` ingests and validates them.
"""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tfx.orchestration import pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies
from tfx_audio.pipeline.cli import build_parser
from tfx_audio.pipeline.commands.run import config_of
from tfx_audio.pipeline.definition import create_pipeline
from tfx_audio.pipeline.run_inputs import read_inputs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

QUICK = ("train.steps=4", "train.batch_size=8", "model.window_s=0.25", "evaluate.min_accuracy=0")
QUICK += ("evaluate.min_noisy_accuracy=0", "max_rejected_fraction=0")
_made = iter(range(1_000_000))


def sound(path, hz, rate=16000, seconds=0.3):
    """Write a tone in noise of its own, so that no two files are alike."""
    time_s = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(next(_made)).normal(0, 0.02, len(time_s))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hz * time_s) + noise, rate)


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def table(path, header, rows, delimiter=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header.split(), *rows])


def urbansound8k(root):
    """Ten folds; three of the ten classes, with the numbers that they have."""
    rows = []
    for fold in range(1, 11):
        for number, name in ((3, "dog_bark"), (4, "drilling"), (8, "siren")):
            for take in range(2):
                file = f"{1000 * fold + number}-{number}-0-{take}.wav"
                sound(root / f"audio/fold{fold}/{file}", 400 * number, seconds=0.26)
                times = (f"{7.5 * take + 60}", f"{7.5 * take + 64}")
                rows.append((file, 1000 * fold + number, *times, 1 + take, fold, number, name))
    header = "slice_file_name fsID start end salience fold classID class"
    table(root / "metadata/UrbanSound8K.csv", header, rows)
    text(root / "UrbanSound8K_README.txt", "UrbanSound8K")
    text(root / "FREESOUNDCREDITS.txt", "credits")
    text(root / "audio/.DS_Store", "Finder")


def esc_50(root):
    rows = []
    for fold in range(1, 6):
        for target, name in ((0, "dog"), (14, "chirping_birds"), (40, "helicopter")):
            for take in "AB":
                file = f"{fold}-{100 * fold + target}-{take}-{target}.wav"
                sound(root / "audio" / file, 500 + 60 * target, 44100)
                rows.append((file, fold, target, name, name != "chirping_birds", target, take))
    table(root / "meta/esc50.csv", "filename fold target category esc10 src_file take", rows)
    for name in ("LICENSE", "README.md", "requirements.txt", "tests/test_dataset.py"):
        text(root / name, "text")
    (root / "esc50.gif").write_bytes(b"GIF89a" + bytes(100))
    (root / "meta/esc50-human.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))


def speech_commands(root):
    lists = {"validation": [], "testing": [], "": []}
    for word, hz in (("backward", 300), ("bed", 900), ("bird", 2400)):
        for speaker in range(10):
            for take in range(2):
                name = f"{word}/{speaker:04x}beef_nohash_{take}.wav"
                sound(root / name, hz)
                lists[{0: "validation", 1: "testing"}.get(speaker, "")].append(name)
    for name in ("validation", "testing"):
        text(root / f"{name}_list.txt", *lists[name])
    for name in ("pink_noise", "running_tap"):
        sound(root / f"_background_noise_/{name}.wav", 100, seconds=2)
    for name in ("README.md", "LICENSE", "_background_noise_/README.md", ".DS_Store"):
        text(root / name, "text")


def common_voice(root):
    """A language of release 17, with the tables that divide nothing and their clips."""
    header = (
        "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents"
        " variant locale segment"
    )
    folder = root / "de"
    for split, speakers in (
        ("train", 6),
        ("dev", 3),
        ("test", 3),
        ("other", 2),
        ("invalidated", 1),
    ):
        rows = []
        for speaker in range(speakers):
            gender = ("female_feminine", "male_masculine", "")[speaker % 3]
            file = f"common_voice_de_{split}{speaker}.mp3"
            hz = {"f": 900, "m": 300}.get(gender[:1], 1500)
            sound(folder / "clips" / file, hz, 32000, 0.5)
            rows.append(
                [f"{split}-{speaker}", file, "1", 'Er sagte „so" und', "", 2, 0, "", gender]
            )
            rows[-1] += ["", "", "de", ""]
        lines = ["\t".join(map(str, row)) for row in rows]
        text(folder / f"{split}.tsv", header.replace(" ", "\t"), *lines)
    text(folder / "clip_durations.tsv", "clip\tduration[ms]", "common_voice_de_dev0.mp3\t500")
    text(folder / "validated_sentences.tsv", "sentence_id\tsentence", "1\tEr sagte")
    text(folder / "reported.tsv", "sentence_id\tsentence\tlocale\treason", "1\tEr\tde\tgrammar")


def gtzan(root):
    """As Kaggle has it, its table of features and its pictures beside the audio."""
    rows = []
    for genre, hz in (("blues", 200), ("classical", 800), ("metal", 3000)):
        for index in range(12):
            file = f"{genre}.{index:05}.wav"
            sound(root / f"Data/genres_original/{genre}/{file}", hz, 22050, 0.5)
            rows.append((file, 661794, 0.35, genre))
            picture = root / f"Data/images_original/{genre}/{genre}{index:05}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("features_30_sec.csv", "features_3_sec.csv"):
        table(root / "Data" / name, "filename length chroma_stft_mean label", rows)


def ravdess(root):
    for actor in range(1, 9):
        for emotion in (1, 3, 5):
            for statement in (1, 2):
                name = f"03-01-{emotion:02}-01-{statement:02}-01-{actor:02}.wav"
                sound(root / f"Actor_{actor:02}/{name}", 400 * emotion, 48000)


def fsd50k(root):
    truth, kinds = root / "FSD50K.ground_truth", ("Bark,Dog,Animal", "Meow,Cat,Animal", "Siren")
    ids = iter(range(10_000, 20_000))
    dev, evaluation = [], []
    for split, count, rows in (("train", 12, dev), ("val", 3, dev), ("", 6, evaluation)):
        for index in range(count):
            name, labels = str(next(ids)), kinds[index % 3]
            folder = "dev" if split else "eval"
            sound(root / f"FSD50K.{folder}_audio/{name}.wav", 500 + 900 * (index % 3), 44100)
            rows.append([name, labels, "/m/1", *([split] if split else [])])
    table(truth / "dev.csv", "fname labels mids split", dev)
    table(truth / "eval.csv", "fname labels mids", evaluation)
    text(truth / "vocabulary.csv", "0,Animal,/m/0jbk", "1,Bark,/m/05tny_")
    text(root / "FSD50K.metadata/class_info_FSD50K.json", "{}")
    text(
        root / "FSD50K.metadata/collection/collection_dev.csv", "fname,labels,mids", "10000,Bark,/m"
    )
    for name in ("README.md", "LICENSE-DATASET"):
        text(root / "FSD50K.doc" / name, "text")


def tfx_audio(*args):
    """Run the command in a process of its own, and return what it printed."""
    command = [str(Path(sys.executable).parent / "tfx-audio"), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def read_splits(folder):
    """Return clips by split of the examples under a folder."""
    splits = {}
    for path in sorted(folder.rglob("Split-*/*")):
        with path.open("rb") as file:
            clips = [example_to_clip(record) for record in read_records(file)]
        splits.setdefault(path.parent.name.removeprefix("Split-"), []).extend(clips)
    return splits


def ingest(tmp_path, *flags):
    """Run the first components of the graph that ``tfx-audio run`` makes; return clips by split."""
    words = ["run", "--data", str(tmp_path / "data"), "--root", str(tmp_path / "run"), *flags]
    config = config_of(build_parser(["run"]).parse_args([*words, "--set=max_rejected_fraction=0"]))
    inputs = read_inputs(config)
    until = pipeline.RunOptions(to_nodes=["ExampleValidator"])
    LocalDagRunner().run(create_pipeline(config, inputs), until)
    (found,) = (tmp_path / "run/artifacts/ExampleValidator/anomalies").iterdir()
    assert read_anomalies(str(found)) == []
    return read_splits(tmp_path / "run/artifacts/AudioExampleGen/examples"), inputs


def counts(splits):
    return {name: len(clips) for name, clips in splits.items()}


def labels(splits):
    return Counter(clip.label for clips in splits.values() for clip in clips)


def test_urbansound8k_to_a_pushed_model(tmp_path):
    urbansound8k(tmp_path / "UrbanSound8K")
    sets = [f"--set={assignment}" for assignment in QUICK]
    said = tfx_audio("run", "--data", tmp_path / "UrbanSound8K", "--root", tmp_path / "run", *sets)
    assert "the layout of UrbanSound8K" in said
    assert "fold 10 is test and fold 1 is eval" in said
    splits = read_splits(tmp_path / "run/artifacts/AudioExampleGen/examples")
    assert labels(splits) == {"dog_bark": 20, "drilling": 20, "siren": 20}
    folds = {name: {clip.fields["fold"] for clip in clips} for name, clips in splits.items()}
    assert folds == {"test": {"10"}, "eval": {"1"}, "train": set("23456789")}
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["labels"] == ["dog_bark", "drilling", "siren"]
    assert summary["rejected"] == {}
    assert summary["pushed_uri"]


def test_speech_commands_to_a_pushed_model(tmp_path):
    speech_commands(tmp_path / "speech_commands_v0.02")
    data, sets = tmp_path / "speech_commands_v0.02", [f"--set={one}" for one in QUICK]
    said = tfx_audio("run", "--data", data, "--root", tmp_path / "run", *sets)
    assert f"--sound-bank background={data}/_background_noise_" in said
    splits = read_splits(tmp_path / "run/artifacts/AudioExampleGen/examples")
    assert counts(splits) == {"eval": 6, "test": 6, "train": 48}
    assert {clip.group for clip in splits["test"]} == {"0001beef"}
    assert {clip.group for clip in splits["eval"]} == {"0000beef"}
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["labels"] == ["backward", "bed", "bird"]
    assert summary["evaluation"]["split"] == "test"


def test_esc_50(tmp_path):
    esc_50(tmp_path / "data")
    splits, inputs = ingest(tmp_path)
    assert inputs.labels == ("chirping_birds", "dog", "helicopter")
    assert {name: {c.group for c in clips} for name, clips in splits.items()} == {
        "train": set("234"), "eval": {"1"}, "test": {"5"},
    }  # fmt: skip


def test_esc_10_by_one_flag(tmp_path):
    esc_50(tmp_path / "data")
    splits, inputs = ingest(tmp_path, "--layout", "esc-10")
    assert inputs.labels == ("dog", "helicopter")
    assert labels(splits) == {"dog": 10, "helicopter": 10}


def test_common_voice_by_one_flag(tmp_path):
    common_voice(tmp_path / "data")
    splits, inputs = ingest(tmp_path, "--set=data.columns.label=gender")
    assert counts(splits) == {"train": 4, "eval": 2, "test": 2}
    assert labels(splits) == {"female_feminine": 4, "male_masculine": 4}
    assert {clip.group for clip in splits["test"]} == {"test-0", "test-1"}
    assert inputs.ignored["without a label"] == 4
    assert {clip.duration_s for clips in splits.values() for clip in clips} == {0.5}


def test_gtzan(tmp_path):
    gtzan(tmp_path / "data")
    splits, inputs = ingest(tmp_path)
    assert inputs.notes[0].startswith("the layout of GTZAN")
    assert labels(splits) == {"blues": 12, "classical": 12, "metal": 12}
    assert set(splits) == {"train", "eval", "test"}


def test_ravdess(tmp_path):
    ravdess(tmp_path / "data")
    splits, _ = ingest(tmp_path)
    assert labels(splits) == {"neutral": 16, "happy": 16, "angry": 16}
    actors = [{clip.group for clip in clips} for clips in splits.values()]
    assert len(actors) == 3
    assert sum(map(len, actors)) == len(set().union(*actors)) == 8


def test_fsd50k_keeps_several_labels_and_its_splits(tmp_path):
    fsd50k(tmp_path / "FSD50K")
    (tmp_path / "policy.yaml").write_text("{copies_per_clip: 1, transforms: [{name: Gain}]}")
    out, policy = tmp_path / "out", tmp_path / "policy.yaml"
    tfx_audio("augment", "--data", tmp_path / "FSD50K", "--out", out, "--policy", policy)
    splits = read_splits(out)
    assert {name: len(splits[name]) for name in ("train", "eval", "test_clean")} == {
        "train": 24, "eval": 3, "test_clean": 6,
    }  # fmt: skip
    assert labels(splits).keys() == {"Animal\nBark\nDog", "Animal\nCat\nMeow", "Siren"}
