"""`tfx-audio demo`: the whole pipeline on the embedded data set."""

import argparse
import os

from tfx_audio.pipeline.clips.demo_data import write_demo_data
from tfx_audio.pipeline.commands import run as run_command
from tfx_audio.pipeline.config import load_config
from tfx_audio.pipeline.local_runner import prepare_root, run_and_report

# A sixth of the usual clips: the demo is to end within minutes, and learns all there is.
TRAINING = {"train.steps": 600, "train.batch_size": 32, "tune.steps": 250}
DEFAULT_ROOT = os.path.join("build", "demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    run_command.add_run_arguments(parser)
    parser.set_defaults(root=DEFAULT_ROOT)


def run(args: argparse.Namespace) -> int:
    """Write the data set under the root, then do what `tfx-audio run` does."""
    prepare_root(args.root)
    data = write_demo_data(os.path.join(args.root, "data"))
    overrides = run_command.overrides_of(args) | {"data.path": str(data)}
    file = run_command.config_file(args)
    return run_and_report(load_config(file, overrides, args.assignments, TRAINING))
