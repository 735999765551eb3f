"""The pods' entry point: URIs to the launcher's mounts and back, run-time values into documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tfx_audio.pipeline.kubeflow import entrypoint
from tfx_audio.pipeline.kubeflow.binding import Binding

MODEL = "minio://bucket/run/Trainer/1/model"
PUSHED = "minio://bucket/run/Pusher/2/pushed_model"


def _input(**parameters: Any) -> dict[str, Any]:
    def one(uri: str, kind: dict[str, str]) -> dict[str, Any]:
        return {"artifacts": [{"name": "7", "uri": uri, "type": kind, "metadata": {}}]}

    return {
        "inputs": {
            "parameterValues": parameters,
            "artifacts": {"model": one(MODEL, {"instanceSchema": "title: tfx.Model\n"})},
        },
        "outputs": {
            "artifacts": {
                "pushed_model": one(PUSHED, {"instanceSchema": "title: tfx.PushedModel\n"}),
                "executor-logs": one("minio://bucket/logs", {"schemaTitle": "system.Artifact"}),
            },
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/a", "/minio/mlpipeline/v2/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "gs://bucket/a"),
        ("/plain/a", "/plain/a"),
        ('{"base": "s3://bucket/a", "x": 1}', '{"base": "/s3/bucket/a", "x": 1}'),
    ],
)
def test_uris_become_the_launchers_local_paths(uri: str, path: str) -> None:
    assert entrypoint.local_path(uri) == path


def test_an_imported_folder_of_cloud_storage_is_mounted_too() -> None:
    assert entrypoint.folder_path("gs://bucket/a") == "/gcs/bucket/a"


def test_tfx_sees_local_paths_and_none_of_the_launchers_own_outputs() -> None:
    tfx_input, beam_args = entrypoint.prepare(_input(failed_dir="minio://bucket/failed"), [])
    assert tfx_input["inputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == (
        "/minio/bucket/run/Trainer/1/model"
    )
    assert list(tfx_input["outputs"]["artifacts"]) == ["pushed_model"]
    assert tfx_input["inputs"]["parameterValues"]["failed_dir"] == "/minio/bucket/failed"
    assert beam_args == []


def test_a_mount_root_goes_before_every_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(entrypoint.MOUNT_ROOT_ENVIRONMENT_VARIABLE, "/disk/")
    assert entrypoint.local_path("s3://b/a") == "/disk/s3/b/a"


def test_the_launcher_gets_its_uris_back_wherever_they_stand() -> None:
    executor_input = _input()
    tfx_input, _ = entrypoint.prepare(executor_input, [])
    said = {
        "artifacts": {
            "pushed_model": {
                "artifacts": [
                    {
                        "uri": "/minio/bucket/run/Pusher/2/pushed_model",
                        "metadata": {
                            "pushed_destination": "/minio/bucket/pushed/17",
                            "from": "/minio/bucket/run/Trainer/1/model",
                            "pushed": 1.0,
                        },
                    }
                ]
            }
        }
    }
    restored = entrypoint.restore(said, executor_input, tfx_input)
    artifact = restored["artifacts"]["pushed_model"]["artifacts"][0]
    assert artifact["uri"] == PUSHED
    assert artifact["metadata"] == {"pushed_destination": PUSHED, "from": MODEL, "pushed": 1.0}


def test_a_destination_outside_the_mounts_stays() -> None:
    executor_input = _input()
    tfx_input, _ = entrypoint.prepare(executor_input, [])
    metadata = {"pushed_destination": "gs://bucket/pushed/17"}
    said = {"artifacts": {"pushed_model": {"artifacts": [{"uri": PUSHED, "metadata": metadata}]}}}
    restored = entrypoint.restore(said, executor_input, tfx_input)
    assert restored["artifacts"]["pushed_model"]["artifacts"][0]["metadata"] == metadata


def test_beam_arguments_are_split_as_on_a_command_line_and_kept_from_tfx() -> None:
    tfx_input, beam_args = entrypoint.prepare(
        _input(beam_args="--direct_num_workers=3 --job_name='two words'"), []
    )
    assert beam_args == ["--direct_num_workers=3", "--job_name=two words"]
    assert "beam_args" not in tfx_input["inputs"]["parameterValues"]


def test_a_runtime_value_goes_into_the_json_document() -> None:
    binding = Binding.from_flag('parameters.train_steps=custom_config:["train","steps"]')
    document = json.dumps({"train": {"steps": 400, "seed": 1}})
    tfx_input, _ = entrypoint.prepare(_input(custom_config=document, train_steps=17.0), [binding])
    values = tfx_input["inputs"]["parameterValues"]
    assert json.loads(values["custom_config"]) == {"train": {"steps": 17, "seed": 1}}
    assert "train_steps" not in values


def test_a_mounted_folder_wins_over_the_uri_that_it_came_from() -> None:
    executor_input = _input(ingest_config='{"data": {"path": ""}}', data_root="s3://b/audio")
    executor_input["inputs"]["artifacts"]["data"] = {"artifacts": [{"uri": "s3://b/audio"}]}
    bindings = [
        Binding.from_flag('artifacts.data=ingest_config:["data","path"]'),
        Binding.from_flag('parameters.data_root=ingest_config:["data","path"]'),
    ]
    tfx_input, _ = entrypoint.prepare(executor_input, bindings)
    document = json.loads(tfx_input["inputs"]["parameterValues"]["ingest_config"])
    assert document == {"data": {"path": "/s3/b/audio"}}
    assert "data" not in tfx_input["inputs"]["artifacts"]


@pytest.mark.parametrize("value", ["", 0, 0.0])
def test_an_empty_value_leaves_what_was_compiled(value: Any) -> None:
    binding = Binding("parameters", "x", "document", ("a",))
    assert binding.apply({"document": '{"a": 5}'}, value) == {"document": '{"a": 5}'}


def test_a_whole_parameter_can_be_bound() -> None:
    binding = Binding.from_flag("parameters.data_version=data_digest:")
    assert binding.apply({"data_digest": "1"}, "2") == {"data_digest": "2"}


@pytest.mark.parametrize("flag", ["parameters.x", "secrets.x=y:", "parameters.=y:"])
def test_a_malformed_binding_is_refused(flag: str) -> None:
    with pytest.raises(ValueError, match="--bind expects"):
        Binding.from_flag(flag)


@pytest.mark.parametrize(
    "binding",
    [
        Binding("parameters", "data_root", "ingest_config", ("data", "path")),
        Binding("artifacts", "bank_rooms", "banks", ("rooms",)),
        Binding("artifacts", "bank_my.bank", "banks", ("my.bank",)),
        Binding("parameters", "data_version", "data_digest"),
    ],
)
def test_a_binding_survives_the_command_line(binding: Binding) -> None:
    assert Binding.from_flag(binding.to_flag()) == binding


def test_beam_arguments_with_an_open_quote_end_with_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    executor_input = {"inputs": {"parameterValues": {"beam_args": "--a='b"}}, "outputs": {}}
    status = entrypoint.main(["--json_serialized_invocation_args", json.dumps(executor_input)])
    assert status == 2
    assert "No closing quotation" in capsys.readouterr().err


def test_inputs_without_a_type_get_the_one_that_the_component_declares() -> None:
    declared = {"artifacts": {"model": {"artifactType": {"instanceSchema": "title: tfx.Model\n"}}}}
    blank = {"uri": MODEL, "type": {"instanceSchema": ""}}
    stray = {"uri": MODEL, "type": {"instanceSchema": "title: tfx.Other\n"}}
    tfx_input = {"inputs": {"artifacts": {"model": {"artifacts": [blank, stray, {"uri": MODEL}]}}}}
    entrypoint.fill_in_types(tfx_input, declared)
    artifacts = tfx_input["inputs"]["artifacts"]["model"]["artifacts"]
    titles = [artifact["type"]["instanceSchema"] for artifact in artifacts]
    assert titles == ["title: tfx.Model\n", "title: tfx.Other\n", "title: tfx.Model\n"]


def test_tfx_gets_the_declaration_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(entrypoint, "_run_tfx", commands.append)
    monkeypatch.setattr(entrypoint, "_publish", lambda *_: None)
    declared = json.dumps({"parameters": {"x": {"parameterType": "STRING"}}})
    arguments = ["--json_serialized_invocation_args", json.dumps(_input(x="1"))]
    assert entrypoint.main([*arguments, "--json_serialized_inputs_spec_args", declared]) == 0
    (command,) = commands
    assert command[command.index("--json_serialized_inputs_spec_args") + 1] == declared


@pytest.mark.parametrize(("asked", "found", "said"), [("1", [], True), ("1", ["GPU:0"], False)])
def test_a_gpu_that_tensorflow_does_not_see_is_said(
    asked: str,
    found: list[str],
    said: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import tensorflow as tf

    monkeypatch.setenv(entrypoint.GPUS_VARIABLE, asked)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
    entrypoint.warn_without_gpu()
    assert ("asked for 1 GPU, and TensorFlow sees none" in capsys.readouterr().err) is said
