"""Execute a compiled pipeline as an open-source Kubeflow Pipelines would, with no cluster.

    python scripts/kfp_launcher.py pipeline.yaml --python VENV/bin/python --work DIR

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
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

_MOUNT_ROOT_VARIABLE = "TFX_AUDIO_MOUNT_ROOT"  # a pod mounts at /; this machine below a folder
_LOGS = "executor-logs"
_LOST = 137  # the status of a pod that was killed
Json = dict[str, Any]


class Refused(SystemExit):
    """What Kubeflow's compiler, driver or launcher would not take."""


# objectstore/config.go: bucketPattern, ParseBucketPathToConfig. A plain path is no root.
_BUCKET = re.compile(r"^([a-z][a-z0-9]+)://([^/?]+)(/[^?]*)?(\?.+)?$")
# component/launcher_v2.go: LocalPathForURI.
_FOLDERS = {"gs": "gcs", "minio": "minio", "s3": "s3"}


def bucket_of(uri: str) -> tuple[str, str]:
    """Return scheme and bucket of a URI."""
    match = _BUCKET.match(uri)
    if match is None:
        raise Refused(f"parse bucket config failed: unrecognized pipeline root format: {uri!r}")
    if match[1] not in _FOLDERS:
        raise Refused(f"parse bucket config failed: unsupported Cloud bucket: {uri!r}")
    return match[1], match[2]


def key_in(prefix: str, uri: str) -> str:
    """Return an object's key below a bucket and prefix."""
    # objectstore/config.go: KeyFromURI.
    if not uri.startswith(prefix):
        raise Refused(f"URI {uri!r} does not have expected bucket prefix {prefix!r}")
    key = uri.removeprefix(prefix).lstrip("/")
    if not key:
        raise Refused(f"URI {uri!r} has empty key given prefixed bucket {prefix!r}")
    return key


def imported_uri(importer: Json, task: Json, parameters: Json) -> str:
    """Return what an importer imports."""
    # component/importer_launcher.go: ImportSpecToMLMDArtifact. A constant, or a parameter of the
    # run; a constant of the task is looked up among the run's parameters, and not found.
    uri = importer["artifactUri"]
    if uri.get("constant"):
        value = uri["constant"]
    elif "runtimeParameter" in uri:
        given = task.get("inputs", {}).get("parameters", {})
        if uri["runtimeParameter"] not in given:
            raise Refused(f"cannot find parameter {uri['runtimeParameter']} in task input")
        name = given[uri["runtimeParameter"]].get("componentInputParameter", "")
        if name not in parameters:
            raise Refused(
                "error resolving artifact URI: parent DAG does not have input parameter "
                f"{name or given[uri['runtimeParameter']]}"
            )
        value = parameters[name]
        if not value:
            raise Refused(f"empty artifact URI runtime value for parameter {name}")
    else:
        raise Refused("artifact uri not provided")
    try:
        bucket_of(value)
    except Refused:
        raise Refused(f"no provider scheme found in artifact URI: {value}") from None
    return value


def through_metadata(value: Any) -> Any:
    """Return a metadata value as it comes back from ML Metadata."""
    # metadata/converter.go: StructValueToMLMDValue, toRuntimeArtifact.
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, list):
        return {"list": value}
    if isinstance(value, dict):
        return {"struct": value}
    if isinstance(value, str):
        return value
    raise Refused(f"unknown/unsupported value type {value!r}")


def read_executor_output(path: Path) -> Json:
    """Return what a task said of its outputs; nothing where it wrote no file."""
    # component/launcher_v2.go: getExecutorOutputFile. protojson takes only fields that it knows.
    if not path.exists():
        return {}
    said: Json = json.loads(path.read_text())
    known = {"parameterValues", "artifacts"}
    fields = {"name", "type", "uri", "properties", "customProperties", "metadata", "customPath"}
    unknown = set(said) - known
    for artifact in _each(said.get("artifacts", {})):
        unknown |= set(artifact) - fields
    if unknown:
        raise Refused(f"failed to unmarshall ExecutorOutput: unknown fields {sorted(unknown)}")
    return said


def read_documents(path: Path) -> tuple[Json, Json]:
    """Return the PipelineSpec and the executors of the platform `kubernetes`."""
    spec, *others = yaml.safe_load_all(path.read_text())
    if len(others) > 1:
        raise Refused(f"expected one or two documents, got {1 + len(others)}")
    platforms = others[0]["platforms"] if others else {}
    executors = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    containers = spec["deploymentSpec"]["executors"]
    strangers = [label for label in executors if "container" not in containers.get(label, {})]
    if strangers:
        raise Refused(f"the platform spec names executors that run no container: {strangers}")
    return spec, executors


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
        self.python = python
        self.executors = executors or {}
        self.lose_first = set(lose_first)
        self.image, self.user, self.until = image, user, until
        # metadata/client.go: GetPipeline. Artifacts of a run lie at ROOT/PIPELINE/RUN.
        root = (root or spec["defaultPipelineRoot"]).rstrip("/")
        self.bucket = bucket_of(root)
        self.root = f"{root}/{spec['pipelineInfo']['name']}/{uuid.uuid4()}"
        if self.bucket[0] == "gs":
            raise SystemExit("gs:// needs Google Cloud Storage; use minio:// or s3://")
        self.parameters = self._resolve_parameters(parameters)
        self.outputs: dict[str, dict[str, Json]] = {}
        self.report: list[Json] = []
        self._next_id = 1
        self.confinement = [] if image else _unprivileged()

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
            pod = _Pod(folder, attempt, self, label)
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
        wanted[_LOGS] = {"artifactType": {"schemaTitle": "system.Artifact"}}
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

    def _collect(self, name: str, pod: _Pod) -> None:
        """Merge what the task says of its outputs, upload them, record them."""
        # component/launcher_v2.go: uploadOutputArtifacts, mergeRuntimeArtifacts;
        # metadata/client.go: RecordArtifact.
        said = read_executor_output(pod.output_file)
        self.outputs[name] = {}
        for key, item in pod.executor_input["outputs"]["artifacts"].items():
            artifact = item["artifacts"][0]
            if key != _LOGS and key in said.get("artifacts", {}):
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

    def object(self, uri: str) -> Path:
        """Return where the store keeps a URI's object or folder."""
        return self.work / "store" / uri.replace("://", "/")


class _Pod:
    """One attempt at one task: its disk, its environment, its log."""

    def __init__(self, folder: Path, attempt: int, launcher: Launcher, label: str) -> None:
        self.launcher = launcher
        self.attempt = attempt
        self.cwd = folder / f"cwd-{attempt}"
        self.disk = folder / "disk"
        self.log = folder / f"log-{attempt}"
        self.executor_input: Json = {}
        self.output_file = Path()
        self.platform = launcher.executors.get(label, {})
        self.cwd.mkdir(parents=True)

    def run(self, container: Json, executor_input: Json, lost: bool) -> int:
        """Run the container and return its status; a lost pod's outputs are gone with its disk."""
        self.executor_input = json.loads(json.dumps(executor_input))
        outputs = self.executor_input["outputs"]
        self.output_file = Path(self.local(outputs["outputFile"]))
        outputs["outputFile"] = f"{self.mount_root}{str(self.output_file)[len(str(self.disk)) :]}"
        # component/launcher_v2.go: qualifyExecutorLogsForRetry.
        logs = outputs["artifacts"][_LOGS]["artifacts"][0]
        logs["uri"] += f"-{self.attempt}"
        variables = {item["name"]: item["value"] for item in container.get("env", [])}
        for artifact in _each(self.executor_input["inputs"]["artifacts"]):
            self._download(artifact["uri"], variables)
        # component/launcher_v2.go: prepareOutputFolders makes the folders above the outputs only.
        for artifact in _each(outputs["artifacts"]):
            Path(self.local(artifact["uri"])).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.executor_input)
        command = [*container.get("command", []), *container.get("args", [])]
        status = self._execute([part.replace("{{$}}", text) for part in command], variables)
        shutil.copy2(self.log, self.local(logs["uri"]))
        if lost:
            status = _LOST
        elif status:
            self.upload(logs["uri"])  # of a task that failed, nothing but logs
        if status:
            self.remove_disk()
        return status

    @property
    def mount_root(self) -> str:
        """Return what stands before ``/minio`` where the task runs."""
        return "" if self.launcher.image else str(self.disk)

    def local(self, uri: str) -> str:
        """Return where the launcher keeps a URI on the pod's disk, seen from this machine."""
        scheme, _, rest = uri.partition("://")
        return f"{self.disk}/{_FOLDERS[scheme]}/{rest}"

    def upload(self, uri: str) -> None:
        """Store a folder's files; an object store knows no empty folders."""
        # objectstore/object_store.go: UploadBlob. What is not there is left out; a link to a folder
        # is opened as a file.
        local = Path(self.local(uri)) if "://" in uri else Path(uri)
        key_in(self.launcher.root, uri)
        if not local.exists():
            return
        for path in [local] if local.is_file() else local.rglob("*"):
            if path.is_symlink() and path.is_dir():
                raise Refused(f"uploadFile(): unable to complete copying {path}: is a directory")
            if path.is_file():
                target = self.launcher.object(uri) / path.relative_to(local)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)

    def remove_disk(self) -> None:
        """Remove what a pod's disk held: it does not outlive the pod."""
        shutil.rmtree(self.disk, ignore_errors=True)

    def _download(self, uri: str, variables: Json) -> None:
        # component/launcher_v2.go: downloadArtifacts, fetchNonDefaultBuckets.
        if "://" not in uri:
            return
        bucket = bucket_of(uri)
        if bucket != self.launcher.bucket:
            self._check_credentials(uri, variables)
        if not uri.startswith(self.launcher.root):
            key_in("://".join(bucket), uri)
        source, target = self.launcher.object(uri), Path(self.local(uri))
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, target)

    def _check_credentials(self, uri: str, variables: Json) -> None:
        # objectstore/object_store.go: OpenBucket, newS3Client(nil, nil). Another bucket than the
        # root's has no session: AWS's own endpoint, and credentials from the pod's environment.
        secrets = self.platform.get("secretAsEnv", [])
        names = {pair["envVar"] for secret in secrets for pair in secret["keyToEnv"]}
        if not uri.startswith("s3://"):
            raise Refused(f"failed to open bucket for {uri!r}: not the root's, so asked of AWS")
        if "AWS_ACCESS_KEY_ID" not in names | set(variables):
            raise Refused(f"failed to open bucket for {uri!r}: no credentials in the environment")

    def _execute(self, command: list[str], variables: Json) -> int:
        environment: Json | None = None  # podman needs this process's own
        if self.launcher.image:
            command = self._in_container(command, variables)
        else:
            assert self.launcher.python is not None
            command = [*self.launcher.confinement, *command]
            environment = {
                "PATH": f"{self.launcher.python.parent}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.cwd.parent),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                _MOUNT_ROOT_VARIABLE: self.mount_root,
                **variables,
            }
        with self.log.open("w") as file:
            return subprocess.run(
                command,
                cwd=self.cwd,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def _in_container(self, command: list[str], variables: Json) -> list[str]:
        # compiler/argocompiler/container.go: /gcs, /s3 and /minio are volumes of the pod's own.
        run = ["podman", "--runtime", "runc", "run", "--rm", "--network", "none"]
        run += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
        run += ["--user", self.launcher.user, "--cap-drop", "all"]
        run += ["--security-opt", "no-new-privileges"]
        for name in _FOLDERS.values():
            (self.disk / name).mkdir(parents=True, exist_ok=True)
            run += ["--volume", f"{self.disk / name}:/{name}"]
        for folder in [path for path in self.disk.rglob("*") if path.is_dir()]:
            folder.chmod(0o777)
        run += [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
        return [*run, "--entrypoint", command[0], self.launcher.image, *command[1:]]


def _unprivileged() -> list[str]:
    """Return the command that drops user and capabilities; nothing where the machine forbids it."""
    # compiler/argocompiler/security_context.go: defaultUserContainerSecurityContext drops all
    # capabilities and privilege escalation; the image's user is 1000. A user namespace shows the
    # task that user and leaves this user's files readable.
    command = ["setpriv", "--no-new-privs", "unshare", "--user", "--map-user=1000"]
    command += ["--map-group=1000", "--"]
    if (
        shutil.which(command[0])
        and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        return command
    print("no user namespaces here: tasks keep this user and its capabilities", file=sys.stderr)
    return []


def _each(by_name: Json) -> Iterator[Json]:
    for item in by_name.values():
        yield from item["artifacts"]


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
