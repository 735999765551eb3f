"""Real pipelines on the layouts that people have: ingest, statistics, schema, validation."""

from __future__ import annotations

import glob
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow_data_validation as tfdv
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import example_to_clip, serialize_features
from tfx_audio.components.audio.records.tfrecord import read_records, write_record
from tfx_audio.components.audio_example_gen.component import AudioExampleGen
from tfx_audio.components.audio_example_gen.config import (
    IngestConfig,
    SplitConfig,
    statistics_features,
)
from tfx_audio.components.audio_example_gen.listing.inventory import scan
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies
from tfx_audio.components.audio_schema_gen.component import AudioSchemaGen

pytestmark = pytest.mark.e2e

TONES_HZ = {"low hum": 220, "mïddle": 880, "high": 3000}
CLIPS = 30
SECONDS = 0.25


def tone(frequency_hz: float, seed: int, rate: int = 16000) -> np.ndarray:
    rng = np.random.default_rng([seed, int(frequency_hz)])
    time_s = np.arange(int(SECONDS * rate)) / rate
    noise = 0.01 * rng.standard_normal(len(time_s))
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time_s) + noise).astype(np.float32)


def write(path: Path, waveform: np.ndarray, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform, rate)


def class_folders(root: Path) -> tuple[IngestConfig, SplitConfig]:
    for label, frequency in TONES_HZ.items():
        for i in range(CLIPS):
            write(root / label / f"take {i}.ogg", tone(frequency, i))
        (root / label / "notes.txt").write_text("about these takes")
    return IngestConfig(path=str(root)), SplitConfig()


def esc50(root: Path) -> tuple[IngestConfig, SplitConfig]:
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for target, (label, frequency) in enumerate(TONES_HZ.items()):
        for i in range(CLIPS):
            name = f"{i % 5 + 1}-{i}-A-{target}.wav"
            write(root / "audio" / name, tone(frequency, i, 44100), 44100)
            lines.append(f"{name},{i % 5 + 1},{target},{label},False,{i},A")
    (root / "meta").mkdir()
    (root / "meta" / "esc50.csv").write_text("\n".join(lines) + "\n")
    select = {"test": "group in 5", "eval": "group in 4"}
    return IngestConfig(path=str(root), sample_rate=16000), SplitConfig(select=select)


def audio_folder(root: Path) -> tuple[IngestConfig, SplitConfig]:
    for split, first, last in (("train", 0, 20), ("validation", 20, 25), ("test", 25, CLIPS)):
        lines = ["file_name,label,speaker"]
        for label, frequency in TONES_HZ.items():
            for i in range(first, last):
                write(root / split / f"{label} {i}.flac", tone(frequency, i))
                lines.append(f"{label} {i}.flac,{label},s{i % 4}")
        (root / split / "metadata.csv").write_text("\n".join(lines) + "\n")
    return IngestConfig(path=str(root), fields=("speaker",)), SplitConfig()


def nemo(root: Path) -> tuple[IngestConfig, SplitConfig]:
    lines = []
    for label, frequency in TONES_HZ.items():
        for i in range(0, CLIPS, 2):
            path = root / "wavs" / f"{label}_{i}.wav"
            write(path, np.concatenate([tone(frequency, i), tone(frequency, i + 1)]))
            for half in (0, 1):
                name = str(path) if half else f"wavs/{label}_{i}.wav"
                lines.append({
                    "audio_filepath": name, "offset": half * SECONDS, "duration": SECONDS,
                    "command": label,
                })  # fmt: skip
    (root / "manifest.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return IngestConfig(path=str(root), manifest="manifest.json"), SplitConfig()


def float_records(root: Path) -> tuple[IngestConfig, SplitConfig]:
    root.mkdir(parents=True)
    with open(root / "clips.tfrecord-00000-of-00001", "wb") as file:
        for label, frequency in TONES_HZ.items():
            for i in range(CLIPS):
                samples = tone(frequency, i, 8000).tolist()
                values = {"wave": samples, "class": label, "hz": 8000, "who": f"s{i % 6}"}
                write_record(file, serialize_features(values))
    columns = {"audio": "wave", "sample_rate": "hz", "group": "who"}
    config = IngestConfig(path=str(root), records="*.tfrecord*", columns=columns)
    select = {"test": "group in s1", "eval": "group in s2"}
    return config, SplitConfig(by="group", select=select)


LAYOUTS = {
    make.__name__: make for make in (class_folders, esc50, audio_folder, nemo, float_records)
}


def run_pipeline(root: Path, data: IngestConfig, split: SplitConfig) -> None:
    """Run the first four components."""
    resolved = scan(data, split).config
    ingest = AudioExampleGen(data.path, split, **data.model_dump(exclude={"path"}))
    options = tfdv.StatsOptions(feature_allowlist=statistics_features(resolved))
    statistics = StatisticsGen(examples=ingest.outputs["examples"], stats_options=options)
    schema = AudioSchemaGen(statistics=statistics.outputs["statistics"])
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    root.mkdir(exist_ok=True)
    LocalDagRunner().run(
        pipeline.Pipeline(
            pipeline_name="ingest",
            pipeline_root=str(root),
            components=[ingest, statistics, schema, validator],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(root / "metadata.sqlite")
            ),
            enable_cache=True,
        )
    )


def read_splits(root: Path) -> dict[str, list[Clip]]:
    """Read what AudioExampleGen wrote, by split."""
    splits: dict[str, list[Clip]] = {}
    for path in sorted(root.glob("AudioExampleGen/examples/*/Split-*/*")):
        with path.open("rb") as file:
            clips = [example_to_clip(record) for record in read_records(file)]
        splits.setdefault(path.parent.name.removeprefix("Split-"), []).extend(clips)
    return splits


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_becomes_valid_examples_with_its_labels(layout: str, tmp_path: Path) -> None:
    data, split = LAYOUTS[layout](tmp_path / "some data")
    run_pipeline(tmp_path / "run", data, split)
    splits = read_splits(tmp_path / "run")
    assert set(splits) == {"train", "eval", "test"}
    clips = [clip for found in splits.values() for clip in found]
    assert Counter(clip.label for clip in clips) == dict.fromkeys(TONES_HZ, CLIPS)
    assert len({clip.clip_id for clip in clips}) == len(clips)
    for clip in clips:
        spectrum = np.abs(np.fft.rfft(clip.waveform))
        strongest_hz = np.argmax(spectrum) / clip.duration_s
        assert strongest_hz == pytest.approx(TONES_HZ[clip.label], abs=8)
        assert clip.duration_s == pytest.approx(SECONDS, abs=0.01)
    (found,) = glob.glob(str(tmp_path / "run" / "ExampleValidator" / "anomalies" / "*"))
    assert read_anomalies(found) == []
    if layout == "esc50":
        assert {clip.group for clip in splits["test"]} == {"5"}
    if layout == "float_records":
        assert {clip.group for clip in splits["test"]} == {"s1"}
        assert "s1" not in {clip.group for clip in splits["train"]}
    if layout == "audio_folder":
        assert [len(splits[name]) for name in ("train", "eval", "test")] == [60, 15, 15]
        assert set(clips[0].fields) == {"speaker"}


def test_the_same_data_is_cached_and_an_edit_of_the_same_size_and_time_is_not(
    tmp_path: Path,
) -> None:
    data, split = class_folders(tmp_path / "data")
    run_pipeline(tmp_path / "run", data, split)
    run_pipeline(tmp_path / "run", data, split)
    assert len(glob.glob(str(tmp_path / "run" / "AudioExampleGen" / "examples" / "*"))) == 1
    path = tmp_path / "data" / "high" / "take 3.ogg"
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(Exception, match="rejected"):
        run_pipeline(tmp_path / "run", data, split)
