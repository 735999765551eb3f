"""What augmentation costs here, against what one would write by hand.

    python -m benchmarks.augment [--quick] [--runs N] [--memory]

16 kHz clips of 1 s and 5 s, the classic recipe, reading and writing TFRecords included. Every
contestant runs in a process of its own; CPU time and peak memory are summed over the process and
all that it starts, wall time includes every start and import. Each figure is shown with its
ratio to the bare loop's in the same run: on a machine with other work only ratios mean anything.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.process_cost import Cost, count_records, measure_script
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record

SAMPLE_RATE = 16000
COPIES = 2
FILES = 16
CONTESTANTS = ("bare loop", "Pool(2)", "tf.data", "in process", "2 processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: few clips")
    parser.add_argument("--runs", type=int, default=1, help="runs of each; the median counts")
    parser.add_argument("--only", default="", help="contestants, separated by commas")
    parser.add_argument("--memory", action="store_true", help="1,000 against 20,000 clips instead")
    parser.add_argument("--clips", type=int, help="only so many clips of 1 s")
    args = parser.parse_args()
    names = tuple(args.only.split(",")) if args.only else CONTESTANTS
    with tempfile.TemporaryDirectory(prefix="tfx_audio_bench_") as folder:
        if args.memory:
            compare_memory(Path(folder), (50, 200) if args.quick else (1000, 20000))
            return
        sizes = ((1, 60), (5, 20)) if args.quick else ((1, 1500), (1, 10000), (5, 2000))
        sizes = ((1, args.clips),) if args.clips else sizes
        for seconds, clips in sizes:
            compare(Path(folder), seconds, clips, names, args.runs)


def compare(folder: Path, seconds: int, clips: int, names: tuple[str, ...], runs: int) -> None:
    """Print the table of one clip length."""
    source = write_clips(folder / f"in_{seconds}s_{clips}", seconds, clips)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            costs[name].append(measure(name, source, folder / "out", clips, COPIES))
    print(f"\n{clips * COPIES:,} copies of {seconds} s at 16 kHz, classic recipe")
    print(f"{'':14}{'wall s':>9}{'ratio':>7}{'CPU s':>9}{'ratio':>7}{'peak MB':>9}")
    bare = _median(costs[names[0]])
    for name in names:
        cost = _median(costs[name])
        print(
            f"{name:14}{cost.wall_s:9.1f}{cost.wall_s / bare.wall_s:7.2f}"
            f"{cost.cpu_s:9.1f}{cost.cpu_s / bare.cpu_s:7.2f}{cost.rss_mb:9.0f}"
        )
    sys.stdout.flush()


def compare_memory(folder: Path, sizes: tuple[int, int]) -> None:
    """Print peak memory for few and for many clips of 1 s."""
    print(f"{'peak MB':14}{sizes[0]:>9,}{sizes[1]:>9,}{'ratio':>7}")
    sources = [write_clips(folder / f"in_{clips}", 1, clips) for clips in sizes]
    for name in ("in process", "2 processes"):
        few, many = (
            measure(name, source, folder / "out", clips, 1).rss_mb
            for source, clips in zip(sources, sizes, strict=True)
        )
        print(f"{name:14}{few:9.0f}{many:9.0f}{many / few:7.2f}")


def measure(name: str, source: Path, target: Path, clips: int, copies: int) -> Cost:
    """Run one contestant, and check that it wrote what it should."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    script = Path(__file__).with_name("contestants.py")
    cost = measure_script(script, name, source, target, copies)
    written = sum(count_records(path) for path in target.glob("out*"))
    if written != clips * copies:
        raise SystemExit(f"{name} wrote {written} copies instead of {clips * copies}")
    return cost


def write_clips(folder: Path, seconds: int, clips: int) -> Path:
    """Write tones in noise as examples, in `FILES` files, and return the folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    time_s = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    with contextlib.ExitStack() as stack:
        targets = [
            stack.enter_context((folder / f"clips-{i:02d}.tfrecord").open("wb"))
            for i in range(FILES)
        ]
        for index in range(clips):
            waveform = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 2000) * time_s)
            waveform += 0.02 * rng.standard_normal(len(time_s))
            clip = Clip(f"{index:05d}.wav", waveform.astype(np.float32), SAMPLE_RATE, label="tone")
            write_record(targets[index % FILES], clip_to_example(clip))
    return folder


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(c.wall_s for c in costs),
        statistics.median(c.cpu_s for c in costs),
        statistics.median(c.rss_mb for c in costs),
    )


if __name__ == "__main__":
    main()
