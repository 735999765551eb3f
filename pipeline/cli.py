"""The `tfx-audio` command: one module a command in `tfx_audio.pipeline.commands`.

Exit status: 0 on success, 2 for a wrong argument or unusable input (one clear message, no
traceback), 1 for a run that failed, 130 when interrupted.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Collection, Sequence
from importlib import metadata
from types import ModuleType

from tfx_audio import explain_missing
from tfx_audio.components.audio.errors import InvalidInput, JobFailed, did_you_mean, explain_system
from tfx_audio.pipeline.progress_display import quieten

# The help of each command; its arguments and its code are in the module of that name.
COMMANDS = {
    "run": "run the whole pipeline: audio files in, a trained, evaluated and pushed model out",
    "demo": "run the whole pipeline on ten classes of synthesised sound",
    "folds": "run every official fold of a data set; mean and spread",
    "augment": "augment audio files or TFRecords, without the rest of the pipeline",
    "preview": "see and hear a policy on some clips of a folder: one HTML page",
    "explore": "build a policy in the browser, by ear and eye",
    "replay": "make one augmented clip again, bit for bit, from its source and policy",
    "verify": "find what was changed in augmented examples, and make some copies again",
    "policy": "check a policy file, list presets and transforms, show one",
    "runs": "show past runs: components, states, durations, artifacts, a model's lineage",
    "compile": "compile the pipeline for Kubeflow Pipelines v2 or Vertex AI",
    "submit": "start a run of a compiled pipeline on Kubeflow Pipelines",
    "predict": "labels and scores for audio files",
    "detect": "events in long recordings: when which sound is heard",
    "config": "every setting with its default and meaning; the merged configuration of a run",
    "doctor": "show versions, known incompatibilities, the Beam runner, devices and codecs",
}
# The extras of the package (pyproject.toml), and the commands that need them; `doctor` needs none.
_EXTRAS = {
    "augment": ("augment", "preview", "replay", "verify", "policy"),
    "explore": ("explore",),
    "model": ("predict", "detect"),
    "pipeline": ("run", "demo", "folds", "runs", "compile", "submit", "config"),
}
_S3_HINT = ". s3:// is opened on Kubeflow only; elsewhere mount the bucket or copy the folder"
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    quieten()
    argv = sys.argv[1:] if argv is None else argv
    chosen = [word for word in argv if not word.startswith("-")][:1]
    for name in chosen:
        extras = [extra for extra, commands in _EXTRAS.items() if name in commands]
        if missing := explain_missing(f"tfx-audio {name}", *extras):
            print(missing, file=sys.stderr)
            return EXIT_USAGE
    parser = build_parser(chosen)
    if chosen and chosen[0] not in COMMANDS:
        parser.error(f"there is no command '{chosen[0]}'.{did_you_mean(chosen[0], COMMANDS)}")
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        flags = argparse.ArgumentParser()
        _command(args.command).add_arguments(flags)
        hint = did_you_mean(unknown[0].partition("=")[0], flags._option_string_actions)
        parser.error(f"{args.command} does not take {' '.join(unknown)}.{hint}")
    try:
        return int(_command(args.command).run(args) or EXIT_OK)
    except InvalidInput as error:
        return _fail(args, error, EXIT_USAGE)
    except JobFailed as error:
        return _fail(args, error, EXIT_FAILED)
    except KeyboardInterrupt:
        print("tfx-audio: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # what read our output has ended: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception as error:
        if reason := explain_system(error):
            return _fail(args, JobFailed(reason), EXIT_FAILED)
        # Beam's own words: a store that refuses, gs:// without the extra gcp.
        if "Unable to get filesystem" in str(error) or "s3://" in str(error):
            hint = _S3_HINT if "s3://" in str(error) else ""
            return _fail(args, InvalidInput(f"{error}{hint}"), EXIT_USAGE)
        if type(error).__name__ == "BeamIOError":
            return _fail(args, JobFailed(str(error)), EXIT_FAILED)
        raise


def build_parser(chosen: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Build the parser of every command.

    Args:
      chosen: Commands whose modules are imported, for their arguments. The others are in the
        help only.
    """
    parser = argparse.ArgumentParser(
        prog="tfx-audio",
        description="Audio classification on TFX: ingest, reproducible augmentation, training.",
        allow_abbrev=False,
    )
    version = f"tfx-audio {metadata.version('tfx-audio')}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name in chosen:
            _command(name).add_arguments(command)
    return parser


def _command(name: str) -> ModuleType:
    return importlib.import_module(f"tfx_audio.pipeline.commands.{name}")


def _fail(args: argparse.Namespace, error: Exception, status: int) -> int:
    print(f"tfx-audio {args.command}: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
