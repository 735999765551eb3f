"""Execute a compiled pipeline as an open-source Kubeflow Pipelines would, with no cluster.

    python scripts/kfp/kfp_launcher.py pipeline.yaml --python VENV/bin/python --work DIR

Everything is derived from the YAML. Each task is one subprocess with the container's own command
line, as user 1000 without capabilities, in an empty working directory. The object store is the
folder ``store/``: inputs are copied from it to the local paths of the launcher's rule before a
task, outputs back after it, and the paths are gone before the next one, as a pod's disk is.

Each rule names the file of kubeflow/pipelines, below backend/src/v2 at release 2.17.0, that it was
read from. `Refused` is what a cluster would not run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from kfp_pod import Machine, Pod, unprivileged
from kfp_rules import (
    LOGS,
    Json,
    Refused,
    bucket_of,
    imported_uri,
    read_documents,
    read_executor_output,
    through_metadata,
)


class Launcher:
    """One run of one compiled pipeline.

    Args:
      spec: The PipelineSpec.
      work: Folder for the object store, working directories, logs.
      python: The interpreter that stands for the container's ``python``.
      root: The run's pipeline root; the one that `tfx-audio submit` would pass without it.
      parameters: Run-time parameters by name.
      executors: The platform spec's executors by label.
      lose_first: Tasks whose first pod is lost after its work, before its outputs are uploaded.
      image: Run the tasks in this image, with podman, instead of `python`.
      user: The image's user, as ``UID:GID``.
      until: Stop after this task.
    """

    def __init__(
        self,
        spec: Json,
        work: Path,
        python: Path | None,
        root: str | None,
        parameters: Json,
        executors: Json | None = None,
        lose_first: Collection[str] = (),
        image: str = "",
        user: str = "1000",
        until: str = "",
    ) -> None:
        self.spec = spec
        self.work = work
        self.executors = executors or {}
        self.lose_first = set(lose_first)
        self.until = until
        # metadata/client.go: GetPipeline. Artifacts of a run lie at ROOT/PIPELINE/RUN.
        root = (root or spec["defaultPipelineRoot"]).rstrip("/")
        if bucket_of(root)[0] == "gs":
            raise SystemExit("gs:// needs Google Cloud Storage; use minio:// or s3://")
        self.parameters = self._resolve_parameters(parameters)
        self.outputs: dict[str, dict[str, Json]] = {}
        self.report: list[Json] = []
        self._next_id = 1
        self.root = f"{root}/{spec['pipelineInfo']['name']}/{uuid.uuid4()}"
        confinement = [] if image else unprivileged()
        self.machine = Machine(work, self.root, python, image, user, confinement)

    def run(self) -> list[Json]:
        """Run every task in order and return what each one made."""
        tasks = self.spec["root"]["dag"]["tasks"]
        done: set[str] = set()
        while len(done) < len(tasks):
            ready = [name for name in tasks if name not in done and self._needs(name) <= done]
            if not ready:
                raise Refused(f"the tasks {sorted(set(tasks) - done)} wait for each other")
            for name in ready:
                self._run_task(name, tasks[name])
                done.add(name)
                if name == self.until:
                    return self.report
        return self.report

    def _resolve_parameters(self, given: Json) -> Json:
        # compiler/argocompiler/argo.go: Compile fills in the defaults.
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
        label = component["executorLabel"]
        executor = self.spec["deploymentSpec"]["executors"][label]
        # compiler/visitor.go and argocompiler/argo.go: Resolver.
        if set(executor) == {"container"}:
            self._run_container(name, task, component, executor["container"], label)
        elif set(executor) == {"importer"}:
            self._run_importer(name, task, component, executor["importer"])
        else:
            raise Refused(f"{name}: non-container and non-importer executor not implemented")

    def _run_importer(self, name: str, task: Json, component: Json, importer: Json) -> None:
        uri = imported_uri(importer, task, self.parameters)
        (key,) = component["outputDefinitions"]["artifacts"]
        metadata = {k: through_metadata(v) for k, v in importer.get("metadata", {}).items()}
        session = {"Provider": bucket_of(uri)[0], "Params": {"fromEnv": "true"}}
        metadata["store_session_info"] = json.dumps(session)
        self.outputs[name] = {key: self._stored({"uri": uri, "metadata": metadata})}
        self.report.append({"task": name, "kind": "importer", "artifacts": self.outputs[name]})

    def _run_container(
        self, name: str, task: Json, component: Json, container: Json, label: str
    ) -> None:
        if container.get("lifecycle"):  # driver/container.go knows no preCacheCheck
            raise Refused(f"{name}: relies on a driver hook, which never runs")
        folder = self.work / "tasks" / name
        executor_input = self._executor_input(name, task, component)
        started = time.monotonic()
        # compiler/argocompiler/container.go: getTaskRetryStrategyFromInput. Each pod starts anew,
        # with what the driver handed to the first.
        attempts = 1 + task.get("retryPolicy", {}).get("maxRetryCount", 0)
        for attempt in range(attempts):
            pod = Pod(folder, attempt, self.machine, self.executors.get(label, {}))
            lost = not attempt and name in self.lose_first
            status = pod.run(container, executor_input, lost)
            if not status:
                break
        if status:
            tail = pod.log.read_text(errors="replace")[-4000:]
            raise SystemExit(f"{name}: exit status {status}; the end of its log:\n{tail}")
        self._collect(name, pod)
        self.report.append(
            {
                "task": name,
                "kind": "container",
                "attempts": attempt + 1,
                "seconds": round(time.monotonic() - started, 1),
                "left_in_cwd": sorted(os.listdir(pod.cwd)),
                "artifacts": self.outputs[name],
            }
        )
        pod.remove_disk()

    def _executor_input(self, name: str, task: Json, component: Json) -> Json:
        inputs = task.get("inputs", {})
        # component/launcher_v2.go: addDefaultParams.
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
        # driver/driver.go: provisionOutputs. Outputs keep their types, and logs are one of them.
        task_root = f"{self.root}/{name}/{uuid.uuid4()}"
        wanted = dict(component.get("outputDefinitions", {}).get("artifacts", {}))
        wanted[LOGS] = {"artifactType": {"schemaTitle": "system.Artifact"}}
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
        return {
            "inputs": {"parameterValues": values, "artifacts": artifacts},
            "outputs": {"artifacts": outputs, "outputFile": f"{task_root}/output_metadata.json"},
        }

    def _parameter(self, item: Json) -> Any:
        if "runtimeValue" in item:
            return item["runtimeValue"]["constant"]
        return self.parameters[item["componentInputParameter"]]

    def _collect(self, name: str, pod: Pod) -> None:
        """Merge what the task says of its outputs, upload them, record them."""
        # component/launcher_v2.go: uploadOutputArtifacts, mergeRuntimeArtifacts;
        # metadata/client.go: RecordArtifact.
        said = read_executor_output(pod.output_file)
        self.outputs[name] = {}
        for key, item in pod.executor_input["outputs"]["artifacts"].items():
            artifact = item["artifacts"][0]
            if key != LOGS and key in said.get("artifacts", {}):
                news = said["artifacts"][key]["artifacts"][0]
                artifact["uri"] = news.get("uri") or artifact["uri"]
                artifact["metadata"] = {**artifact["metadata"], **news.get("metadata", {})}
            pod.upload(artifact["uri"])
            metadata = {k: through_metadata(v) for k, v in artifact["metadata"].items()}
            artifact["metadata"] = {"display_name": key, "store_session_info": "{}", **metadata}
            self.outputs[name][key] = self._stored(artifact)

    def _stored(self, artifact: Json) -> Json:
        """Return an artifact as the driver hands it to the next task: its name an id, no type."""
        # metadata/client.go: GetOutputArtifactsByExecutionId ("Schema: ''"), ToRuntimeArtifact.
        name = str(self._next_id)
        self._next_id += 1
        return {**artifact, "name": name, "type": {"instanceSchema": ""}}


def main() -> int:
    """Run a compiled pipeline and write a report of its tasks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", type=Path)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--python", type=Path, help="stands for the container's")
    where.add_argument("--image", default="", help="run the tasks in this image, with podman")
    parser.add_argument("--user", default="1000", metavar="UID[:GID]", help="the image's user")
    parser.add_argument("--until", default="", metavar="TASK", help="stop after this task")
    parser.add_argument("--work", type=Path, required=True, help="a new folder")
    parser.add_argument("--root", help="the run's pipeline root, instead of the compiled one")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument(
        "--lose-first",
        action="append",
        default=[],
        metavar="TASK",
        help="lose the task's first pod after its work, before its outputs are uploaded",
    )
    args = parser.parse_args()
    spec, executors = read_documents(args.pipeline)
    pairs = [text.partition("=") for text in args.parameter]
    parameters = {name: json.loads(value) for name, _, value in pairs}
    work = args.work.resolve()
    launcher = Launcher(
        spec,
        work,
        args.python and args.python.absolute(),
        args.root,
        parameters,
        executors,
        args.lose_first,
        args.image,
        args.user,
        args.until,
    )
    try:
        launcher.run()
    finally:
        work.mkdir(parents=True, exist_ok=True)
        (work / "report.json").write_text(json.dumps(launcher.report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
