"""What a pod of Kubeflow Pipelines v2 runs: TFX's entry point, on the launcher's terms.

``python -m tfx_audio.pipeline.kubeflow.entrypoint --executor_class_path … {{$}}``. Around TFX's own
`kubeflow_v2_run_executor` it does five things:

* The launcher downloads and uploads artifacts at local paths (``minio://b/x`` at ``/minio/b/x``,
  ``s3://b/x`` at ``/s3/b/x``; kubeflow/pipelines, backend/src/v2/component, `LocalPathForURI`). TFX
  gets those paths, the launcher gets its URIs back. ``gs://`` is left to TFX.
* The driver hands input artifacts over without their types (backend/src/v2/metadata/client.go,
  ``Schema: ""``, in every release from 2.0 to 2.17): the component's own declaration fills them in.
* Run-time values and mounted folders go into the component's parameters (`binding`).
* Outputs that are the launcher's own (``executor-logs``) stay out of TFX's sight.
* Exit status 2 means that the input can't be used, 1 that the component failed.
"""

import argparse
import json
import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.pipeline.kubeflow.binding import Binding

TFX_ENTRY_POINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
MOUNT_ROOT_ENVIRONMENT_VARIABLE = "TFX_AUDIO_MOUNT_ROOT"
GPUS_VARIABLE = "TFX_AUDIO_GPUS"
BEAM_ARGS_PARAMETER = "beam_args"
_MOUNTED = re.compile(r"\b(minio|s3)://")
_LAUNCHER_SCHEMA = re.compile(r"^\s*title:\s*system\.", re.MULTILINE)
_PUSHED_DESTINATION = "pushed_destination"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one component's executor and return the exit status."""
    own, tfx_args = parse_arguments(sys.argv[1:] if argv is None else argv)
    executor_input = json.loads(own.json_serialized_invocation_args)
    bindings = [Binding.from_flag(flag) for flag in own.bind]
    declared = own.json_serialized_inputs_spec_args
    try:
        tfx_input, beam_args = prepare(executor_input, bindings)
        fill_in_types(tfx_input, json.loads(declared))
        warn_without_gpu()
        invocation = ["--json_serialized_invocation_args", json.dumps(tfx_input)]
        invocation += ["--json_serialized_inputs_spec_args", declared]
        _run_tfx([*invocation, *tfx_args, *beam_args])
    except (InvalidInput, TooManyRejected) as error:
        print(f"tfx-audio: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1
    _publish(executor_input, tfx_input)
    return 0


def parse_arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Divide the command line into this module's part and TFX's."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", default="{}")
    parser.add_argument("--bind", action="append", default=[])
    return parser.parse_known_args(list(argv))


def prepare(
    executor_input: dict[str, Any], bindings: Sequence[Binding]
) -> tuple[dict[str, Any], list[str]]:
    """Return the ExecutorInput as TFX takes it, and Beam's run-time arguments.

    Raises:
      InvalidInput: If Beam's arguments can't be told apart.
    """
    tfx_input: dict[str, Any] = json.loads(json.dumps(executor_input))
    inputs = tfx_input.setdefault("inputs", {})
    parameters = inputs.get("parameterValues", {})
    artifacts = inputs.get("artifacts", {})
    beam_args = _split(str(parameters.pop(BEAM_ARGS_PARAMETER, "")))
    values = {name: parameters.pop(name) for name in _names(bindings, "parameters")}
    folders = {name: artifacts.pop(name) for name in _names(bindings, "artifacts")}
    for binding in bindings:  # a mounted folder comes after the URI it was mounted from
        if binding.kind == "parameters":
            parameters = binding.apply(parameters, values[binding.name])
    for binding in bindings:
        if binding.kind == "artifacts":
            path = folder_path(folders[binding.name]["artifacts"][0]["uri"])
            parameters = binding.apply(parameters, path)
    inputs["parameterValues"] = {name: _local(value) for name, value in parameters.items()}
    outputs = tfx_input.setdefault("outputs", {}).get("artifacts", {})
    for name in [name for name, item in outputs.items() if _is_launchers(item)]:
        del outputs[name]
    for artifact in [*_artifacts(artifacts), *_artifacts(outputs)]:
        artifact["uri"] = local_path(artifact["uri"])
    return tfx_input, beam_args


def fill_in_types(tfx_input: dict[str, Any], inputs_spec: dict[str, Any]) -> None:
    """Give input artifacts without a type the one that the component declares."""
    declared = inputs_spec.get("artifacts", {})
    for name, item in tfx_input.get("inputs", {}).get("artifacts", {}).items():
        for artifact in item.get("artifacts", []):
            if name in declared and not any(artifact.get("type", {}).values()):
                artifact["type"] = declared[name]["artifactType"]


def warn_without_gpu() -> None:
    """Say so where the pod was given GPUs and TensorFlow sees none."""
    asked = os.environ.get(GPUS_VARIABLE)
    if not asked:
        return
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        print(
            f"tfx-audio: this pod asked for {asked} GPU, and TensorFlow sees none: it runs on the "
            "CPU. Expected an image with CUDA (docker build --build-arg GPU=1) on a GPU's node",
            file=sys.stderr,
        )


def _split(beam_args: str) -> list[str]:
    try:
        return shlex.split(beam_args)
    except ValueError as error:
        raise InvalidInput(f"{BEAM_ARGS_PARAMETER} is {beam_args!r}: {error}") from None


def local_path(uri: str) -> str:
    """Return where the launcher mounts a URI; ``gs://`` and plain paths are TFX's own business."""
    return _MOUNTED.sub(lambda match: f"{_mount_root()}/{match[1]}/", uri)


def folder_path(uri: str) -> str:
    """Return where the launcher mounts an imported folder: ``gs://`` ones too."""
    return local_path(re.sub(r"^gs://", f"{_mount_root()}/gcs/", uri))


def restore(
    executor_output: dict[str, Any], executor_input: dict[str, Any], tfx_input: dict[str, Any]
) -> dict[str, Any]:
    """Return TFX's ExecutorOutput with the launcher's URIs in place of local paths."""
    uris = {}
    for section in ("inputs", "outputs"):
        known = tfx_input.get(section, {}).get("artifacts", {})
        for name, item in known.items():
            original = executor_input[section]["artifacts"][name]["artifacts"]
            for mine, theirs in zip(item.get("artifacts", []), original, strict=True):
                uris[mine["uri"]] = theirs["uri"]
    restored: dict[str, Any] = json.loads(json.dumps(executor_output))
    for artifact in _artifacts(restored.get("artifacts", {})):
        artifact["uri"] = uris.get(artifact["uri"], artifact["uri"])
        metadata = artifact.get("metadata", {})
        for name, value in metadata.items():
            if isinstance(value, str):
                metadata[name] = uris.get(value, value)
        if metadata.get(_PUSHED_DESTINATION, "").startswith(_mounts()):
            # The destination was this pod's disk; what the launcher uploads is the artifact.
            metadata[_PUSHED_DESTINATION] = artifact["uri"]
    return restored


def register_artifact_types() -> None:
    """Tell TFX which classes the project's artifact type names mean."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    from tfx_audio.components import artifacts

    for name in ("RejectedClips", "SoundBanks", "AugmentationHtml", "EvaluationHtml"):
        cls = getattr(artifacts, name)
        compiler_utils.TITLE_TO_CLASS_PATH[cls.TYPE_NAME] = f"{cls.__module__}.{cls.__name__}"


def _run_tfx(command: list[str]) -> None:
    register_artifact_types()
    _make_output_folders(command)
    before = sys.argv
    sys.argv = [TFX_ENTRY_POINT, *command]
    try:
        runpy.run_module(TFX_ENTRY_POINT, run_name="__main__")
    except SystemExit as stop:  # absl's way to return
        if stop.code:
            raise
    finally:
        sys.argv = before


def _make_output_folders(command: list[str]) -> None:
    """Make the outputs' own folders: the launcher makes only those above them."""
    outputs = json.loads(command[1])["outputs"]
    for artifact in _artifacts(outputs.get("artifacts", {})):
        if "://" not in artifact["uri"]:
            os.makedirs(artifact["uri"], exist_ok=True)


def _publish(executor_input: dict[str, Any], tfx_input: dict[str, Any]) -> None:
    """Put the launcher's URIs into the file that TFX wrote."""
    from tfx.dsl.io import fileio

    path = tfx_input["outputs"]["outputFile"]
    with fileio.open(path, "r") as file:
        executor_output = json.loads(file.read())
    restored = restore(executor_output, executor_input, tfx_input)
    with fileio.open(path, "w") as file:
        file.write(json.dumps(restored))


def _names(bindings: Sequence[Binding], kind: str) -> set[str]:
    return {binding.name for binding in bindings if binding.kind == kind}


def _artifacts(by_name: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in by_name.values():
        yield from item.get("artifacts", [])


def _is_launchers(item: dict[str, Any]) -> bool:
    """Return whether an output is one that KFP added (a ``system.`` type that TFX lacks)."""
    kind = item["artifacts"][0].get("type", {}) if item.get("artifacts") else {}
    if kind.get("schemaTitle", "").startswith("system."):
        return True
    return bool(_LAUNCHER_SCHEMA.search(kind.get("instanceSchema", "")))


def _local(value: Any) -> Any:
    return local_path(value) if isinstance(value, str) else value


def _mount_root() -> str:
    """Return what stands before ``/minio`` and ``/s3``; empty in a pod."""
    return os.environ.get(MOUNT_ROOT_ENVIRONMENT_VARIABLE, "").rstrip("/")


def _mounts() -> tuple[str, ...]:
    return tuple(f"{_mount_root()}/{scheme}/" for scheme in ("minio", "s3"))


if __name__ == "__main__":
    sys.exit(main())
