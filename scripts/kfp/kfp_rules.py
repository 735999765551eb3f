"""What KFP 2.17.0 takes and refuses, read from its sources; see `kfp_launcher`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

LOGS = "executor-logs"
Json = dict[str, Any]


class Refused(SystemExit):
    """What Kubeflow's compiler, driver or launcher would not take."""


# objectstore/config.go: bucketPattern, ParseBucketPathToConfig. A plain path is no root.
_BUCKET = re.compile(r"^([a-z][a-z0-9]+)://([^/?]+)(/[^?]*)?(\?.+)?$")
# component/launcher_v2.go: LocalPathForURI.
FOLDERS = {"gs": "gcs", "minio": "minio", "s3": "s3"}


def bucket_of(uri: str) -> tuple[str, str]:
    """Return scheme and bucket of a URI."""
    match = _BUCKET.match(uri)
    if match is None:
        raise Refused(f"parse bucket config failed: unrecognized pipeline root format: {uri!r}")
    if match[1] not in FOLDERS:
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
    for artifact in each_artifact(said.get("artifacts", {})):
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


def each_artifact(by_name: Json) -> Iterator[Json]:
    """Yield the artifacts of inputs or outputs by name."""
    for item in by_name.values():
        yield from item["artifacts"]
