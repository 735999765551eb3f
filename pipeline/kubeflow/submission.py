"""Start a run of a compiled pipeline: its root and its parameters go with it.

A backend reads neither out of the file: without a root it takes its own (kubeflow/pipelines 2.17.0,
backend/src/v2/driver/root_dag.go, `RootDAG`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.kubeflow.locations import check_folder, check_root, is_remote

DATA_ROOT = "data_root"
_NUMBERS = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}


@dataclass(frozen=True)
class Cluster:
    """A Kubeflow Pipelines API: its address, the user's namespace, a bearer token."""

    host: str
    namespace: str = ""
    token: str = ""


@dataclass(frozen=True)
class Submission:
    """One run to start; without a name it is called after the file and the time.

    `experiment` is the group of runs that Kubeflow shows it in. Without `use_cache` every component
    runs again, even if Kubeflow has its outputs.
    """

    path: Path
    root: str
    arguments: dict[str, Any]
    experiment: str = "tfx-audio"
    name: str = ""
    use_cache: bool = True


def read_spec(path: str | Path) -> dict[str, Any]:
    """Return a compiled pipeline's PipelineSpec.

    Raises:
      InvalidInput: If the file is not a compiled pipeline.
    """
    try:
        documents = list(yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not YAML: {error}") from None
    spec = documents[0] if documents else None
    if not isinstance(spec, dict) or "deploymentSpec" not in spec:
        raise InvalidInput(f"{path}: expected a pipeline that `tfx-audio compile` wrote")
    return spec


def arguments_of(spec: Mapping[str, Any], pairs: Iterable[str]) -> dict[str, Any]:
    """Return run-time parameters of ``NAME=VALUE`` texts, typed as the pipeline declares them.

    Raises:
      InvalidInput: For a parameter that is not there, or a value of another type.
    """
    known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    found = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or name not in known:
            hint = did_you_mean(name, known)
            raise InvalidInput(
                f"--parameter: expected NAME=VALUE with a name of {', '.join(known)}, got {pair!r}."
                + hint
            )
        convert = _NUMBERS.get(known[name]["parameterType"], str)
        try:
            found[name] = convert(text)
        except ValueError:
            raise InvalidInput(f"--parameter {name}: expected a number, got {text!r}") from None
    return found


def check_submission(spec: Mapping[str, Any], root: str, arguments: Mapping[str, Any]) -> str:
    """Refuse a run that the backend would fail.

    Returns:
      What a pod needs that the root's bucket does not give; empty where nothing.

    Raises:
      InvalidInput: For a root or a data root that no pod can use.
    """
    check_root(root)
    if DATA_ROOT not in arguments:
        return ""
    folder = arguments[DATA_ROOT]
    imported = any(
        "runtimeParameter" in executor.get("importer", {}).get("artifactUri", {})
        for executor in spec["deploymentSpec"]["executors"].values()
    )
    if imported != is_remote(folder):
        expected = "a URI, which an importer takes" if imported else "a path that the pods see"
        raise InvalidInput(
            f"--parameter {DATA_ROOT}: this pipeline was compiled for {expected}; got {folder}. "
            "Compile it with --data of the other kind"
        )
    return check_folder(f"--parameter {DATA_ROOT}", folder, root)


def submit(cluster: Cluster, submission: Submission) -> str:
    """Start the run and return its address.

    Raises:
      InvalidInput: If the API can't be reached, or refuses the run.
    """
    import kfp
    from kfp_server_api.exceptions import OpenApiException
    from urllib3.exceptions import HTTPError

    try:
        client = kfp.Client(
            host=cluster.host, ui_host=cluster.host, existing_token=cluster.token or None
        )
        run = client.create_run_from_pipeline_package(
            str(submission.path),
            arguments=submission.arguments,
            run_name=submission.name or None,
            experiment_name=submission.experiment,
            namespace=cluster.namespace or None,
            pipeline_root=submission.root,
            enable_caching=None if submission.use_cache else False,
        )
    except (OpenApiException, HTTPError, TimeoutError) as error:
        reason = getattr(error, "body", None) or error
        raise InvalidInput(f"--host {cluster.host}: the run was not started: {reason}") from None
    return f"{cluster.host.rstrip('/')}/#/runs/details/{run.run_id}"
