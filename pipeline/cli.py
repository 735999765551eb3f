"""The `tfx-audio` command: one module a command in `tfx_audio.pipeline.commands`.

Exit status: 0 on success, 2 for a wrong argument or unusable input (one clear message, no
traceback), 1 for a run that failed, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

COMMANDS = (
    "run",
    "demo",
    "augment",
    "preview",
    "explore",
    "replay",
    "policy",
    "runs",
    "compile",
    "predict",
    "doctor",
)
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    quieten()
    parser = build_parser()
    args = parser.parse_args(argv)
    from tfx_audio.components.audio.errors import InvalidInput, JobFailed

    try:
        return int(_command(args.command).run(args) or EXIT_OK)
    except InvalidInput as error:
        return _fail(args, error, EXIT_USAGE)
    except JobFailed as error:
        return _fail(args, error, EXIT_FAILED)
    except KeyboardInterrupt:
        print("tfx-audio: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output left: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command; needs no TFX, TensorFlow or Beam."""
    parser = argparse.ArgumentParser(
        prog="tfx-audio",
        description="Audio classification on TFX: ingest, reproducible augmentation, training.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tfx-audio {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = _command(name)
        command = commands.add_parser(
            name, help=module.HELP, description=module.HELP, allow_abbrev=False
        )
        module.add_arguments(command)
    return parser


def quieten() -> None:
    """Keep the libraries' start-up chatter out of the terminal; errors still come through."""
    import warnings

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # Beam's worker processes
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")


def _command(name: str) -> ModuleType:
    return importlib.import_module(f"tfx_audio.pipeline.commands.{name}")


def _version() -> str:
    from importlib.metadata import version

    return version("tfx-audio")


def _fail(args: argparse.Namespace, error: Exception, status: int) -> int:
    print(f"tfx-audio {args.command}: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
