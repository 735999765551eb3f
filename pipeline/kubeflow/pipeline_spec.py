"""What the compiled pipeline needs beyond TFX's compiler: run-time values, mounted folders, root.

Works on the PipelineSpec as a tree of plain values, the form in which the YAML is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfx_audio.pipeline.kubeflow.binding import Binding
from tfx_audio.pipeline.kubeflow.entrypoint import BEAM_ARGS_PARAMETER

_FOLDER_TYPE = {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}
_IMPORTED, _URI = "artifact", "uri"
RUNNABLE_EXECUTORS = ("container", "importer")


@dataclass(frozen=True)
class MountedFolder:
    """A folder in an object store that the launcher downloads for one component.

    Attributes:
      uri: The folder, unless `parameter` names a run-time parameter that holds it.
      component_id: The component that reads it.
      binding: The name of the importer's task and the component's input, and where its local path
        goes.
    """

    uri: str
    component_id: str
    binding: Binding
    parameter: str = ""


def add_runtime_parameter(
    spec: dict[str, Any], component_id: str, binding: Binding, default: str | int, description: str
) -> None:
    """Declare a value that whoever starts a run may set, and lead it into its component.

    Args:
      spec: The PipelineSpec.
      component_id: The component that takes it.
      binding: Its name, as the Kubeflow UI shows it, and its place in the component's parameters.
      default: What holds when it is not set; its type is the parameter's.
      description: Shown in the Kubeflow UI.
    """
    _declare(spec, binding.name, default, description)
    _lead_in(spec, component_id, binding.name, default)
    _bind(spec, component_id, binding)


def add_beam_args(spec: dict[str, Any], component_ids: Sequence[str]) -> None:
    """Declare the run-time parameter that adds Beam arguments to every Beam component."""
    text = "Further Beam arguments, as on a command line."
    _declare(spec, BEAM_ARGS_PARAMETER, "", text)
    for component_id in component_ids:
        _lead_in(spec, component_id, BEAM_ARGS_PARAMETER, "")


def add_mounted_folder(spec: dict[str, Any], folder: MountedFolder) -> None:
    """Add an importer for a folder and make it an input of the component that reads it."""
    name = folder.binding.name
    label = f"{name}_executor"
    component: dict[str, Any] = {
        "executorLabel": label,
        "outputDefinitions": {"artifacts": {_IMPORTED: {"artifactType": _FOLDER_TYPE}}},
    }
    task: dict[str, Any] = {
        "taskInfo": {"name": name},
        "componentRef": {"name": name},
        "cachingOptions": {"enableCache": True},
    }
    uri: dict[str, Any] = {"constant": folder.uri}
    if folder.parameter:
        # Of a task's inputs, KFP's importer reads the run's parameters only.
        uri = {"runtimeParameter": _URI}
        component["inputDefinitions"] = {"parameters": {_URI: {"parameterType": "STRING"}}}
        taken = {"componentInputParameter": folder.parameter}
        task["inputs"] = {"parameters": {_URI: taken}}
    spec["components"][name] = component
    spec["deploymentSpec"]["executors"][label] = {
        "importer": {"artifactUri": uri, "typeSchema": _FOLDER_TYPE, "reimport": False}
    }
    spec["root"]["dag"]["tasks"][name] = task
    _take_artifact(spec, folder)
    _bind(spec, folder.component_id, folder.binding)


def check_executors(spec: dict[str, Any]) -> None:
    """Refuse what an open-source Kubeflow can't run.

    Raises:
      ValueError: For an executor that is neither container nor importer, or a driver hook.
    """
    for label, executor in spec["deploymentSpec"]["executors"].items():
        kinds = set(executor)
        if len(kinds) != 1 or not kinds <= set(RUNNABLE_EXECUTORS):
            raise ValueError(
                f"{label}: expected an executor of kind container or importer, got "
                f"{', '.join(sorted(kinds))}; an open-source Kubeflow runs nothing else"
            )
        if executor.get("container", {}).get("lifecycle"):
            raise ValueError(f"{label}: a driver hook never runs on an open-source Kubeflow")


def _declare(spec: dict[str, Any], name: str, default: str | int, description: str) -> None:
    definitions = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    definitions[name] = {
        "parameterType": _type_name(default),
        "defaultValue": default,
        "isOptional": True,
        "description": description,
    }


def _lead_in(spec: dict[str, Any], component_id: str, name: str, default: str | int) -> None:
    component = spec["components"][component_id]
    definitions = component.setdefault("inputDefinitions", {}).setdefault("parameters", {})
    definitions[name] = {"parameterType": _type_name(default)}
    inputs = spec["root"]["dag"]["tasks"][component_id].setdefault("inputs", {})
    inputs.setdefault("parameters", {})[name] = {"componentInputParameter": name}


def _take_artifact(spec: dict[str, Any], folder: MountedFolder) -> None:
    name, component = folder.binding.name, spec["components"][folder.component_id]
    definitions = component.setdefault("inputDefinitions", {}).setdefault("artifacts", {})
    definitions[name] = {"artifactType": _FOLDER_TYPE}
    task = spec["root"]["dag"]["tasks"][folder.component_id]
    task.setdefault("inputs", {}).setdefault("artifacts", {})[name] = {
        "taskOutputArtifact": {"producerTask": name, "outputArtifactKey": _IMPORTED}
    }
    task.setdefault("dependentTasks", []).append(name)


def _bind(spec: dict[str, Any], component_id: str, binding: Binding) -> None:
    label = spec["components"][component_id]["executorLabel"]
    arguments = spec["deploymentSpec"]["executors"][label]["container"]["args"]
    arguments.extend(["--bind", binding.to_flag()])


def _type_name(default: str | int) -> str:
    return "STRING" if isinstance(default, str) else "NUMBER_INTEGER"
