"""Compile the pipeline for Kubeflow Pipelines v2, open source or Vertex AI.

An open-source backend runs containers and importers, nothing else: the graph for it has no
resolver, and no component relies on a driver. `tfx-audio compile` is its command.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.beam.options import settings_for
from tfx_audio.pipeline.config import PipelineConfig
from tfx_audio.pipeline.definition import create_pipeline
from tfx_audio.pipeline.kubeflow.binding import Binding
from tfx_audio.pipeline.kubeflow.pipeline_spec import (
    MountedFolder,
    RuntimeParameter,
    add_beam_args,
    add_mounted_folder,
    add_runtime_parameter,
    check_executors,
)
from tfx_audio.pipeline.kubeflow.resources import DEFAULT_RESOURCES, Resources
from tfx_audio.pipeline.kubeflow.summary import add_summary
from tfx_audio.pipeline.run_inputs import PipelineInputs

Target = Literal["kubeflow", "vertex"]
ENTRY_POINT = ["python", "-m", "tfx_audio.pipeline.kubeflow.entrypoint"]
_MOUNTED_SCHEMES = ("gs://", "minio://", "s3://")
_ON_THE_PODS_DISK = ("minio://", "s3://")
_INGEST, _BANKS, _TRAINER = "AudioExampleGen", "SoundBank", "Trainer"


def compile_pipeline(
    config: PipelineConfig,
    inputs: PipelineInputs,
    image: str,
    target: Target = "kubeflow",
    resources: Mapping[str, Resources] | None = None,
) -> dict[str, Any]:
    """Return the PipelineSpec as a tree of plain values.

    Args:
      config: The run's configuration; `root` is a URI that the pods can reach.
      inputs: What was read for it; policy and digests are compiled in.
      image: The container image of every component.
      target: ``vertex`` keeps the resolver of the baseline model.
      resources: By component, over `DEFAULT_RESOURCES`.

    Raises:
      InvalidInput: If `resources` names a component that is not there, or Beam's workers can't
        reach what they should read or write.
    """
    pipeline = create_pipeline(config, inputs, target)
    _check_beam_reach(config, inputs, _beam_components(pipeline))
    _set_resources(pipeline, {**DEFAULT_RESOURCES, **(resources or {})}, named=resources or {})
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=ENTRY_POINT, use_pipeline_spec_2_1=True
        )
    )
    spec: dict[str, Any] = runner.run(pipeline, write_out=False)["pipelineSpec"]
    spec["defaultPipelineRoot"] = pipeline.pipeline_info.pipeline_root
    for parameter in _runtime_parameters(config, inputs):
        add_runtime_parameter(spec, parameter)
    add_beam_args(spec, _beam_components(pipeline))
    for folder in _mounted_folders(config, inputs):
        add_mounted_folder(spec, folder)
    add_summary(spec, image, config.evaluate.model_dump_json())
    if target == "kubeflow":
        check_executors(spec)
    return spec


def write_spec(spec: Mapping[str, Any], path: str | Path) -> Path:
    """Write a PipelineSpec as YAML, the same text every time."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(spec), sort_keys=True, width=100), encoding="utf-8")
    return path


def _runtime_parameters(config: PipelineConfig, inputs: PipelineInputs) -> list[RuntimeParameter]:
    train = config.train
    return [
        RuntimeParameter(
            "data_root",
            config.data.path,
            _INGEST,
            Binding("parameters", "data_root", "ingest_config", ("data", "path")),
            "Folder of audio: a path that the pods see, or a URI in the object store.",
        ),
        RuntimeParameter(
            "data_version",
            inputs.data_digest,
            _INGEST,
            Binding("parameters", "data_version", "data_digest"),
            "Any text that changes with the data; a new one makes the pipeline read it again.",
        ),
        RuntimeParameter(
            "train_steps",
            train.steps,
            _TRAINER,
            Binding("parameters", "train_steps", "custom_config", ("train", "steps")),
            "Optimiser steps, unless train_epochs is set.",
        ),
        RuntimeParameter(
            "train_epochs",
            train.epochs or 0,
            _TRAINER,
            Binding("parameters", "train_epochs", "custom_config", ("train", "epochs")),
            "Passes over the training data; 0: train_steps holds.",
        ),
    ]


def _check_beam_reach(
    config: PipelineConfig, inputs: PipelineInputs, components: list[str]
) -> None:
    """Refuse folders that only a pod's own disk shows to workers outside of it."""
    uris = {"root": config.root, "data.path": config.data.path}
    uris |= {f"sound bank {name}": uri for name, uri in inputs.banks.items()}
    hidden = [f"{name} {uri}" for name, uri in uris.items() if uri.startswith(_ON_THE_PODS_DISK)]
    for component in components:
        runner = settings_for(config.beam, component).runner
        if runner != "local" and hidden:
            raise InvalidInput(
                f"beam.runner of {component} is {runner}, whose workers can't read "
                f"{' or '.join(hidden)}: Kubeflow's launcher copies that to the pod's own disk. "
                "Expected gs:// folders, volumes that pods and workers share, or beam.runner local"
            )


def _mounted_folders(config: PipelineConfig, inputs: PipelineInputs) -> list[MountedFolder]:
    """Return the folders in an object store that components read in their own pod."""
    folders = []
    local = settings_for(config.beam, _INGEST).runner == "local"
    if local and config.data.path.startswith(_MOUNTED_SCHEMES):
        binding = Binding("artifacts", "data", "ingest_config", ("data", "path"))
        folders.append(
            MountedFolder("data", config.data.path, _INGEST, binding, parameter="data_root")
        )
    for name, uri in inputs.banks.items():
        if uri.startswith(_MOUNTED_SCHEMES):
            task = f"bank_{name}"
            binding = Binding("artifacts", task, "banks", (name,))
            folders.append(MountedFolder(task, uri, _BANKS, binding))
    return folders


def _beam_components(pipeline: Pipeline) -> list[str]:
    return [
        node.id
        for node in pipeline.components
        if isinstance(getattr(node, "executor_spec", None), BeamExecutorSpec)
    ]


def _set_resources(
    pipeline: Pipeline, resources: Mapping[str, Resources], named: Mapping[str, Resources]
) -> None:
    components = {node.id: node for node in pipeline.components if isinstance(node, BaseComponent)}
    for name in named:
        if name not in components:
            raise InvalidInput(
                f"--resources: expected one of {', '.join(sorted(components))}, got '{name}'."
                + did_you_mean(name, components)
            )
    for name, component in components.items():
        component.with_platform_config(_resource_spec(resources.get(name, Resources())))


def _resource_spec(resources: Resources) -> Any:
    spec_type = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
    spec = spec_type(cpu_limit=resources.cpu, memory_limit=resources.memory_gb)
    if resources.gpu:
        spec.accelerator.type = resources.gpu_type
        spec.accelerator.count = resources.gpu
    return spec
