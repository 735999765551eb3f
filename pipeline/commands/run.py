"""`tfx-audio run`: the whole pipeline on a user's audio."""

import argparse
import os
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import (
    add_policy,
    add_repeatable,
    add_sound_banks,
    add_source,
    parse_banks,
    parse_pair,
    source_values,
)
from tfx_audio.pipeline.config import CONFIG_ENVIRONMENT_VARIABLE, PipelineConfig, load_config
from tfx_audio.pipeline.local_runner import run_and_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_source(parser, "folder of audio files or records")
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` and `demo` share."""
    parser.add_argument("--root", metavar="DIR", help="folder for everything that the run writes")
    parser.add_argument("--config", metavar="FILE", help="YAML file with the configuration")
    add_policy(parser)
    add_sound_banks(parser)
    text = "set any field of the configuration, for example train.steps=400"
    add_repeatable(parser, "--set", "KEY=VALUE", text, dest="assignments")
    parser.add_argument("--tune", metavar="trials=N", help="search over parameters first")
    text = "an argument for Beam, written --beam-arg=--name=value"
    add_repeatable(parser, "--beam-arg", "ARG", text)


def run(args: argparse.Namespace) -> int:
    """Run the pipeline and print its summary."""
    return run_and_report(config_of(args))


def config_of(args: argparse.Namespace) -> PipelineConfig:
    """Return the configuration that the flags of `run` describe.

    Raises:
      InvalidInput: If they name no data, or something that can't be used.
    """
    overrides = overrides_of(args)
    overrides |= {f"data.{name}": value for name, value in source_values(args).items()}
    if not (args.data or args.manifest or config_file(args)):
        raise InvalidInput("expected --data DIR, --manifest FILE or --config FILE; none was given")
    return load_config(config_file(args), overrides, args.assignments)


def config_file(args: argparse.Namespace) -> str | None:
    """Return the configuration file: the flag's, else the environment's."""
    return args.config or os.environ.get(CONFIG_ENVIRONMENT_VARIABLE)


def overrides_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return configuration values by dotted name out of the shared flags."""
    overrides: dict[str, Any] = {"root": args.root, "augment.policy": args.policy}
    if args.sound_bank:
        overrides["augment.sound_banks"] = parse_banks(args.sound_bank)
    if args.beam_arg:
        overrides["beam.args"] = list(args.beam_arg)
    if args.tune:
        name, value = parse_pair("--tune", args.tune)
        overrides[f"tune.{name}"] = int(value) if value.isdigit() else value
    return overrides
