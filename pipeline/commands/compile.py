"""`tfx-audio compile`: the pipeline as YAML for Kubeflow Pipelines v2."""

import argparse
import os
import sys

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import add_source, source_values
from tfx_audio.pipeline.commands.run import add_run_arguments, config_file, overrides_of
from tfx_audio.pipeline.config import PipelineConfig, load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--image", required=True, metavar="NAME", help="container image of the components"
    )
    parser.add_argument("--target", choices=("kubeflow", "vertex"), default="kubeflow")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="pipeline.yaml")
    add_source(parser, "the data as the pods see it; a run may say otherwise")
    add_run_arguments(parser)
    parser.add_argument(
        "--data-version",
        metavar="TEXT",
        help="what changes with the data, where the data can't be read from here",
    )


def run(args: argparse.Namespace) -> int:
    """Compile and write the file."""
    config = _config(args)
    # TFX takes seconds to load.
    from tfx_audio.pipeline.kubeflow.compiler import compile_pipeline, write_pipeline
    from tfx_audio.pipeline.run_inputs import inputs_for_pods

    inputs = inputs_for_pods(config, args.data_version)
    compiled = compile_pipeline(config, inputs, args.image, args.target)
    try:
        path = write_pipeline(compiled, args.output)
    except OSError as error:
        raise InvalidInput(f"--output {args.output}: {error.strerror}") from error
    for note in compiled.notes:
        print(f"tfx-audio compile: {note}", file=sys.stderr)
    print(f"{path}: {len(compiled.spec['root']['dag']['tasks'])} tasks, image {args.image}")
    return 0


def _config(args: argparse.Namespace) -> PipelineConfig:
    overrides = overrides_of(args)
    overrides |= {f"data.{name}": value for name, value in source_values(args).items()}
    config = load_config(config_file(args), overrides, args.assignments)
    named = args.manifest or config.data.manifest
    manifests = tuple(_manifest_in(config.data.path, name) for name in named)
    data = config.data.model_copy(update={"manifest": manifests})
    return config.model_copy(update={"data": data})


def _manifest_in(root: str, manifest: str) -> str:
    """Return a manifest's path in the data root, which is all that the pods see."""
    inside = manifest.removeprefix(f"{root.rstrip('/')}/")
    if "://" in inside or os.path.isabs(inside):
        raise InvalidInput(
            f"--manifest: expected a file in the data root, {root}, or its path there; got "
            f"{manifest}: the pods see nothing else"
        )
    return inside
