"""`tfx-audio compile`: the pipeline as YAML for Kubeflow Pipelines v2."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from tfx_audio.pipeline.commands.arguments import add_label_from, add_manifest
from tfx_audio.pipeline.commands.run import add_run_arguments, config_file, overrides_of

if TYPE_CHECKING:
    from tfx_audio.pipeline.config import PipelineConfig
    from tfx_audio.pipeline.kubeflow.compiler import Resources
    from tfx_audio.pipeline.run_inputs import PipelineInputs

HELP = "compile the pipeline for Kubeflow Pipelines v2 or Vertex AI"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--image", required=True, metavar="NAME", help="container image of the components"
    )
    parser.add_argument("--target", choices=("kubeflow", "vertex"), default="kubeflow")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="pipeline.yaml")
    parser.add_argument(
        "--data", metavar="URI", help="the data as the pods see it; a run may say otherwise"
    )
    add_manifest(parser)
    add_label_from(parser)
    add_run_arguments(parser)
    parser.add_argument(
        "--data-version",
        metavar="TEXT",
        help="what changes with the data, where the data can't be read from here",
    )
    parser.add_argument(
        "--resources",
        action="append",
        default=[],
        metavar="COMPONENT.FIELD=VALUE",
        help="cpu, memory_gb, gpu or gpu_type of a component (Trainer.gpu=1)",
    )


def run(args: argparse.Namespace) -> int:
    """Compile and write the file."""
    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.pipeline.kubeflow.compiler import compile_pipeline, write_spec

    config = _config(args)
    if args.target == "vertex" and not config.root.startswith("gs://"):
        raise InvalidInput(f"--root: Vertex AI needs a gs:// folder, got {config.root}")
    inputs = _inputs(config, args.data_version)
    spec = compile_pipeline(config, inputs, args.image, args.target, _resources(args.resources))
    try:
        path = write_spec(spec, args.output)
    except OSError as error:
        raise InvalidInput(f"--output {args.output}: {error.strerror}") from error
    print(f"{path}: {len(spec['root']['dag']['tasks'])} tasks, image {args.image}")
    return 0


def _config(args: argparse.Namespace) -> PipelineConfig:
    from tfx_audio.pipeline.config import load_config

    overrides = overrides_of(args)
    overrides |= {
        "data.path": args.data,
        "data.manifest": args.manifest,
        "data.label_from": args.label_from,
    }
    config = load_config(config_file(args), overrides, args.assignments)
    manifest = _manifest_in(config.data.path, args.manifest or config.data.manifest)
    data = config.data.model_copy(update={"manifest": manifest})
    return config.model_copy(update={"data": data})


def _manifest_in(root: str, manifest: str) -> str:
    """Return a manifest's path in the data root, which is all that the pods see."""
    from tfx_audio.components.audio.errors import InvalidInput

    inside = manifest.removeprefix(f"{root.rstrip('/')}/")
    if "://" in inside or os.path.isabs(inside):
        raise InvalidInput(
            f"--manifest: expected a file in the data root, {root}, or its path there; got "
            f"{manifest}: the pods see nothing else"
        )
    return inside


def _inputs(config: PipelineConfig, data_version: str | None) -> PipelineInputs:
    """Read what the graph is built from; nothing of the data where a version stands for it."""
    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.pipeline.run_inputs import (
        PipelineInputs,
        banks_of,
        judging_split,
        read_inputs,
        read_policy,
    )

    if not data_version:
        if "://" in config.data.path:
            raise InvalidInput(
                f"--data-version is required for data that can't be read here ({config.data.path})"
            )
        return read_inputs(config)
    if config.data.sample_rate is None:
        raise InvalidInput(
            "data.sample_rate is required with --data-version, since the data's headers are not "
            "read: for example --set data.sample_rate=16000"
        )
    policy = read_policy(config)
    return PipelineInputs(
        policy=policy,
        judging_split=judging_split(config),
        ingest=config.data,
        split=config.split,
        data_digest=data_version,
        banks=banks_of(config, policy),
        bank_digest=data_version,
    )


def _resources(assignments: list[str]) -> dict[str, Resources]:
    from pydantic import ValidationError

    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.pipeline.kubeflow.compiler import DEFAULT_RESOURCES, Resources

    given: dict[str, dict[str, Any]] = {}
    for text in assignments:
        name, _, value = text.partition("=")
        component, _, field = name.partition(".")
        if not field or not value:
            raise InvalidInput(f"--resources expects COMPONENT.FIELD=VALUE, got {text!r}")
        given.setdefault(component, {})[field] = value
    found = {}
    for component, fields in given.items():
        base = DEFAULT_RESOURCES.get(component, Resources()).model_dump()
        try:
            found[component] = Resources(**(base | fields))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in problem["loc"])
            raise InvalidInput(f"--resources {component}.{field}: {problem['msg']}") from None
    return found
