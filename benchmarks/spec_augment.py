"""SpecAugment against kapre's layer: eager, in a graph, compiled; and against a training step.

    python -m benchmarks.spec_augment [--quick]

Both layers take the same normalised spectrograms and mask parameters of the same size (F = 27, T =
40, two masks each). Every figure is CPU time of one call on one thread; the two layers take turns,
and the median over the turns counts, so that other work on the machine meets both alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kapre.augmentation
import numpy as np
import tensorflow as tf

from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig, merge
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.spec_augment import SpecAugment
from tfx_audio.pipeline.model.training import compile_for_training

SHAPES = ((64, 100, 64, 1), (64, 500, 128, 1))
PARAMS = {"freq_mask_param": 27, "time_mask_param": 40, "n_freq_masks": 2, "n_time_masks": 2}
REPEATS = 10
STEP_CLIPS, STEP_WINDOW, SAMPLE_RATE = TrainConfig().batch_size, 16_000, 16_000


def main() -> None:
    """Print a table of milliseconds and ratios."""
    parser = argparse.ArgumentParser(description="SpecAugment against kapre's")
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    turns = 5 if parser.parse_args().quick else 15
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(f"{'shape':>18} {'mode':>6} {'kapre ms':>9} {'ours ms':>8} {'ratio':>6}")
    for shape in SHAPES:
        log_mel = tf.random.stateless_normal(shape, seed=(0, 0))
        for mode in ("eager", "graph", "jit"):
            ours = _mode(SpecAugment(**PARAMS, seed=1), mode)
            theirs = _mode(kapre.augmentation.SpecAugment(**PARAMS), mode)
            kapre_ms, ours_ms = race([theirs, ours], log_mel, turns)
            ratio = f"{kapre_ms / ours_ms:6.1f}" if kapre_ms else "     –"
            shown = f"{kapre_ms:9.2f}" if kapre_ms else "    fails"
            print(f"{'x'.join(map(str, shape[:3])):>18} {mode:>6} {shown} {ours_ms:8.2f} {ratio}")
    _print_share(turns)


def _mode(layer: Any, mode: str) -> Callable[[Any], Any]:
    def call(log_mel: Any) -> Any:
        return layer(log_mel, training=True)

    return call if mode == "eager" else tf.function(call, jit_compile=mode == "jit")


def race(calls: list[Callable[[Any], Any]], argument: Any, turns: int) -> list[float]:
    """Return the median CPU milliseconds of each call, 0 for one that fails."""
    times: list[list[float]] = [[] for _ in calls]
    failed = set()
    for turn in range(turns + 1):
        for number, call in enumerate(calls):
            if number in failed:
                continue
            started = time.process_time()
            try:
                np.asarray(call(argument))
            except tf.errors.OpError:
                failed.add(number)
                continue
            if turn:  # the first one traces and compiles
                times[number].append(1000 * (time.process_time() - started))
    return [statistics.median(each) if each else 0.0 for each in times]


def _print_share(turns: int) -> None:
    """Print SpecAugment's share of a training step of the default network."""
    model = build_classifier(ModelConfig(), SAMPLE_RATE, STEP_WINDOW, 10, seed=1)
    compile_for_training(model, merge(TrainConfig(), {}), steps=1000)
    log_mel = tf.zeros((STEP_CLIPS, *model.get_layer("spec_augment").output.shape[1:]))
    layer = model.get_layer("spec_augment")

    @tf.function  # several in one graph, as in a step: the call itself is no part of it
    def masks(batch: Any) -> Any:
        for _ in range(REPEATS):
            batch = layer(batch, training=True)
        return batch

    windows = np.random.default_rng(0).normal(size=(STEP_CLIPS, STEP_WINDOW)).astype("float32")
    one_hot = np.eye(10, dtype="float32")[np.arange(STEP_CLIPS) % 10]

    def step(_: Any) -> Any:
        return model.train_on_batch(windows, one_hot)

    step_ms, masks_ms = race([step, masks], log_mel, turns)
    masks_ms /= REPEATS
    print(
        f"training step of {STEP_CLIPS} clips of 1 s at 16 kHz: {step_ms:.1f} ms, SpecAugment "
        f"{masks_ms:.2f} ms: {100 * masks_ms / step_ms:.2f}%"
    )


if __name__ == "__main__":
    main()
