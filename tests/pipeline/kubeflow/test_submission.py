"""`tfx-audio submit`: what reaches the API, and what is refused before."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline import cli
from tfx_audio.pipeline.kubeflow.submission import arguments_of, check_submission, read_spec

ROOT = "minio://mlpipeline/runs"


def _spec(imported: bool = True) -> dict[str, Any]:
    image = {"container": {"image": "i", "command": ["true"]}}
    importer = {"importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {}}}
    parameters = {
        "data_root": {"parameterType": "STRING"},
        "train_steps": {"parameterType": "NUMBER_INTEGER"},
    }
    return {
        "pipelineInfo": {"name": "tfx-audio"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.0.0",
        "defaultPipelineRoot": ROOT,
        "root": {
            "inputDefinitions": {"parameters": parameters},
            "dag": {
                "tasks": {"only": {"componentRef": {"name": "only"}, "taskInfo": {"name": "only"}}}
            },
        },
        "components": {"only": {"executorLabel": "only_executor"}},
        "deploymentSpec": {
            "executors": {"only_executor": image, **({"data": importer} if imported else {})}
        },
    }


PLATFORM = {
    "platforms": {
        "kubernetes": {
            "deploymentSpec": {"executors": {"only_executor": {"imagePullPolicy": "Always"}}}
        }
    }
}


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump_all([_spec(), PLATFORM]))
    return path


class _Api(HTTPServer):
    """Answers as far as kfp's client asks, and keeps the runs that it was sent."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.runs: list[dict[str, Any]] = []
        self.host = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Api

    def do_GET(self) -> None:
        self._answer(200, {"multi_user": False, "experiments": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/experiments"):
            self._answer(200, {"experiment_id": "e1", "display_name": body["display_name"]})
            return
        self.server.runs.append(body)
        self._answer(self.server.status, {"run_id": "r1", "error": "what the API said"})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(params=[200])
def api(request: pytest.FixtureRequest) -> Iterator[_Api]:
    server = _Api(request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore")
def test_root_parameters_and_platform_spec_reach_the_api_and_the_address_is_printed(
    pipeline: Path, api: _Api, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(pipeline), "--host", api.host, "--parameter", "train_steps=7"]
    assert cli.main(["submit", *arguments]) == 0
    assert capsys.readouterr().out == f"{api.host}/#/runs/details/r1\n"
    (run,) = api.runs
    assert run["runtime_config"] == {"parameters": {"train_steps": 7}, "pipeline_root": ROOT}
    assert run["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"] == {"name": "tfx-audio"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("api", [400], indirect=True)
def test_what_the_api_refuses_is_one_message(
    pipeline: Path, api: _Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["submit", str(pipeline), "--host", api.host]) == 2
    assert "the run was not started" in capsys.readouterr().err


def test_numbers_are_numbers_and_texts_texts() -> None:
    found = arguments_of(_spec(), ["train_steps=30", "data_root=minio://b/a=c"])
    assert found == {"train_steps": 30, "data_root": "minio://b/a=c"}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("train_step=3", "Did you mean 'train_steps'"),
        ("train_steps", "NAME=VALUE"),
        ("train_steps=many", "expected a number, got 'many'"),
    ],
)
def test_a_parameter_that_does_not_fit(pair: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        arguments_of(_spec(), [pair])


@pytest.mark.parametrize(
    ("imported", "folder", "message"),
    [
        (True, "/volume/audio", "compiled for a URI"),
        (False, "minio://mlpipeline/audio", "compiled for a path"),
        (True, "minio://other/audio", "in the root's bucket"),
    ],
)
def test_data_that_the_pods_cant_read(imported: bool, folder: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_submission(_spec(imported), ROOT, {"data_root": folder})


def test_data_that_they_can_read() -> None:
    assert check_submission(_spec(), ROOT, {"data_root": "minio://mlpipeline/audio"}) == ""
    assert check_submission(_spec(imported=False), ROOT, {"data_root": "/volume/audio"}) == ""


def test_a_plain_root_is_refused() -> None:
    with pytest.raises(InvalidInput, match="root: expected a folder in an object store"):
        check_submission(_spec(), "/volume/runs", {})


@pytest.mark.parametrize("text", ["", "a: 1", "[1]", "{"])
def test_a_file_that_is_no_pipeline(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=r"p\.yaml"):
        read_spec(tmp_path / "p.yaml")
