"""The report of benchmarks/accuracy.py: tables in docs/accuracy.md and the picture beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig

SPEAKERS = ("theo", "nicolas", "george", "jackson", "lucas", "yweweler")
TUNED_ON = ("theo", "nicolas")
ARMS = ("none", "waveform", "spec_augment", "both")
CONDITIONS = ("clean", "noise_10db")
COLOURS = {"none": "#8c8c8c", "waveform": "#0072b2", "spec_augment": "#e69f00", "both": "#009e73"}
NUM_SEEDS = 2
DIFFERENCES = (
    ("waveform", "none"),
    ("spec_augment", "none"),
    ("both", "none"),
    ("both", "waveform"),
)

Result = dict[str, Any]


def write_report(
    results: list[Result], out: Path, model: ModelConfig, train: TrainConfig, policy: str
) -> None:
    """Write ``accuracy.md`` and ``accuracy.png`` from the runs that are there."""
    out.mkdir(parents=True, exist_ok=True)
    untouched = tuple(speaker for speaker in SPEAKERS if speaker not in TUNED_ON)
    expected = len(SPEAKERS) * len(ARMS) * NUM_SEEDS
    unfinished = (
        "" if len(results) == expected else " **Unfinished: the tables hold what is there.**"
    )
    parts = [
        "# Does augmentation pay?",
        "Made by `python -m benchmarks.accuracy --data FSDD/recordings`; the protocol is in that "
        "file's docstring. Each of FSDD's six speakers is held out in turn; "
        f"{len(results)} of {expected} runs, {train.steps} steps of {train.batch_size} clips "
        f"each.{unfinished}",
        "![Accuracy on held-out speakers](accuracy.png)",
        "## All six speakers",
        *tables(results, SPEAKERS),
        f"## The four speakers beside those that recipes are tuned on ({', '.join(untouched)})",
        *tables(results, untouched),
        "## By speaker",
        speaker_table(results),
        "Mean over the seeds, clean / 10 dB noise. The recipe was chosen by looking at "
        f"{' and '.join(TUNED_ON)}; what had been seen of the other four before that is in the "
        "same docstring. What augmentation brings depends on how long the network without it was "
        "trained: [model.md](model.md#training) compares.",
        "## The recipe",
        f"Waveform copies: the preset `{policy}` (`tfx-audio policy show {policy}`).",
        f"Network and training: `{model.model_dump_json()}`, `{train.model_dump_json()}`.",
    ]
    (out / "accuracy.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    draw(results).savefig(out / "accuracy.png", dpi=110, bbox_inches="tight")


def tables(results: list[Result], speakers: tuple[str, ...]) -> list[str]:
    """Return the table of means and the table of paired differences."""
    means = ["| arm | clean | noise 10 dB |", "|---|---|---|"]
    for arm in ARMS:
        cells = []
        for condition in CONDITIONS:
            runs = [
                result[condition]
                for result in results
                if result["arm"] == arm and result["speaker"] in speakers
            ]
            spread = np.std(runs, ddof=1) if len(runs) > 1 else 0.0
            cells.append(f"{np.mean(runs):.3f} ± {spread:.3f}" if runs else "–")
        means.append(f"| {arm} | {' | '.join(cells)} |")
    paired = ["| points | clean | noise 10 dB |", "|---|---|---|"]
    for arm, reference in DIFFERENCES:
        cells = [
            interval(differences(results, speakers, arm, reference, condition))
            for condition in CONDITIONS
        ]
        paired.append(f"| {arm} − {reference} | {' | '.join(cells)} |")
    return [
        "Mean ± standard deviation over runs:",
        "\n".join(means),
        "Paired differences in points, mean over speakers with its 95% interval:",
        "\n".join(paired),
    ]


def differences(
    results: list[Result], speakers: tuple[str, ...], arm: str, reference: str, condition: str
) -> np.ndarray:
    """Return one difference a speaker, the mean over the seeds that both arms have, in points."""
    found = {(r["speaker"], r["arm"], r["seed"]): r[condition] for r in results}
    per_speaker = []
    for speaker in speakers:
        seeds = [seed for s, a, seed in found if s == speaker and a == arm]
        pairs = [
            found[speaker, arm, seed] - found[speaker, reference, seed]
            for seed in seeds
            if (speaker, reference, seed) in found
        ]
        if pairs:
            per_speaker.append(100 * np.mean(pairs))
    return np.array(per_speaker)


def interval(values: np.ndarray) -> str:
    """Return ``mean [low, high]`` by Student's t, or what there is."""
    if len(values) < 2:
        return f"{values.mean():+.1f}" if len(values) else "–"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    mean = values.mean()
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def speaker_table(results: list[Result]) -> str:
    """Return the mean over seeds by speaker and arm."""
    lines = ["| speaker | " + " | ".join(ARMS) + " |", "|---" * (len(ARMS) + 1) + "|"]
    for speaker in SPEAKERS:
        cells = []
        for arm in ARMS:
            runs = [r for r in results if r["speaker"] == speaker and r["arm"] == arm]
            means = [f"{np.mean([r[condition] for r in runs]):.3f}" for condition in CONDITIONS]
            cells.append(" / ".join(means) if runs else "–")
        lines.append(f"| {speaker} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results: list[Result]) -> Figure:
    """Draw every run as a point, the mean of each arm as a bar."""
    figure = Figure(figsize=(9, 4))
    for axes, condition in zip(figure.subplots(1, 2, sharey=True), CONDITIONS, strict=True):
        for place, arm in enumerate(ARMS):
            values = [r[condition] for r in results if r["arm"] == arm]
            if not values:
                continue
            axes.bar(place, np.mean(values), color=COLOURS[arm], alpha=0.5)
            jitter = np.linspace(-0.25, 0.25, len(values))
            axes.plot(place + jitter, values, "o", ms=3, color=COLOURS[arm])
        axes.set_xticks(range(len(ARMS)), [arm.replace("_", "\n") for arm in ARMS])
        axes.set_title({"clean": "clean", "noise_10db": "white noise, 10 dB"}[condition])
        axes.set_ylim(0, 1)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supylabel("accuracy on a speaker never heard")
    return figure
