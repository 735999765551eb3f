"""What ingestion costs here, against a bare loop that does the same work.

    python -m benchmarks ingest [--quick] [--clips=N] [--runs=N]

Clips of 1 s in ten class folders: WAV at the target rate, and FLAC at 44.1 kHz that is resampled to
16 kHz. Every contestant runs in a process of its own; CPU time and peak memory are summed over it
and all that it starts. What starting costs (imports, above all) is measured with a few clips and
shown apart: "work" is CPU time without it. Only ratios of one run mean anything on a busy machine.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.process_cost import Cost, count_records, measure_script

CONTESTANTS = ("bare loop", "1 worker", "2 workers")
FORMATS = {"WAV": (16000, 1.5), "FLAC": (44100, 1.15)}
LABELS = 10
STARTING_CLIPS = 20
MEMORY_RATIO = 1.2


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: few clips")
    parser.add_argument("--clips", type=int, default=0, help="clips; 10,000 without it")
    parser.add_argument("--runs", type=int, default=1, help="runs of each; the median counts")
    args = parser.parse_args()
    many = args.clips or (200 if args.quick else 10000)
    with tempfile.TemporaryDirectory(prefix="tfx_audio_bench_") as name:
        folder = Path(name)
        for kind, (rate, target) in FORMATS.items():
            few = write_clips(folder / f"{kind}_few", kind, rate, STARTING_CLIPS)
            source = write_clips(folder / f"{kind}_many", kind, rate, many)
            compare(kind, many, few, source, folder / "out", target, args.runs)
        tenth = write_clips(folder / "WAV_tenth", "WAV", FORMATS["WAV"][0], max(1, many // 10))
        compare_memory(tenth, folder / "WAV_many", folder / "out", many)


def compare(
    kind: str, clips: int, few: Path, source: Path, out: Path, target: float, runs: int
) -> None:
    """Print what each contestant takes for one format."""
    rate = FORMATS[kind][0]
    print(f"\n{clips:,} clips of 1 s, {kind} at {rate} Hz to 16000 Hz")
    print(f"{'':12}{'wall s':>9}{'CPU s':>9}{'start s':>9}{'work s':>9}{'ratio':>7}{'peak MB':>9}")
    costs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in CONTESTANTS}
    for _ in range(runs):
        for name in CONTESTANTS:
            start = measure(name, few, out, STARTING_CLIPS)
            costs[name].append((start, measure(name, source, out, clips)))
    bare_s = 0.0
    for name, measured in costs.items():
        start_s = statistics.median(start.cpu_s for start, _ in measured)
        cpu_s = statistics.median(cost.cpu_s for _, cost in measured)
        wall_s = statistics.median(cost.wall_s for _, cost in measured)
        rss_mb = statistics.median(cost.rss_mb for _, cost in measured)
        bare_s = bare_s or cpu_s - start_s
        print(
            f"{name:12}{wall_s:9.1f}{cpu_s:9.1f}{start_s:9.1f}{cpu_s - start_s:9.1f}"
            f"{(cpu_s - start_s) / bare_s:7.2f}{rss_mb:9.0f}"
        )
    print(f"{'':12}aim: work at most {target} times the loop's", flush=True)


def compare_memory(few: Path, many: Path, out: Path, clips: int) -> None:
    """Print peak memory for a tenth of the clips and for all."""
    print(f"\n{'peak MB':12}{clips // 10:>9,}{clips:>9,}{'ratio':>7}")
    for name in CONTESTANTS[1:]:
        small = measure(name, few, out, max(1, clips // 10)).rss_mb
        large = measure(name, many, out, clips).rss_mb
        print(f"{name:12}{small:9.0f}{large:9.0f}{large / small:7.2f}", flush=True)
    print(f"{'':12}aim: at most {MEMORY_RATIO}")


def measure(name: str, source: Path, out: Path, expected: int) -> Cost:
    """Run one contestant, and check that it wrote what it should."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    script = Path(__file__).with_name("ingest_contestants.py")
    cost = measure_script(script, name, source, out)
    written = sum(count_records(path) for path in out.rglob("*.tfrecord"))
    if written != expected:
        raise SystemExit(f"{name} wrote {written} clips instead of {expected}")
    return cost


def write_clips(folder: Path, kind: str, rate: int, clips: int) -> Path:
    """Write tones in noise as audio files, a folder a class, and return the folder."""
    rng = np.random.default_rng(0)
    time_s = np.arange(rate) / rate
    for label in range(LABELS):
        (folder / str(label)).mkdir(parents=True)
    for index in range(clips):
        tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 2000) * time_s)
        waveform = (tone + 0.02 * rng.standard_normal(rate)).astype(np.float32)
        path = folder / str(index % LABELS) / f"{index:05d}.{kind.lower()}"
        soundfile.write(path, waveform, rate, format=kind, subtype="PCM_16")
    return folder


if __name__ == "__main__":
    main()
