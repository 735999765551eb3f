import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record

SAMPLE_RATE = 8000


def make_example(clip_id, label="a", seconds=0.1):
    seed = sum(map(ord, clip_id))
    rng = np.random.default_rng(seed)
    samples = int(seconds * SAMPLE_RATE)
    time_s = np.arange(samples) / SAMPLE_RATE
    waveform = 0.3 * np.sin(2 * np.pi * (200 + 7 * seed) * time_s)
    waveform += 0.05 * rng.standard_normal(samples)
    return clip_to_example(Clip(clip_id, waveform.astype(np.float32), SAMPLE_RATE, label=label))


def write_records(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for record in records:
            write_record(file, record)
    return path


@pytest.fixture(name="make_example")
def _make_example():
    return make_example


@pytest.fixture(name="write_records")
def _write_records():
    return write_records


@pytest.fixture
def splits(tmp_path):
    """A folder with Split-train (two labels), Split-eval and Split-test, all different."""
    write_records(
        tmp_path / "in/Split-train/data-00000",
        [make_example(f"train/{i}.wav", "ab"[i % 2]) for i in range(4)],
    )
    write_records(
        tmp_path / "in/Split-eval/data-00000", [make_example(f"eval/{i}.wav") for i in range(3)]
    )
    write_records(
        tmp_path / "in/Split-test/data-00000", [make_example(f"test/{i}.wav") for i in range(2)]
    )
    return tmp_path / "in"
