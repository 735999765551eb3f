"""`tfx-audio submit`: a run of a compiled pipeline on Kubeflow Pipelines."""

import argparse
import contextlib
import io
import sys
from pathlib import Path

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import add_repeatable
from tfx_audio.pipeline.kubeflow.submission import (
    Cluster,
    Submission,
    arguments_of,
    check_submission,
    read_spec,
    submit,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("pipeline", metavar="FILE", help="what `tfx-audio compile` wrote")
    parser.add_argument(
        "--host", required=True, metavar="URL", help="address of the Kubeflow Pipelines API"
    )
    parser.add_argument("--root", metavar="URI", help="pipeline root, instead of the compiled one")
    text = "a run-time parameter, for example train_steps=400"
    add_repeatable(parser, "--parameter", "NAME=VALUE", text)
    parser.add_argument("--experiment", default="tfx-audio", metavar="NAME")
    parser.add_argument("--name", default="", help="the run's name")
    parser.add_argument("--namespace", default="", help="yours, where Kubeflow has several users")
    parser.add_argument("--token-file", metavar="FILE", help="file with a bearer token for the API")
    parser.add_argument("--no-cache", action="store_true", help="run every task anew")


def run(args: argparse.Namespace) -> int:
    """Start the run and print its address."""
    spec = read_spec(args.pipeline)
    root = args.root or spec["defaultPipelineRoot"]
    arguments = arguments_of(spec, args.parameter)
    note = check_submission(spec, root, arguments)
    if note:
        print(f"tfx-audio submit: {note}", file=sys.stderr)
    submission = Submission(
        path=Path(args.pipeline),
        root=root,
        arguments=arguments,
        experiment=args.experiment,
        name=args.name,
        use_cache=not args.no_cache,
    )
    cluster = Cluster(args.host, args.namespace, _token(args.token_file))
    with contextlib.redirect_stdout(io.StringIO()):  # kfp's client prints links of its own
        address = submit(cluster, submission)
    print(address)
    return 0


def _token(path: str | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"--token-file {path}: {error.strerror}") from None
