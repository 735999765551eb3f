"""`tfx-audio compile`: what the YAML says, and what it refuses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.pipeline.commands import compile as compile_command

ROOT = "minio://mlpipeline/runs"
REMOTE = ["--data", "minio://mlpipeline/audio", "--data-version", "v7"]
RATE = ["--set", "data.sample_rate=8000"]
CORE = "--set=kubeflow.pods={all: {cpu: 3, cpu_request: 3}, Pusher: {cpu: 1}}"


def _compile(output: Path, *arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    compile_command.add_arguments(parser)
    given = ["--image", "registry/tfx-audio:1", "--root", ROOT, "-o", str(output), *arguments]
    assert compile_command.run(parser.parse_args(given)) == 0
    spec: dict[str, Any] = next(yaml.safe_load_all(output.read_text()))
    return spec


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    _compile(output, *REMOTE, *RATE, "--set=kubeflow.pods.Trainer.gpu=1", "--set=train.steps=123")
    return output


@pytest.fixture(scope="module")
def spec(compiled: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(compiled.read_text())
    return loaded


def _container(spec: dict[str, Any], component: str) -> dict[str, Any]:
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][f"{component}_executor"]
    return found["container"]


def test_the_kfp_sdk_loads_it(compiled: Path) -> None:
    loaded = components.load_component_from_file(str(compiled))
    assert loaded.name == "tfx-audio"
    assert set(loaded.component_spec.inputs) == {
        "data_root",
        "data_version",
        "train_steps",
        "train_epochs",
        "beam_args",
    }


def test_only_containers_and_importers_and_no_driver(spec: dict[str, Any]) -> None:
    executors = spec["deploymentSpec"]["executors"]
    assert {kind for executor in executors.values() for kind in executor} == {
        "container",
        "importer",
    }
    assert not [
        name for name, item in executors.items() if "lifecycle" in item.get("container", {})
    ]


def test_every_pod_runs_our_entry_point_in_the_named_image(spec: dict[str, Any]) -> None:
    container = _container(spec, "AudioAugmenter")
    assert container["image"] == "registry/tfx-audio:1"
    assert container["command"] == ["python", "-m", "tfx_audio.pipeline.kubeflow.entrypoint"]


def test_the_root_is_compiled_in(spec: dict[str, Any]) -> None:
    assert spec["defaultPipelineRoot"] == f"{ROOT}/artifacts"


def test_runtime_parameters_have_the_configured_defaults(spec: dict[str, Any]) -> None:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    defaults = {name: item["defaultValue"] for name, item in parameters.items()}
    assert defaults == {
        "data_root": "minio://mlpipeline/audio",
        "data_version": "v7",
        "train_steps": 123,
        "train_epochs": 0,
        "beam_args": "",
    }


def test_the_policy_is_compiled_in_by_content(spec: dict[str, Any]) -> None:
    inputs = spec["root"]["dag"]["tasks"]["AudioAugmenter"]["inputs"]["parameters"]
    assert inputs["policy"]["runtimeValue"]["constant"] == load_policy("classic").to_json()


def test_data_in_a_bucket_is_imported_and_bound(spec: dict[str, Any]) -> None:
    task = spec["root"]["dag"]["tasks"]["AudioExampleGen"]
    assert task["inputs"]["artifacts"]["data"]["taskOutputArtifact"]["producerTask"] == "data"
    assert "data" in task["dependentTasks"]
    args = _container(spec, "AudioExampleGen")["args"]
    assert 'artifacts.data=ingest_config:["data","path"]' in args


def test_resources_by_component(spec: dict[str, Any]) -> None:
    trainer = _container(spec, "Trainer")["resources"]
    assert trainer["accelerator"] == {"count": "1", "type": "nvidia.com/gpu"}
    assert trainer["memoryLimit"] == 16
    assert _container(spec, "Trainer")["env"] == [{"name": "TFX_AUDIO_GPUS", "value": "1"}]
    assert _container(spec, "Pusher")["resources"] == {"cpuLimit": 2.0, "memoryLimit": 4.0}


def test_beam_arguments_reach_every_beam_component(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    taking = {name for name, task in tasks.items() if "beam_args" in _parameters(task)}
    assert taking == {
        "AudioExampleGen",
        "StatisticsGen",
        "AudioAugmenter",
        "Transform",
        "Evaluator",
    }


def _parameters(task: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = task.get("inputs", {}).get("parameters", {})
    return found


def test_no_environment_of_this_process_is_compiled_in(
    compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "correct-horse")
    again = tmp_path / "again.yaml"
    _compile(again, *REMOTE, *RATE, "--set=kubeflow.pods.Trainer.gpu=1", "--set=train.steps=123")
    assert "correct-horse" not in again.read_text()
    assert again.read_text() == compiled.read_text()


def test_vertex_keeps_the_resolver_of_the_baseline_model(tmp_path: Path) -> None:
    arguments = ["--root", "gs://bucket/runs", "--target", "vertex", *REMOTE, *RATE]
    spec = _compile(tmp_path / "vertex.yaml", *arguments)
    executors = spec["deploymentSpec"]["executors"].values()
    assert "resolver" in {kind for executor in executors for kind in executor}


def test_a_baseline_model_comes_by_importer(tmp_path: Path) -> None:
    arguments = [*REMOTE, *RATE, "--set=evaluate.baseline_model=minio://mlpipeline/best"]
    spec = _compile(tmp_path / "baseline.yaml", *arguments)
    importer = spec["deploymentSpec"]["executors"]["baseline_model_executor"]["importer"]
    assert importer["artifactUri"]["constant"] == "minio://mlpipeline/best"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "minio://mlpipeline/audio"], "--data-version is required"),
        (REMOTE, "data.sample_rate is required"),
        ([*REMOTE, *RATE, "--target", "vertex"], "Vertex AI needs a gs:// folder"),
        ([*REMOTE, *RATE, "--set=kubeflow.pods.Trainr.gpu=1"], "Did you mean 'Trainer'"),
        ([*REMOTE, *RATE, "--set=kubeflow.pods.Trainer.gpus=1"], "kubeflow.pods.Trainer.gpus"),
        ([*REMOTE, *RATE, "--root", "/volume/runs"], "root: expected a folder in an object store"),
        (["--data", "minio://other/audio", *REMOTE[2:], *RATE], "in the root's bucket"),
        (["--data", "minio://mlpipeline", *REMOTE[2:], *RATE], "no whole bucket"),
        (["--data", "http://host/audio", *REMOTE[2:], *RATE], "data.path: expected a folder in an"),
        ([*REMOTE, *RATE, "--set=evaluate.baseline_model=/models/1"], "imports nothing else"),
        ([*REMOTE, *RATE, "--policy", "no-such-preset"], "no-such-preset"),
        ([*REMOTE, *RATE, CORE], "as they hold for Pusher: cpu_request is above cpu, 1"),
    ],
)
def test_bad_input_is_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        _compile(tmp_path / "x.yaml", *arguments)
    assert not (tmp_path / "x.yaml").exists()


def test_an_output_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="--output"):
        _compile(tmp_path / "file" / "pipeline.yaml", *REMOTE, *RATE)


def test_the_bindings_on_the_command_line_name_parameters_that_exist(spec: dict[str, Any]) -> None:
    for name, component in spec["components"].items():
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]].get("container")
        args = (container or {}).get("args", [])
        for flag in (args[i + 1] for i, part in enumerate(args) if part == "--bind"):
            parameter, _, path = flag.partition("=")[2].partition(":")
            document = _parameters(spec["root"]["dag"]["tasks"][name])[parameter]
            if path:
                tree = json.loads(document["runtimeValue"]["constant"])
                for key in json.loads(path):
                    tree = tree[key]


@pytest.mark.parametrize("manifest", ["clips.csv", "minio://mlpipeline/audio/clips.csv"])
def test_a_manifest_is_compiled_in_as_its_place_in_the_data_root(
    tmp_path: Path, manifest: str
) -> None:
    spec = _compile(tmp_path / "p.yaml", *REMOTE, *RATE, "--manifest", manifest)
    config = json.loads(
        _parameters(spec["root"]["dag"]["tasks"]["AudioExampleGen"])["ingest_config"][
            "runtimeValue"
        ]["constant"]
    )
    assert config["data"]["manifest"] == ["clips.csv"]


def test_a_manifest_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the pods see nothing else"):
        _compile(tmp_path / "p.yaml", *REMOTE, *RATE, "--manifest", "s3://other/clips.csv")


def test_data_in_another_bucket_of_s3_is_taken_with_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _compile(tmp_path / "p.yaml", "--data", "s3://other/audio", *REMOTE[2:], *RATE)
    assert "data.path, s3://other/audio, is not in the root's bucket" in capsys.readouterr().err


BANK_POLICY = "transforms: [{name: AddBackgroundNoise, sounds: rooms}]"


def _bank_policy(folder: Path) -> list[str]:
    (folder / "policy.yaml").write_text(BANK_POLICY)
    return ["--policy", str(folder / "policy.yaml")]


def test_a_sound_bank_in_a_bucket_is_not_listed_and_imported_by_its_constant_uri(
    tmp_path: Path,
) -> None:
    banks = ["--sound-bank", "rooms=minio://mlpipeline/rooms"]
    spec = _compile(tmp_path / "p.yaml", *REMOTE, *RATE, *_bank_policy(tmp_path), *banks)
    executor = spec["deploymentSpec"]["executors"]["bank_rooms_executor"]
    assert executor["importer"]["artifactUri"] == {"constant": "minio://mlpipeline/rooms"}
    assert "inputs" not in spec["root"]["dag"]["tasks"]["bank_rooms"]
    assert 'artifacts.bank_rooms=banks:["rooms"]' in _container(spec, "SoundBank")["args"]


def test_a_sound_bank_in_a_bucket_needs_a_version_too(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    banks = ["--sound-bank", "rooms=minio://mlpipeline/rooms"]
    data = ["--data", str(tmp_path / "audio")]
    with pytest.raises(InvalidInput, match=r"--data-version is required .*mlpipeline/rooms"):
        _compile(tmp_path / "p.yaml", *data, *_bank_policy(tmp_path), *banks)


def test_what_pods_ask_for_is_a_second_document_that_the_kfp_sdk_takes(tmp_path: Path) -> None:
    pods = {"all": {"retries": 2}, "Trainer": {"secret_env": {"KEY": "store/key"}}}
    setting = f"--set=kubeflow.pods={json.dumps(pods)}"
    output = tmp_path / "p.yaml"
    spec = _compile(output, *REMOTE, *RATE, setting)
    tasks = spec["root"]["dag"]["tasks"]
    retried = {name for name, task in tasks.items() if "retryPolicy" in task}
    assert retried == set(tasks) - {"data"}
    _, platform = yaml.safe_load_all(output.read_text())
    assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"] == {
        "Trainer_executor": {
            "secretAsEnv": [
                {"secretName": "store", "keyToEnv": [{"secretKey": "key", "envVar": "KEY"}]}
            ]
        }
    }
    assert components.load_component_from_file(str(output)).platform_spec.platforms


def test_vertex_has_no_platform_spec(tmp_path: Path) -> None:
    arguments = ["--root", "gs://bucket/runs", "--target", "vertex", *REMOTE, *RATE]
    with pytest.raises(InvalidInput, match="Vertex AI takes no podMetadata"):
        _compile(tmp_path / "p.yaml", *arguments, "--set=kubeflow.pods.all.labels.team=audio")


def _on_flink(prefix: str = "beam") -> list[str]:
    settings = {"runner": "flink", "endpoint": "jobs:8099", "worker_pool": "localhost:50000"}
    return [f"--set={prefix}.{name}={value}" for name, value in settings.items()]


@pytest.mark.parametrize("prefix", ["beam", "beam.components.Transform"])
def test_workers_outside_the_pod_cant_see_its_disk(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(InvalidInput, match=rf"flink, whose workers can't read root {ROOT}"):
        _compile(tmp_path / "pipeline.yaml", *REMOTE, *RATE, *_on_flink(prefix))


def test_workers_outside_the_pod_see_a_bucket_and_a_volume(tmp_path: Path) -> None:
    reached = ["--root", "gs://bucket/runs", "--data", "/volume/audio", "--data-version", "v7"]
    _compile(tmp_path / "pipeline.yaml", *reached, *RATE, *_on_flink())
