"""`tfx-audio runs` on a metadata store with two runs, the second partly from the cache."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.pipeline.commands import runs as runs_command
from tfx_audio.pipeline.results.lineage import find_model, trace
from tfx_audio.pipeline.results.metadata_store import read_runs


class _Store:
    """Writes runs as TFX's launcher does: contexts of run and node, executions, events."""

    def __init__(self, path: Path) -> None:
        config = mlmd.ConnectionConfig()
        config.sqlite.filename_uri = str(path)
        self._store = metadata_store.MetadataStore(config)
        self._types: dict[str, int] = {}

    def artifact(self, type_name: str, uri: str, **properties: str) -> mlmd.Artifact:
        type_id = self._type(mlmd.ArtifactType(name=type_name), self._store.put_artifact_type)
        artifact = mlmd.Artifact(type_id=type_id, uri=uri)
        for name, value in properties.items():
            artifact.custom_properties[name].string_value = value
        artifact.id = self._store.put_artifacts([artifact])[0]
        return artifact

    def execution(
        self,
        run: str,
        node: str,
        state: str,
        inputs: Mapping[str, mlmd.Artifact],
        outputs: Mapping[str, mlmd.Artifact],
        **parameters: str,
    ) -> None:
        type_id = self._type(mlmd.ExecutionType(name=node), self._store.put_execution_type)
        execution = mlmd.Execution(
            type_id=type_id, last_known_state=mlmd.Execution.State.Value(state)
        )
        for name, value in parameters.items():
            execution.custom_properties[name].string_value = value
        events = [(mlmd.Event.INPUT, inputs), (mlmd.Event.OUTPUT, outputs)]
        pairs = [
            (artifact, self._event(kind, key))
            for kind, artifacts in events
            for key, artifact in artifacts.items()
        ]
        contexts = [self._context("pipeline_run", run), self._context("node", f"tfx.{node}")]
        self._store.put_execution(
            execution,
            pairs,
            contexts,
            reuse_context_if_already_exist=True,
            reuse_artifact_if_already_exist_by_external_id=False,
        )

    def _type(self, kind: Any, put: Any) -> int:
        if kind.name not in self._types:
            self._types[kind.name] = put(kind)
        return self._types[kind.name]

    def _context(self, type_name: str, name: str) -> mlmd.Context:
        kind = mlmd.ContextType(name=type_name)
        kind.properties["run_id"] = mlmd.STRING
        context = mlmd.Context(
            type_id=self._type(kind, self._store.put_context_type), type=type_name, name=name
        )
        context.properties["run_id"].string_value = name
        return context

    @staticmethod
    def _event(kind: Any, key: str) -> mlmd.Event:
        event = mlmd.Event(type=kind)
        event.path.steps.add().key = key
        return event


POLICY = load_policy("classic")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    store = _Store(folder / "metadata.sqlite")
    examples = store.artifact("Examples", "/r/examples")
    augmented = store.artifact("Examples", "/r/augmented")
    ingest = {"code_digest": "c0de1", "data_digest": "da7a1"}
    policy = {"code_digest": "c0de2", "policy": POLICY.to_json()}
    store.execution("run-1", "AudioExampleGen", "COMPLETE", {}, {"examples": examples}, **ingest)
    made = ({"examples": examples}, {"augmented_examples": augmented})
    store.execution("run-1", "AudioAugmenter", "COMPLETE", *made, **policy)
    store.execution("run-1", "Trainer", "FAILED", {"examples": augmented}, {})
    # The second run takes ingest from the cache and trains.
    store.execution("run-2", "AudioExampleGen", "CACHED", {}, {"examples": examples}, **ingest)
    store.execution("run-2", "AudioAugmenter", "CACHED", *made, **policy)
    model = store.artifact("Model", "/r/model")
    custom = json.dumps({"train": {"steps": 3}, "code_digest": "c0de3"})
    trained = ({"examples": augmented}, {"model": model})
    store.execution("run-2", "Trainer", "COMPLETE", *trained, custom_config=custom)
    pushed = store.artifact("PushedModel", "/r/pushed_model", pushed_destination="/serving/17")
    store.execution("run-2", "Pusher", "COMPLETE", {"model": model}, {"pushed_model": pushed})
    return folder


def _run(root: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    runs_command.add_arguments(parser)
    return runs_command.run(parser.parse_args(["--root", str(root), *arguments]))


def _json(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert _run(root, "--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_with_their_state(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(root, capsys)
    assert [(run["run_id"], run["state"]) for run in found] == [
        ("run-1", "FAILED"),
        ("run-2", "COMPLETE"),
    ]
    assert [(node["id"], node["state"]) for node in found[1]["components"]] == [
        ("AudioExampleGen", "CACHED"),
        ("AudioAugmenter", "CACHED"),
        ("Trainer", "COMPLETE"),
        ("Pusher", "COMPLETE"),
    ]


def test_one_run_shows_its_artifacts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(root, capsys, "--run", "last")
    (pushed,) = found["components"][-1]["outputs"]["pushed_model"]
    assert pushed["uri"] == "/r/pushed_model"
    assert pushed["properties"]["pushed_destination"] == "/serving/17"


def test_lineage_leads_back_to_policy_data_and_code_through_the_cache(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _json(root, capsys, "--lineage")
    assert found["model"] == "/r/model"
    assert [(step["node_id"], step["run_id"]) for step in found["steps"]] == [
        ("Trainer", "run-2"),
        ("AudioAugmenter", "run-1"),
        ("AudioExampleGen", "run-1"),
    ]
    assert [step["digests"] for step in found["steps"]] == [
        {"code_digest": "c0de3"},
        {"code_digest": "c0de2", "policy_digest": POLICY.digest},
        {"code_digest": "c0de1", "data_digest": "da7a1"},
    ]


@pytest.mark.parametrize("uri", ["/r/model", "/r/model/", "/serving/17", "/r/pushed_model"])
def test_a_model_is_found_by_its_folder_or_where_it_was_pushed(root: Path, uri: str) -> None:
    runs = read_runs(root / "metadata.sqlite")
    assert find_model(runs, uri).uri == "/r/model"
    assert len(trace(runs, find_model(runs, uri))) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("run-1", "FAILED", "2 complete")),
        (("--run", "run-2"), ("Pusher", "CACHED", "/r/pushed_model")),
        (("--lineage",), ("AudioAugmenter", f"policy {POLICY.digest[:12]}", "data da7a1")),
    ],
)
def test_tables_show_the_same(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: Any, words: tuple[str, ...]
) -> None:
    assert _run(root, *arguments) == 0
    shown = capsys.readouterr().out
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--run", "run-3"), "expected one of run-1, run-2"),
        (("--lineage", "/nowhere"), "no model of these runs lies at"),
        (("--metadata", "/nowhere.sqlite"), "there is none"),
    ],
)
def test_what_is_not_there_is_bad_input(
    root: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        _run(root, *arguments)
