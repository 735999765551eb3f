"""`tfx-audio folds`: one run for each official fold, and what they come to together."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import add_source, given_flags
from tfx_audio.pipeline.commands.run import add_run_arguments, config_of

FOLDS_FILE = "folds.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of `run`."""
    add_source(parser, "folder of a data set that has folds")
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run every fold in a process and a root of its own; print mean and spread."""
    config = config_of(args)
    # Beam takes seconds to load.
    from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
    from tfx_audio.components.audio_example_gen.listing.split_plan import fold_values

    folds = fold_values(list_recordings(config.data))
    if len(folds) < 2:
        raise InvalidInput(
            f"{config.data.path!r} has no folds: a layout says them, or a column that data.fields "
            "keeps as 'fold', or the group"
        )
    found: dict[str, float] = {}
    for fold in folds:
        root = os.path.join(config.root, f"fold-{fold}")
        print(f"fold {fold} of {', '.join(folds)}: {root}", flush=True)
        status = subprocess.call(_command(args, fold, root))
        if status:
            return status
        with open(os.path.join(root, "summary.json"), encoding="utf-8") as file:
            found[fold] = float(json.load(file)["evaluation"]["accuracy"])
    _report(found, config.root)
    return 0


def _command(args: argparse.Namespace, fold: str, root: str) -> list[str]:
    """Return the command that runs one fold."""
    flags = given_flags(args, add_arguments)
    own = (f"--root={root}", f"--set=split.fold={fold}")
    return [sys.executable, "-m", "tfx_audio.pipeline.cli", "run", *flags, *own]


def _report(accuracy: dict[str, float], root: str) -> None:
    """Print and write the accuracy of each fold, their mean and standard deviation."""
    values = list(accuracy.values())
    summary: dict[str, Any] = {
        "accuracy": accuracy,
        "mean": statistics.fmean(values),
        "standard_deviation": statistics.stdev(values),
    }
    path = os.path.join(root, FOLDS_FILE)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=2)
    for fold, value in accuracy.items():
        print(f"fold {fold}: accuracy {value:.3f}")
    print(
        f"mean {summary['mean']:.3f}, standard deviation {summary['standard_deviation']:.3f} "
        f"over {len(values)} folds: {path}"
    )
