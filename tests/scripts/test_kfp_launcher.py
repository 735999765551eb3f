"""`scripts/kfp/kfp_launcher.py` refuses what an open-source Kubeflow does not run."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import kfp_launcher
import pytest
import yaml

from tfx_audio.pipeline.kubeflow.pipeline_spec import check_executors


def _spec(executor: dict[str, Any], outputs: tuple[str, ...] = ()) -> dict[str, Any]:
    kind = {"artifactType": {"schemaTitle": "system.Artifact"}}
    return {
        "defaultPipelineRoot": "minio://bucket/run",
        "pipelineInfo": {"name": "a-pipeline"},
        "root": {"dag": {"tasks": {"only": {"componentRef": {"name": "only"}}}}},
        "components": {
            "only": {
                "executorLabel": "only_executor",
                "outputDefinitions": {"artifacts": dict.fromkeys(outputs, kind)},
            }
        },
        "deploymentSpec": {"executors": {"only_executor": executor}},
    }


def _run(spec: dict[str, Any], work: Path, **options: Any) -> list[dict[str, Any]]:
    launcher = kfp_launcher.Launcher(spec, work, Path(sys.executable), None, {}, **options)
    report: list[dict[str, Any]] = launcher.run()
    return report


def _script(body: str) -> dict[str, Any]:
    head = "import json, os, sys; task = json.loads(sys.argv[1]); "
    return {
        "container": {"image": "i", "command": ["python", "-c"], "args": [head + body, "{{$}}"]}
    }


def _stored(work: Path, artifact: dict[str, Any]) -> Path:
    return work / "store" / artifact["uri"].replace("://", "/")


WRITES = (
    "out = task['outputs']; one = out['artifacts']['x']['artifacts'][0]; "
    "root = os.environ['TFX_AUDIO_MOUNT_ROOT']; "
    "path = root + '/' + one['uri'].replace('://', '/'); os.makedirs(path); "
    "open(path + '/file', 'w').write('content'); "
    "said = {'artifacts': {'x': {'artifacts': [{'metadata': {'n': 3, 'l': [1]}}]}}}; "
    "open(out['outputFile'], 'w').write(json.dumps(said))"
)


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ({"resolver": {}}, "non-container and non-importer executor"),
        ({"container": {"image": "i", "lifecycle": {"preCacheCheck": {}}}}, "driver hook"),
    ],
)
def test_what_kubeflow_does_not_run_is_an_error(
    executor: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=message):
        _run(_spec(executor), tmp_path)
    with pytest.raises(ValueError, match="only_executor"):
        check_executors(_spec(executor))


def test_what_a_task_writes_to_its_mount_is_stored_and_what_it_says_is_merged(
    tmp_path: Path,
) -> None:
    (task,) = _run(_spec(_script(WRITES), outputs=("x",)), tmp_path)
    artifact = task["artifacts"]["x"]
    assert (_stored(tmp_path, artifact) / "file").read_text() == "content"
    assert artifact["metadata"]["n"] == 3.0
    assert artifact["metadata"]["l"] == {"list": [1]}
    assert not (tmp_path / "tasks" / "only" / "disk").exists()


def test_artifacts_lie_below_root_pipeline_run_task_and_id(tmp_path: Path) -> None:
    (task,) = _run(_spec(_script(WRITES), outputs=("x",)), tmp_path)
    identifier = "[0-9a-f-]{36}"
    pattern = f"minio://bucket/run/a-pipeline/{identifier}/only/{identifier}/x"
    assert re.fullmatch(pattern, task["artifacts"]["x"]["uri"])


def test_the_next_task_gets_the_artifact_without_its_type(tmp_path: Path) -> None:
    (task,) = _run(_spec(_script(WRITES), outputs=("x",)), tmp_path)
    assert task["artifacts"]["x"]["type"] == {"instanceSchema": ""}


def test_a_task_is_user_1000_without_capabilities(tmp_path: Path) -> None:
    if not kfp_launcher.unprivileged():
        pytest.skip("this machine allows no user namespaces")
    _run(_spec(_script("print(os.getuid()); print(open('/proc/self/status').read())")), tmp_path)
    log = (tmp_path / "tasks" / "only" / "log-0").read_text()
    assert log.startswith("1000\n")
    assert re.search(r"CapEff:\s*0{16}\n", log)
    assert re.search(r"NoNewPrivs:\s*1\n", log)


def test_a_pod_that_is_lost_is_retried_on_a_new_disk_with_the_same_uris(tmp_path: Path) -> None:
    spec = _spec(_script(WRITES), outputs=("x",))  # makedirs fails where the folder is there
    spec["root"]["dag"]["tasks"]["only"]["retryPolicy"] = {"maxRetryCount": 1}
    (task,) = _run(spec, tmp_path, lose_first=["only"])
    assert task["attempts"] == 2
    assert (_stored(tmp_path, task["artifacts"]["x"]) / "file").exists()
    assert task["artifacts"]["executor-logs"]["uri"].endswith("/executor-logs-1")


def test_a_pod_that_is_lost_without_retries_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="only: exit status 137"):
        _run(_spec(_script(WRITES), outputs=("x",)), tmp_path, lose_first=["only"])
    assert not list((tmp_path / "store").rglob("file"))


@pytest.mark.parametrize("uri", ["/minio/bucket/run/x", "minio://bucket/elsewhere"])
def test_an_output_outside_the_runs_root_is_an_error(uri: str, tmp_path: Path) -> None:
    body = (
        "out = task['outputs']; "
        f"said = {{'artifacts': {{'x': {{'artifacts': [{{'uri': {uri!r}}}]}}}}}}; "
        "open(out['outputFile'], 'w').write(json.dumps(said))"
    )
    with pytest.raises(SystemExit, match="does not have expected bucket prefix"):
        _run(_spec(_script(body), outputs=("x",)), tmp_path)


def test_an_unknown_field_of_the_output_is_an_error(tmp_path: Path) -> None:
    body = "open(task['outputs']['outputFile'], 'w').write(json.dumps({'artefacts': {}}))"
    with pytest.raises(SystemExit, match="unknown fields \\['artefacts'\\]"):
        _run(_spec(_script(body)), tmp_path)


def test_a_failing_task_shows_the_end_of_its_log_and_uploads_only_that(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"(?s)only: exit status 3.*what went wrong"):
        _run(_spec(_script("print('what went wrong'); sys.exit(3)")), tmp_path)
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["executor-logs-0"]
    assert files[0].read_text() == "what went wrong\n"


def test_an_unknown_runtime_parameter_is_refused(tmp_path: Path) -> None:
    launcher = kfp_launcher.Launcher
    with pytest.raises(SystemExit, match="unknown parameters"):
        launcher(_spec({"importer": {}}), tmp_path, Path(sys.executable), None, {"nope": 1})


@pytest.mark.parametrize("root", ["/plain/root", "file:///root", "minio:/bucket"])
def test_only_a_bucket_is_a_root(root: str, tmp_path: Path) -> None:
    launcher = kfp_launcher.Launcher
    with pytest.raises(SystemExit, match="parse bucket config failed"):
        launcher(_spec({"importer": {}}), tmp_path, Path(sys.executable), root, {})


def _import(uri: dict[str, Any], task: dict[str, Any], **parameters: Any) -> Any:
    inputs = {"parameters": task} if task else {}
    return kfp_launcher.imported_uri({"artifactUri": uri}, {"inputs": inputs}, parameters)


def test_an_importer_takes_a_constant_or_a_parameter_of_the_run() -> None:
    assert _import({"constant": "s3://b/folder"}, {}) == "s3://b/folder"
    taken = {"uri": {"componentInputParameter": "data_root"}}
    assert _import({"runtimeParameter": "uri"}, taken, data_root="s3://b/x") == "s3://b/x"


@pytest.mark.parametrize(
    ("uri", "task", "message"),
    [
        ({"constant": "/plain/folder"}, {}, "no provider scheme"),
        ({}, {}, "artifact uri not provided"),
        ({"runtimeParameter": "uri"}, {}, "cannot find parameter uri"),
        (
            {"runtimeParameter": "uri"},
            {"uri": {"runtimeValue": {"constant": "s3://b/folder"}}},
            "parent DAG does not have input parameter",
        ),
        ({"runtimeParameter": "uri"}, {"uri": {"componentInputParameter": "empty"}}, "empty"),
    ],
)
def test_what_an_importer_does_not_take(uri: Any, task: Any, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        _import(uri, task, empty="")


def _reading(uri: str) -> dict[str, Any]:
    spec = _spec(_script("print(os.listdir(os.environ['TFX_AUDIO_MOUNT_ROOT']))"))
    tasks = spec["root"]["dag"]["tasks"]
    tasks["data"] = {"componentRef": {"name": "data"}}
    source = {"producerTask": "data", "outputArtifactKey": "artifact"}
    tasks["only"]["inputs"] = {"artifacts": {"data": {"taskOutputArtifact": source}}}
    spec["components"]["data"] = {
        "executorLabel": "data_executor",
        "outputDefinitions": {"artifacts": {"artifact": {}}},
    }
    importer = {"artifactUri": {"constant": uri}}
    spec["deploymentSpec"]["executors"]["data_executor"] = {"importer": importer}
    return spec


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("minio://other/audio", "not the root's, so asked of AWS"),
        ("s3://other/audio", "no credentials in the environment"),
        ("minio://bucket", "has empty key"),
    ],
)
def test_a_folder_that_the_launcher_cant_open(uri: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=message):
        _run(_reading(uri), tmp_path)


def test_another_bucket_opens_with_the_pods_own_credentials(tmp_path: Path) -> None:
    (tmp_path / "store" / "s3" / "other" / "audio").mkdir(parents=True)
    secret = {"secretName": "aws", "keyToEnv": [{"secretKey": "id", "envVar": "AWS_ACCESS_KEY_ID"}]}
    executors = {"only_executor": {"secretAsEnv": [secret]}}
    _run(_reading("s3://other/audio"), tmp_path, executors=executors)
    assert "s3" in (tmp_path / "tasks" / "only" / "log-0").read_text()


def test_a_platform_spec_for_what_runs_no_container_is_an_error(tmp_path: Path) -> None:
    platform = {"kubernetes": {"deploymentSpec": {"executors": {"nobody": {}}}}}
    documents = [_spec(_script("")), {"platforms": platform}]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump_all(documents))
    with pytest.raises(SystemExit, match="nobody"):
        kfp_launcher.read_documents(tmp_path / "p.yaml")


def test_the_report_is_json(tmp_path: Path) -> None:
    report = _run(_reading("minio://bucket/audio"), tmp_path)
    assert json.loads(json.dumps(report))[0]["artifacts"]["artifact"]["name"] == "1"
