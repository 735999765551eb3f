"""Compile the pipeline for Kubeflow Pipelines v2, open source or Vertex AI.

An open-source backend runs containers and importers, nothing else: the graph for it has no
resolver, and no component relies on a driver. `tfx-audio compile` is its command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.beam.options import settings_for
from tfx_audio.pipeline.beam.runtime_args import beam_components
from tfx_audio.pipeline.config import PipelineConfig
from tfx_audio.pipeline.definition import create_pipeline
from tfx_audio.pipeline.kubeflow.binding import Binding
from tfx_audio.pipeline.kubeflow.config import ALL, KubeflowConfig, PodConfig
from tfx_audio.pipeline.kubeflow.locations import check_folders, check_root, is_remote
from tfx_audio.pipeline.kubeflow.pipeline_spec import (
    MountedFolder,
    add_beam_args,
    add_mounted_folder,
    add_runtime_parameter,
    check_executors,
)
from tfx_audio.pipeline.kubeflow.pods import configure_pod, platform_spec
from tfx_audio.pipeline.kubeflow.summary import add_summary
from tfx_audio.pipeline.run_inputs import PipelineInputs

Target = Literal["kubeflow", "vertex"]
ENTRY_POINT = ["python", "-m", "tfx_audio.pipeline.kubeflow.entrypoint"]
_ON_THE_PODS_DISK = ("minio://", "s3://")
_INGEST, _BANKS, _TRAINER = "AudioExampleGen", "SoundBank", "Trainer"
_BANK_TASK = "bank_"


@dataclass(frozen=True)
class CompiledPipeline:
    """The YAML's documents.

    Attributes:
      spec: The PipelineSpec.
      platform: The platform spec; empty where no pod asks for anything that it holds.
      notes: What the pods need that this can't see to.
    """

    spec: dict[str, Any]
    platform: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def compile_pipeline(
    config: PipelineConfig, inputs: PipelineInputs, image: str, target: Target = "kubeflow"
) -> CompiledPipeline:
    """Return the pipeline as trees of plain values.

    Args:
      config: The run's configuration; `root` is a URI that the pods can reach.
      inputs: What was read for it; policy and digests are compiled in.
      image: The container image of every component that names no other.
      target: ``vertex`` keeps the resolver of the baseline model.

    Raises:
      InvalidInput: If `kubeflow.pods` names a component that is not there, or pods or Beam's
        workers can't reach what they should read or write.
    """
    folders = _mounted_folders(config, inputs)
    notes = _check_locations(config, folders, target)
    pipeline = create_pipeline(config, inputs, target)
    beam_ids = list(beam_components(pipeline.components))
    _check_beam_reach(config, inputs, beam_ids)
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=ENTRY_POINT, use_pipeline_spec_2_1=True
        )
    )
    spec: dict[str, Any] = runner.run(pipeline, write_out=False)["pipelineSpec"]
    spec["defaultPipelineRoot"] = pipeline.pipeline_info.pipeline_root
    _add_runtime_parameters(spec, config, inputs)
    add_beam_args(spec, beam_ids)
    for folder in folders:
        add_mounted_folder(spec, folder)
    add_summary(spec, image, config.evaluate.model_dump_json())
    platform = _configure_pods(spec, config.kubeflow, target)
    if target == "kubeflow":
        check_executors(spec)
    return CompiledPipeline(spec, platform, tuple(notes))


def write_pipeline(compiled: CompiledPipeline, path: str | Path) -> Path:
    """Write the documents as YAML, the same text every time."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [compiled.spec, *([compiled.platform] if compiled.platform else [])]
    text = yaml.safe_dump_all(documents, sort_keys=True, width=100)
    path.write_text(text, encoding="utf-8")
    return path


def _add_runtime_parameters(
    spec: dict[str, Any], config: PipelineConfig, inputs: PipelineInputs
) -> None:
    text = "Folder of audio: a path that the pods see, or a URI in the object store."
    binding = Binding("parameters", "data_root", "ingest_config", ("data", "path"))
    add_runtime_parameter(spec, _INGEST, binding, config.data.path, text)
    text = "Any text that changes with the data; a new one makes the pipeline read it again."
    binding = Binding("parameters", "data_version", "data_digest")
    add_runtime_parameter(spec, _INGEST, binding, inputs.data_digest, text)
    text = "Optimiser steps, unless train_epochs is set."
    binding = Binding("parameters", "train_steps", "custom_config", ("train", "steps"))
    add_runtime_parameter(spec, _TRAINER, binding, config.train.steps, text)
    text = "Passes over the training data; 0: train_steps holds."
    binding = Binding("parameters", "train_epochs", "custom_config", ("train", "epochs"))
    add_runtime_parameter(spec, _TRAINER, binding, config.train.epochs or 0, text)


def _check_locations(
    config: PipelineConfig, folders: Sequence[MountedFolder], target: Target
) -> list[str]:
    """Refuse folders that no pod can read, and return what pods need for the others."""
    if target == "vertex":
        if not config.root.startswith("gs://"):
            raise InvalidInput(f"root: Vertex AI needs a gs:// folder, got {config.root}")
        return []
    check_root(config.root)
    read = {
        "data.path"
        if item.parameter
        else f"sound bank {item.binding.name.removeprefix(_BANK_TASK)}": item.uri
        for item in folders
    }
    baseline = config.evaluate.baseline_model
    if baseline:
        if not is_remote(baseline):
            raise InvalidInput(
                "evaluate.baseline_model: expected a URI in an object store, got "
                f"{baseline}: Kubeflow imports nothing else"
            )
        read["evaluate.baseline_model"] = baseline
    return check_folders(read, config.root)


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
    if local and is_remote(config.data.path):
        binding = Binding("artifacts", "data", "ingest_config", ("data", "path"))
        folders.append(MountedFolder(config.data.path, _INGEST, binding, parameter="data_root"))
    for name, uri in inputs.banks.items():
        if is_remote(uri):
            binding = Binding("artifacts", f"{_BANK_TASK}{name}", "banks", (name,))
            folders.append(MountedFolder(uri, _BANKS, binding))
    return folders


def _configure_pods(
    spec: dict[str, Any], kubeflow: KubeflowConfig, target: Target
) -> dict[str, Any]:
    """Write what each pod asks for into the spec, and return the platform spec."""
    executors = spec["deploymentSpec"]["executors"]
    components = [
        name
        for name, component in spec["components"].items()
        if "container" in executors[component["executorLabel"]]
    ]
    known = [ALL, *sorted(components)]
    for name in kubeflow.pods:
        if name not in known:
            raise InvalidInput(
                f"kubeflow.pods: expected one of {', '.join(known)}, got '{name}'."
                + did_you_mean(name, known)
            )
    pods = {name: _pod(kubeflow, name) for name in components}
    for name, pod in pods.items():
        configure_pod(spec, name, pod)
    platform = platform_spec(spec, pods)
    if platform and target == "vertex":
        found = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
        names = sorted({name for executor in found for name in executor})
        raise InvalidInput(f"kubeflow.pods: Vertex AI takes no {', '.join(names)}")
    return platform


def _pod(kubeflow: KubeflowConfig, component: str) -> PodConfig:
    try:
        return kubeflow.pod(component)
    except ValidationError as error:  # what `all` and the component say does not fit together
        problem = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise InvalidInput(f"kubeflow.pods, as they hold for {component}: {problem}") from None
