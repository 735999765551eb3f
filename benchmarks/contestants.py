"""The ways to augment a folder of TFRecords that `benchmarks/augment.py` compares.

Each runs in a process of its own:

    python benchmarks/contestants.py NAME IN_DIR OUT_DIR COPIES

All read the same examples, apply the classic recipe `COPIES` times to each, encode with the same
function and write TFRecords, without the originals. The first three know nothing of this
project's policies, seeds, checks and records: they are what one would write by hand.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterator

import numpy as np

from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records, write_record

PROCESSES = 2


def classic_recipe() -> Callable[..., np.ndarray]:
    """Return audiomentations' own composition with the parameters of the preset `classic`."""
    from audiomentations import AddGaussianNoise, Compose, PitchShift, Shift

    return Compose(
        [
            PitchShift(min_semitones=-4, max_semitones=4, p=0.5),
            Shift(min_shift=-0.5, max_shift=0.5, p=0.5),
            AddGaussianNoise(min_amplitude=0.001, max_amplitude=0.015, p=0.5),
        ]
    )


def augmented_copies(
    example: bytes, recipe: Callable[..., np.ndarray], copies: int
) -> Iterator[bytes]:
    """Parse an example once and yield its copies."""
    clip = example_to_clip(example)
    for index in range(1, copies + 1):
        waveform = recipe(clip.waveform, sample_rate=clip.sample_rate)
        yield clip_to_example(
            clip.replace(
                clip_id=f"{clip.clip_id}~{index}",
                waveform=waveform,
                source_clip_id=clip.clip_id,
                copy_index=index,
            )
        )


def augment_files(paths: list[str], out: str, copies: int) -> None:
    """Augment some files into one."""
    recipe = classic_recipe()
    with open(out, "wb") as target:
        for path in paths:
            with open(path, "rb") as source:
                for example in read_records(source):
                    for copy in augmented_copies(example, recipe, copies):
                        write_record(target, copy)


def bare_loop(in_dir: str, out_dir: str, copies: int) -> None:
    """A for loop."""
    augment_files(_files(in_dir), os.path.join(out_dir, "out.tfrecord"), copies)


def pool(in_dir: str, out_dir: str, copies: int) -> None:
    """multiprocessing.Pool: each task reads a file and writes a file, nothing is sent about."""
    import multiprocessing

    classic_recipe()  # imported before the fork, so that the workers have it for nothing
    tasks = [
        ([path], os.path.join(out_dir, f"out-{index}.tfrecord"), copies)
        for index, path in enumerate(_files(in_dir))
    ]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as workers:
        workers.starmap(augment_files, tasks, chunksize=1)


def tf_data(in_dir: str, out_dir: str, copies: int) -> None:
    """tf.data with a numpy_function, as many calls at once as tf.data thinks fit."""
    import tensorflow as tf

    recipe = classic_recipe()

    def augment(example: bytes) -> np.ndarray:
        return np.array(list(augmented_copies(example, recipe, copies)), dtype=object)

    dataset = tf.data.TFRecordDataset(_files(in_dir)).map(
        lambda example: tf.numpy_function(augment, [example], tf.string),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    with tf.io.TFRecordWriter(os.path.join(out_dir, "out.tfrecord")) as writer:
        for batch in dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            for copy in batch:
                writer.write(copy)


def in_process(in_dir: str, out_dir: str, copies: int) -> None:
    """This project's PTransform on Beam's local runner, in one process."""
    _beam(in_dir, out_dir, copies, [])


def two_processes(in_dir: str, out_dir: str, copies: int) -> None:
    """This project's PTransform on Beam's local runner, with two worker processes."""
    workers = ["--direct_running_mode=multi_processing", f"--direct_num_workers={PROCESSES}"]
    _beam(in_dir, out_dir, copies, workers)


def _beam(in_dir: str, out_dir: str, copies: int, args: list[str]) -> None:
    import dataclasses

    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from tfx_audio.components.audio.policy.augmentation_policy import load_policy
    from tfx_audio.components.audio_augmenter.transforms import AugmentClips, ReadExamples

    policy = load_policy("classic")
    policy = dataclasses.replace(policy, copies_per_clip=copies, keep_originals=False)
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(args)) as pipeline:
        outputs = pipeline | ReadExamples(os.path.join(in_dir, "*")) | AugmentClips(policy)
        _ = outputs.examples | beam.io.WriteToTFRecord(os.path.join(out_dir, "out"))
        _ = outputs.rejected | beam.io.WriteToText(os.path.join(out_dir, "rejected"))


CONTESTANTS = {
    "bare loop": bare_loop,
    "Pool(2)": pool,
    "tf.data": tf_data,
    "in process": in_process,
    "2 processes": two_processes,
}


def _files(in_dir: str) -> list[str]:
    return sorted(glob.glob(os.path.join(in_dir, "*")))


if __name__ == "__main__":
    name, source_dir, target_dir, n_copies = sys.argv[1:]
    CONTESTANTS[name](source_dir, target_dir, int(n_copies))
