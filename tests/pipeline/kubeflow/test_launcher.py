"""`scripts/kfp_launcher.py` refuses what an open-source Kubeflow does not run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tfx_audio.pipeline.kubeflow.pipeline_spec import check_executors


def _launcher() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "scripts" / "kfp_launcher.py"
    spec = importlib.util.spec_from_file_location("kfp_launcher", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _spec(executor: dict[str, Any], outputs: tuple[str, ...] = ()) -> dict[str, Any]:
    kind = {"artifactType": {"schemaTitle": "system.Artifact"}}
    return {
        "defaultPipelineRoot": "minio://bucket/run",
        "root": {"dag": {"tasks": {"only": {"componentRef": {"name": "only"}}}}},
        "components": {
            "only": {
                "executorLabel": "only_executor",
                "outputDefinitions": {"artifacts": dict.fromkeys(outputs, kind)},
            }
        },
        "deploymentSpec": {"executors": {"only_executor": executor}},
    }


def _run(spec: dict[str, Any], work: Path) -> list[dict[str, Any]]:
    launcher = _launcher().Launcher(spec, work, Path(sys.executable), None, {})
    report: list[dict[str, Any]] = launcher.run()
    return report


def _script(body: str) -> dict[str, Any]:
    head = "import json, os, sys; task = json.loads(sys.argv[1]); "
    return {
        "container": {"image": "i", "command": ["python", "-c"], "args": [head + body, "{{$}}"]}
    }


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
    body = (
        "out = task['outputs']; one = out['artifacts']['x']['artifacts'][0]; "
        "root = os.environ['TFX_AUDIO_MOUNT_ROOT']; "
        "path = root + '/' + one['uri'].replace('://', '/'); os.makedirs(path); "
        "open(path + '/file', 'w').write('content'); "
        "said = {'artifacts': {'x': {'artifacts': [{'metadata': {'n': 3, 'l': [1]}}]}}}; "
        "open(out['outputFile'], 'w').write(json.dumps(said))"
    )
    (task,) = _run(_spec(_script(body), outputs=("x",)), tmp_path)
    artifact = task["artifacts"]["x"]
    stored = tmp_path / "store" / artifact["uri"].replace("://", "/") / "file"
    assert stored.read_text() == "content"
    assert artifact["metadata"]["n"] == 3.0
    assert artifact["metadata"]["l"] == {"list": [1]}
    assert not (tmp_path / "tasks" / "only" / "disk").exists()


def test_a_local_path_in_place_of_the_uri_is_an_error(tmp_path: Path) -> None:
    body = (
        "out = task['outputs']; "
        "said = {'artifacts': {'x': {'artifacts': [{'uri': '/minio/bucket/run/x'}]}}}; "
        "open(out['outputFile'], 'w').write(json.dumps(said))"
    )
    with pytest.raises(SystemExit, match="does not have expected bucket prefix"):
        _run(_spec(_script(body), outputs=("x",)), tmp_path)


def test_a_failing_task_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"(?s)only: exit status 3.*what went wrong"):
        _run(_spec(_script("print('what went wrong'); sys.exit(3)")), tmp_path)


def test_an_unknown_runtime_parameter_is_refused(tmp_path: Path) -> None:
    launcher = _launcher().Launcher
    with pytest.raises(SystemExit, match="unknown parameters"):
        launcher(_spec({"importer": {}}), tmp_path, Path(sys.executable), None, {"nope": 1})


def test_an_importer_needs_a_uri_with_a_provider(tmp_path: Path) -> None:
    importer = {"artifactUri": {"constant": "/plain/folder"}, "typeSchema": {}}
    with pytest.raises(SystemExit, match="no provider scheme"):
        _run(_spec({"importer": importer}, outputs=("artifact",)), tmp_path)


def test_the_report_is_json(tmp_path: Path) -> None:
    importer = {"artifactUri": {"constant": "s3://b/folder"}, "typeSchema": {}}
    report = _run(_spec({"importer": importer}, outputs=("artifact",)), tmp_path)
    assert json.loads(json.dumps(report))[0]["artifacts"]["artifact"]["name"] == "1"
