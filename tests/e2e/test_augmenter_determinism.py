"""The same records, whatever the runner, the number of workers, the order, a retry or a kill.

On real speech where ``TFX_AUDIO_FSDD`` names the folder of the Free Spoken Digit Dataset's
recordings (``TFX_AUDIO_FSDD_CLIPS`` of them, 150 by default; 3000 are all), else on synthesised
syllables.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_augmenter.job import AugmentationJob
from tfx_audio.components.audio_augmenter.run_job import run_job
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.pipeline.clips.augment_inputs import ingest_audio

pytestmark = pytest.mark.e2e
CLASSIC = load_policy("classic")  # two copies of each clip
FILES = 5
SAMPLE_RATE = 8000


def syllable(index):
    """A gliding, amplitude-modulated harmonic tone of 0.2 to 0.6 s: speech, roughly."""
    rng = np.random.default_rng(index)
    time_s = np.arange(int(rng.uniform(0.2, 0.6) * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * (rng.uniform(90, 250) * time_s + rng.uniform(-80, 80) * time_s**2)
    voice = sum(np.sin(n * phase) / n for n in range(1, 8))
    envelope = np.sin(np.pi * time_s / time_s[-1]) * (1 + 0.3 * np.sin(2 * np.pi * 6 * time_s))
    return (0.2 * voice * envelope).astype(np.float32)


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    if "TFX_AUDIO_FSDD" in os.environ:
        recordings = sorted(Path(os.environ["TFX_AUDIO_FSDD"]).glob("*.wav"))
        count = int(os.environ.get("TFX_AUDIO_FSDD_CLIPS", "150"))
        for path in recordings[:: max(1, len(recordings) // count)]:
            shutil.copyfile(path, folder / path.name)
    else:
        for index in range(60):
            wav = encode_wav(syllable(index), SAMPLE_RATE)
            (folder / f"{index % 10}_voice_{index}.wav").write_bytes(wav)
    return folder


@pytest.fixture(scope="module")
def examples(audio, tmp_path_factory):
    """The clips as examples, in several files."""
    ingested = tmp_path_factory.mktemp("ingested")
    source = IngestConfig(path=str(audio), label_from="{label}_{speaker}_{index}")
    patterns, rejections = ingest_audio(source, ingested)
    assert not rejections
    records = sorted(r for span in plan_spans(patterns["train"]) for r in read_span(span))
    folder = tmp_path_factory.mktemp("examples")
    write_files(folder / "train", records)
    write_files(folder / "test", records[::FILES])
    return folder


def write_files(folder, records):
    folder.mkdir(parents=True)
    for number in range(FILES):
        with (folder / f"clips-{number}").open("wb") as file:
            for record in records[number::FILES]:
                write_record(file, record)


def records_in(folder):
    return [r for span in plan_spans(f"{folder}/*") for r in read_span(span)]


def digest(folders):
    """Return one digest over the sorted digests of all records, by split."""
    total = hashlib.sha256()
    for split, folder in sorted(folders.items()):
        found = sorted(hashlib.sha256(record).hexdigest() for record in records_in(folder))
        total.update(f"{split} {len(found)} {' '.join(found)}\n".encode())
    return total.hexdigest()


def augment(examples, out, *beam_args):
    """Run the job on both splits; return the folders of all that it writes."""
    job = AugmentationJob(
        policy=CLASSIC,
        inputs={split: [f"{examples}/{split}/*"] for split in ("train", "test")},
        split_uri=lambda split: str(out / split),
        rejected_dir=str(out / "rejected"),
        progress_dir=str(out / ".progress"),
    )
    counts = run_job(
        job,
        lambda args: beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(args)),
        list(beam_args),
    )
    assert counts.augmented == 2 * counts.kept
    return {split: out / split for split in job.output_splits}


@pytest.fixture(scope="module")
def reference(examples, tmp_path_factory):
    return augment(examples, tmp_path_factory.mktemp("reference"), "--direct_num_workers=1")


@pytest.mark.parametrize(
    "beam_args",
    [
        ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
        ("--direct_running_mode=multi_threading", "--direct_num_workers=4"),
        ("--direct_num_workers=1", "--direct_runner_bundle_repeat=1"),
    ],
    ids=["processes", "threads", "retried bundles"],
)
def test_no_way_of_running_changes_a_record(examples, reference, tmp_path, beam_args):
    assert digest(augment(examples, tmp_path, *beam_args)) == digest(reference)


def test_no_order_of_the_input_changes_a_record(examples, reference, tmp_path):
    for split in ("train", "test"):
        records = sorted(records_in(examples / split), reverse=True)
        write_files(tmp_path / "backward" / split, records)
    augmented = augment(tmp_path / "backward", tmp_path / "out", "--direct_num_workers=1")
    assert digest(augmented) == digest(reference)


def test_a_worker_process_loads_neither_tfx_nor_tensorflow(examples, tmp_path):
    script = tmp_path / "job.py"
    script.write_text(WORKER_MODULES)
    out = tmp_path / "loaded"
    subprocess.run([sys.executable, str(script), f"{examples}/test/*", str(out)], check=True)
    lines = {line for path in tmp_path.glob("loaded*") for line in path.read_text().splitlines()}
    assert lines == {"True ['audiomentations']"}


# Says for each copy whether a process other than the driver's made it, and what that had loaded.
WORKER_MODULES = """
import os, sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio_augmenter.transforms import AugmentClips, ReadExamples

NAMES = {"tfx", "tensorflow", "keras", "ml_metadata", "audiomentations"}
driver = os.getpid()
arguments = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(arguments)) as pipeline:
    copies = (pipeline | ReadExamples(sys.argv[1]) | AugmentClips(load_policy("classic"))).examples
    loaded = copies | beam.Map(
        lambda _, driver, names: f"{os.getpid() != driver} {sorted(names & set(sys.modules))}",
        driver,
        NAMES,
    )
    loaded | beam.io.WriteToText(sys.argv[2])
"""


def test_another_seed_changes_every_drawn_parameter(examples, reference):
    other = Augmenter(CLASSIC.from_json(CLASSIC.to_json().replace('"seed":0', '"seed":1')))
    clip = example_to_clip(records_in(examples / "train")[0])
    copies = {clip_to_example(other.augment(clip, index)) for index in range(1, 6)}

    assert not copies & set(records_in(reference["train"]))


def test_fifty_copies_are_made_again_from_their_source_alone(examples, reference):
    originals = {
        clip.clip_id: clip for clip in map(example_to_clip, records_in(examples / "train"))
    }
    copies = [r for r in records_in(reference["train"]) if example_to_clip(r).copy_index]
    augmenter = Augmenter(CLASSIC)

    for record in random.Random(0).sample(copies, 50):
        copy = example_to_clip(record)
        again = augmenter.augment(originals[copy.source_clip_id], copy.copy_index)
        assert clip_to_example(again) == record


def test_a_killed_run_leaves_nothing_and_the_next_is_whole(audio, tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "tfx_audio.pipeline.cli", "augment", "--data", str(audio),
        "--label-from", "{label}_{speaker}_{index}", "--out", str(out), "--workers",
    ]  # fmt: skip

    killed = subprocess.Popen([*command, "2"], stderr=subprocess.DEVNULL)
    started = wait_for(lambda: [*tmp_path.glob(".out.unfinished/result/.progress/*")], killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    assert started
    assert not out.exists()
    subprocess.run([*command, "2"], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    subprocess.run([*command[:-2], str(tmp_path / "calm"), "--workers", "1"], check=True)
    again, calm = (
        {split.name: split for split in (tmp_path / name).glob("Split-*")}
        for name in ("out", "calm")
    )
    assert "Split-train" in calm
    assert digest(again) == digest(calm)


def wait_for(condition, process, limit_s=120):
    """Wait until the condition holds while the process runs; return whether it came to hold."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        if condition():
            return True
        time.sleep(0.05)
    return False
