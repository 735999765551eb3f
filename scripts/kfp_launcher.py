"""Execute a compiled pipeline as Kubeflow Pipelines' driver and launcher would, with no cluster.

    python scripts/kfp_launcher.py pipeline.yaml --python VENV/bin/python --work DIR

Everything is derived from the YAML. Each task is one subprocess with the container's own command
line, in an empty working directory, with an ExecutorInput on its command line and an
``executor_output.json`` behind it, merged on as the launcher does. A root of ``minio://`` or
``s3://`` is a folder ``store/`` here: inputs are copied from it to the local paths of the
launcher's rule before a task, outputs back after it, and the paths are gone before the next one,
as a pod's disk is. Rules read off kubeflow/pipelines: backend/src/v2/component/launcher_v2.go
(`LocalPathForURI`, `mergeRuntimeArtifacts`), driver/driver.go (`provisionOutputs`) and
metadata/converter.go. No driver hook runs; an executor that is neither container nor importer is
an error.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

_SCHEMES = {"gs": "gcs", "minio": "minio", "s3": "s3"}
_MOUNT_ROOT_VARIABLE = "TFX_AUDIO_MOUNT_ROOT"  # a pod mounts at /; this machine below a folder
Json = dict[str, Any]


class Launcher:
    """One run of one compiled pipeline.

    Args:
      spec: The PipelineSpec.
      work: Folder for the object store, working directories, logs.
      python: The interpreter that stands for the container's ``python``.
      root: Overrides the spec's pipeline root.
      parameters: Run-time parameters by name.
    """

    def __init__(
        self, spec: Json, work: Path, python: Path, root: str | None, parameters: Json
    ) -> None:
        self.spec = spec
        self.work = work
        self.python = python
        self.root = (root or spec["defaultPipelineRoot"]).rstrip("/")
        self.parameters = self._resolve_parameters(parameters)
        self.outputs: dict[str, dict[str, Json]] = {}
        self.report: list[Json] = []
        self._next_id = 1
        self._scheme = self.root.partition("://")[0] if "://" in self.root else ""
        if self._scheme == "gs":
            raise SystemExit("gs:// needs Google Cloud Storage; use minio://, s3:// or a path")

    def run(self) -> list[Json]:
        """Run every task in order and return what each one made."""
        tasks = self.spec["root"]["dag"]["tasks"]
        done: set[str] = set()
        while len(done) < len(tasks):
            ready = [name for name in tasks if name not in done and self._needs(name) <= done]
            if not ready:
                raise SystemExit(f"the tasks {sorted(set(tasks) - done)} wait for each other")
            for name in ready:
                self._run_task(name, tasks[name])
                done.add(name)
        return self.report

    def _resolve_parameters(self, given: Json) -> Json:
        known = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise SystemExit(f"unknown parameters {unknown}; known: {sorted(known)}")
        return {name: given.get(name, item.get("defaultValue")) for name, item in known.items()}

    def _needs(self, name: str) -> set[str]:
        task = self.spec["root"]["dag"]["tasks"][name]
        producers = {
            item["taskOutputArtifact"]["producerTask"]
            for item in task.get("inputs", {}).get("artifacts", {}).values()
        }
        return producers | set(task.get("dependentTasks", []))

    def _run_task(self, name: str, task: Json) -> None:
        if task.get("triggerPolicy", {}).get("condition"):
            raise SystemExit(f"{name}: conditions are not part of this pipeline")
        component = self.spec["components"][task["componentRef"]["name"]]
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "container" in executor and set(executor) == {"container"}:
            self._run_container(name, task, component, executor["container"])
        elif set(executor) == {"importer"}:
            self._run_importer(name, task, component, executor["importer"])
        else:
            raise SystemExit(f"{name}: non-container and non-importer executor not implemented")

    def _run_importer(self, name: str, task: Json, component: Json, importer: Json) -> None:
        uri = importer["artifactUri"]
        if "runtimeParameter" in uri:
            value = self._parameter(task["inputs"]["parameters"][uri["runtimeParameter"]])
        else:
            value = uri["constant"]
        if value.partition("://")[0] not in _SCHEMES:
            raise SystemExit(f"{name}: no provider scheme found in artifact URI: {value}")
        (key,) = component["outputDefinitions"]["artifacts"]
        metadata = {**importer.get("metadata", {}), "store_session_info": "{}"}
        kind = importer["typeSchema"]
        self.outputs[name] = {key: self._stored({"uri": value, "type": kind, "metadata": metadata})}
        self.report.append({"task": name, "kind": "importer", "artifacts": self.outputs[name]})

    def _run_container(self, name: str, task: Json, component: Json, container: Json) -> None:
        if container.get("lifecycle"):
            raise SystemExit(f"{name}: relies on a driver hook, which never runs")
        folder = self.work / "tasks" / name
        cwd, mounts = folder / "cwd", folder / "disk"
        cwd.mkdir(parents=True)
        executor_input = self._executor_input(name, task, component, folder)
        for artifact in _each(executor_input["inputs"]["artifacts"]):
            self._download(artifact["uri"], mounts)
        for artifact in _each(executor_input["outputs"]["artifacts"]):
            Path(self._local(artifact["uri"], mounts)).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(executor_input)
        command = [*container.get("command", []), *container.get("args", [])]
        command = [part.replace("{{$}}", text) for part in command]
        started = time.monotonic()
        status = self._execute(command, cwd, folder / "log", mounts)
        seconds = time.monotonic() - started
        if status:
            tail = (folder / "log").read_text(errors="replace")[-4000:]
            raise SystemExit(f"{name}: exit status {status}; the end of its log:\n{tail}")
        self._collect(name, executor_input, mounts)
        self.report.append(
            {
                "task": name,
                "kind": "container",
                "seconds": round(seconds, 1),
                "left_in_cwd": sorted(os.listdir(cwd)),
                "artifacts": self.outputs[name],
            }
        )
        shutil.rmtree(mounts, ignore_errors=True)  # a pod's disk does not outlive it

    def _executor_input(self, name: str, task: Json, component: Json, folder: Path) -> Json:
        inputs = task.get("inputs", {})
        definitions = component.get("inputDefinitions", {}).get("parameters", {})
        values = {
            key: item["defaultValue"] for key, item in definitions.items() if "defaultValue" in item
        }
        for key, item in inputs.get("parameters", {}).items():
            values[key] = self._parameter(item)
        artifacts = {}
        for key, item in inputs.get("artifacts", {}).items():
            source = item["taskOutputArtifact"]
            found = self.outputs[source["producerTask"]][source["outputArtifactKey"]]
            artifacts[key] = {"artifacts": [found]}
        task_root = f"{self.root}/{name}/{uuid.uuid4()}"
        wanted = dict(component.get("outputDefinitions", {}).get("artifacts", {}))
        wanted["executor-logs"] = {"artifactType": {"schemaTitle": "system.Artifact"}}
        outputs = {
            key: {
                "artifacts": [
                    {
                        "name": key,
                        "uri": f"{task_root}/{key}",
                        "type": item["artifactType"],
                        "metadata": item.get("metadata", {}),
                    }
                ]
            }
            for key, item in wanted.items()
        }
        if self._scheme:
            output_file = f"{self._local(task_root, folder / 'disk')}/output_metadata.json"
        else:
            output_file = str(folder / "kfp_outputs" / "output_metadata.json")
        return {
            "inputs": {"parameterValues": values, "artifacts": artifacts},
            "outputs": {"artifacts": outputs, "outputFile": output_file},
        }

    def _parameter(self, item: Json) -> Any:
        if "runtimeValue" in item:
            return item["runtimeValue"]["constant"]
        return self.parameters[item["componentInputParameter"]]

    def _execute(self, command: list[str], cwd: Path, log: Path, mounts: Path) -> int:
        environment = {
            "PATH": f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(cwd.parent),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            _MOUNT_ROOT_VARIABLE: str(mounts),
        }
        with log.open("w") as file:
            return subprocess.run(
                command,
                cwd=cwd,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def _collect(self, name: str, executor_input: Json, mounts: Path) -> None:
        """Merge what the task says of its outputs, upload them, record them."""
        said = json.loads(Path(executor_input["outputs"]["outputFile"]).read_text())
        self.outputs[name] = {}
        for key, item in executor_input["outputs"]["artifacts"].items():
            artifact = item["artifacts"][0]
            if key != "executor-logs" and key in said.get("artifacts", {}):
                news = said["artifacts"][key]["artifacts"][0]
                artifact["uri"] = news.get("uri") or artifact["uri"]
                artifact["metadata"] = {**artifact["metadata"], **news.get("metadata", {})}
            if not artifact["uri"].startswith(self.root + "/"):
                raise SystemExit(
                    f"{name}.{key}: URI {artifact['uri']} does not have expected bucket prefix "
                    f"{self.root}"
                )
            self._upload(artifact["uri"], mounts)
            artifact["metadata"] = {
                **{field: _through_mlmd(value) for field, value in artifact["metadata"].items()},
                "display_name": key,
                "store_session_info": "{}",
            }
            self.outputs[name][key] = self._stored(artifact)

    def _stored(self, artifact: Json) -> Json:
        """Return an artifact as it comes back from ML Metadata: its name is its id."""
        stored = {**artifact, "name": str(self._next_id)}
        self._next_id += 1
        return stored

    def _local(self, uri: str, mounts: Path) -> str:
        scheme, separator, rest = uri.partition("://")
        return f"{mounts}/{_SCHEMES[scheme]}/{rest}" if separator else uri

    def _object(self, uri: str) -> Path:
        return self.work / "store" / uri.replace("://", "/")

    def _download(self, uri: str, mounts: Path) -> None:
        source, target = self._object(uri), Path(self._local(uri, mounts))
        if "://" in uri and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, target)

    def _upload(self, uri: str, mounts: Path) -> None:
        """Store a folder's files; an object store knows no empty folders."""
        local = Path(self._local(uri, mounts))
        if "://" not in uri or not local.exists():
            return
        for path in [local] if local.is_file() else local.rglob("*"):
            if path.is_file():
                target = self._object(uri) / path.relative_to(local)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


def _through_mlmd(value: Any) -> Any:
    """Return a metadata value as KFP gives it back after writing it to ML Metadata."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return {"list": value}
    if isinstance(value, dict):
        return {"struct": value}
    if isinstance(value, str):
        return value
    raise SystemExit(f"unknown/unsupported metadata value {value!r}")


def _each(by_name: Json) -> list[Json]:
    return [artifact for item in by_name.values() for artifact in item["artifacts"]]


def main() -> int:
    """Run a compiled pipeline and write a report of its tasks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="stands for the container's")
    parser.add_argument("--work", type=Path, required=True, help="a new folder")
    parser.add_argument("--root", help="pipeline root, instead of the compiled one")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=JSON")
    args = parser.parse_args()
    spec = yaml.safe_load(args.pipeline.read_text())
    pairs = [text.partition("=") for text in args.parameter]
    parameters = {name: json.loads(value) for name, _, value in pairs}
    work = args.work.resolve()
    launcher = Launcher(spec, work, args.python.absolute(), args.root, parameters)
    try:
        launcher.run()
    finally:
        work.mkdir(parents=True, exist_ok=True)
        (work / "report.json").write_text(json.dumps(launcher.report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
