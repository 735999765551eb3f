"""Does the device wait for its input? And what reading, decoding and fresh copies cost.

    python -m benchmarks.training_input [--quick]

Clips of 1 s at 16 kHz, the default network and size of batch.

- A training step with the real input pipeline (decoded clips cached, shuffled, placed, batched,
  prefetched), from the second epoch on, against the same step fed from memory. They take
  turns epoch by epoch, so that other work on the machine meets both alike; medians of wall time.
- Examples per second through parse + decode + transform on one core, before the cache.
- The same with a policy on the fly: fresh copies by the preset `classic`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.examples import AUDIO_KEY, SAMPLE_RATE_KEY, clip_to_example
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.inputs import (
    Batching,
    cached,
    decoded_clips,
    fresh_clips,
    read_examples,
    training_batches,
)
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.preprocessing import (
    LABEL_ID_KEY,
    WAVEFORM_KEY,
    decode,
    normalise_level,
)
from tfx_audio.pipeline.model.training import compile_for_training

SAMPLE_RATE = 16_000
BATCHING = Batching(TrainConfig().batch_size, window=SAMPLE_RATE, num_labels=10, seed=1)
STEPS = 16


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="the training's input")
    parser.add_argument("--quick", action="store_true", help="fewer epochs and clips")
    quick = parser.parse_args().quick
    clips, epochs = (512, 4) if quick else (2048, 12)
    with tempfile.TemporaryDirectory() as folder:
        records = write_clips(Path(folder) / "clips", clips)
        fed, piped = step_times(records, epochs)
        print(f"step fed from memory      {fed:8.1f} ms")
        print(f"step with the real input  {piped:8.1f} ms   {100 * (piped / fed - 1):+.1f}%")
        examples = read_examples([records])
        plain = per_core(decoded_clips(examples, transform), clips)
        print(f"parse + decode + transform{plain:8.0f} examples per CPU second")
        policy = load_policy("classic")
        fresh = fresh_clips(examples.take(256), transform, policy, seed=1)(0)
        rate = per_core(fresh.take(256), 256)
        print(f"with fresh copies         {rate:8.0f} examples per CPU second")
        print(f"a fresh copy costs        {1000 / rate - 1000 / plain:8.2f} ms of CPU time")


def write_clips(path: Path, clips: int) -> str:
    """Write clips of noise, 1 s each."""
    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(clips):
            waveform = rng.normal(0, 0.1, SAMPLE_RATE).astype("float32")
            writer.write(
                clip_to_example(Clip(f"{number}", waveform, SAMPLE_RATE, str(number % 10)))
            )
    return str(path)


def transform(features: dict[str, Any]) -> dict[str, Any]:
    """Do what the transform graph does, with digits for labels."""
    waveforms = decode(features[AUDIO_KEY], features[SAMPLE_RATE_KEY])
    label_ids = tf.strings.to_number(features["label"], tf.int64)
    return {WAVEFORM_KEY: normalise_level(waveforms), LABEL_ID_KEY: label_ids}


def step_times(records: str, epochs: int) -> tuple[float, float]:
    """Return median milliseconds of a step: fed from memory, and with the real input."""
    model = build_classifier(ModelConfig(), SAMPLE_RATE, BATCHING.window, BATCHING.num_labels)
    compile_for_training(model, TrainConfig(), epochs * STEPS)
    clips = cached(decoded_clips(read_examples([records]), transform), "memory")
    for _ in clips:  # the first epoch fills the cache
        pass
    real = iter(training_batches(clips, BATCHING, 0, epochs + 1, STEPS))
    memory = [next(real) for _ in range(STEPS)]
    fed, piped = [], []
    for _ in range(epochs):
        fed += timed(model, iter(memory))
        piped += timed(model, real)
    skip = STEPS  # the first turns trace and warm up
    return statistics.median(fed[skip:]), statistics.median(piped[skip:])


def timed(model: Any, batches: Iterator[Any]) -> list[float]:
    """Return wall milliseconds of each of `STEPS` steps, waiting for the batch included."""
    times = []
    for _ in range(STEPS):
        started = time.perf_counter()
        windows, one_hot = next(batches)
        model.train_on_batch(windows, one_hot)
        times.append(1000 * (time.perf_counter() - started))
    return times


def per_core(clips: tf.data.Dataset, number: int) -> float:
    """Return elements per second of CPU time, tracing apart."""
    for _ in clips.take(64):
        pass
    started = time.process_time()
    for _ in clips.take(number):
        pass
    return number / (time.process_time() - started)


if __name__ == "__main__":
    main()
