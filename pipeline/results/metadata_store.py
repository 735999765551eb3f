"""Past runs, read from ML Metadata: components, states, durations, artifacts."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from tfx_audio.components.audio.errors import InvalidInput

RUN_CONTEXT_TYPE = "pipeline_run"
NODE_CONTEXT_TYPE = "node"


@dataclass(frozen=True)
class ArtifactRecord:
    """One artifact as MLMD knows it; `properties` holds declared and custom ones together."""

    artifact_id: int
    type_name: str
    uri: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class NodeRun:
    """One execution of one node.

    Attributes:
      node_id: The component's id.
      state: MLMD's name of the state: ``COMPLETE``, ``CACHED``, ``FAILED``, ``RUNNING``, ...
      started_s: Seconds since the epoch.
      seconds: From its registration to its last update.
      parameters: Its execution properties.
      inputs: Artifacts by input key.
      outputs: Artifacts by output key.
    """

    execution_id: int
    node_id: str
    state: str
    started_s: float
    seconds: float
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, list[ArtifactRecord]] = field(default_factory=dict)
    outputs: Mapping[str, list[ArtifactRecord]] = field(default_factory=dict)


@dataclass(frozen=True)
class PipelineRun:
    """One run of the pipeline: its nodes in the order in which they started."""

    run_id: str
    nodes: tuple[NodeRun, ...]

    @property
    def state(self) -> str:
        """FAILED, RUNNING, COMPLETE, or CACHED where every node came out of the cache."""
        states = [node.state for node in self.nodes]
        for state in ("FAILED", "RUNNING"):
            if state in states:
                return state
        return "CACHED" if states and set(states) == {"CACHED"} else "COMPLETE"

    @property
    def seconds(self) -> float:
        """Time from the first node's start to the last one's end; 0 without nodes."""
        if not self.nodes:
            return 0.0
        end = max(node.started_s + node.seconds for node in self.nodes)
        return end - min(node.started_s for node in self.nodes)

    def node(self, node_id: str) -> NodeRun | None:
        """Return the last execution of a node, or None where it did not run."""
        found = [node for node in self.nodes if node.node_id == node_id]
        return found[-1] if found else None

    def output(self, node_id: str, key: str) -> ArtifactRecord | None:
        """Return the first artifact of an output; None without one."""
        node = self.node(node_id)
        artifacts = node.outputs.get(key, []) if node else []
        return artifacts[0] if artifacts else None


def read_runs(database: str | Path) -> list[PipelineRun]:
    """Return every run in an MLMD SQLite file, the oldest first.

    Raises:
      InvalidInput: If there is no such file.
    """
    path = Path(database)
    if not path.is_file():
        raise InvalidInput(f"expected an ML Metadata database at {path}; there is none")
    store = _open(path, mlmd.SqliteMetadataSourceConfig.READONLY)
    contexts = store.get_contexts_by_type(RUN_CONTEXT_TYPE)
    runs = [_read_run(store, context) for context in contexts]
    return sorted(runs, key=lambda run: run.nodes[0].started_s if run.nodes else 0.0)


def clear_orphans(root: str, database: str) -> list[int]:
    """Mark what a killed run left running as failed, remove its outputs, return execution ids.

    TFX registers an execution before it runs and makes the folders of its outputs; a run that is
    killed in between leaves both. Who holds the root's lock knows that nothing of it is running.
    """
    if not Path(database).is_file():
        return []
    store = _open(database, mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE)
    orphans = [e for e in store.get_executions() if e.last_known_state == mlmd.Execution.RUNNING]
    for execution in orphans:
        execution.last_known_state = mlmd.Execution.FAILED
        # <component>/<output>/<id>, and TFX's own <component>/.system/executor_execution/<id>
        for pattern in (f"*/*/{execution.id}", f"*/.system/executor_execution/{execution.id}"):
            for folder in Path(root, "artifacts").glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)
    if orphans:
        store.put_executions(orphans)
    return sorted(execution.id for execution in orphans)


def _open(database: str | Path, mode: int) -> metadata_store.MetadataStore:
    source = mlmd.ConnectionConfig()
    source.sqlite.filename_uri = str(database)
    source.sqlite.connection_mode = mode
    return metadata_store.MetadataStore(source)


def _read_run(store: metadata_store.MetadataStore, context: mlmd.Context) -> PipelineRun:
    executions = sorted(store.get_executions_by_context(context.id), key=lambda e: e.id)
    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    artifacts = {
        artifact.id: _artifact(artifact)
        for artifact in store.get_artifacts_by_id(sorted({event.artifact_id for event in events}))
    }
    nodes = tuple(
        _node_run(
            execution,
            [event for event in events if event.execution_id == execution.id],
            artifacts,
            _node_id(store, execution),
        )
        for execution in executions
    )
    run_id = context.properties["run_id"].string_value or context.name
    return PipelineRun(run_id, nodes)


def _node_id(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> str:
    for context in store.get_contexts_by_execution(execution.id):
        if context.type == NODE_CONTEXT_TYPE:
            return str(context.name.rpartition(".")[2])
    return str(execution.type)


def _node_run(
    execution: mlmd.Execution,
    events: list[mlmd.Event],
    artifacts: Mapping[int, ArtifactRecord],
    node_id: str,
) -> NodeRun:
    inputs: dict[str, list[ArtifactRecord]] = {}
    outputs: dict[str, list[ArtifactRecord]] = {}
    for event in events:
        wanted = inputs if event.type == mlmd.Event.INPUT else outputs
        key = event.path.steps[0].key if event.path.steps else ""
        wanted.setdefault(key, []).append(artifacts[event.artifact_id])
    return NodeRun(
        execution_id=execution.id,
        node_id=node_id,
        state=mlmd.Execution.State.Name(execution.last_known_state),
        started_s=execution.create_time_since_epoch / 1000,
        seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
        parameters=_values(execution.properties) | _values(execution.custom_properties),
        inputs=inputs,
        outputs=outputs,
    )


def _artifact(artifact: mlmd.Artifact) -> ArtifactRecord:
    properties = _values(artifact.properties) | _values(artifact.custom_properties)
    return ArtifactRecord(artifact.id, artifact.type, artifact.uri, properties)


def _values(properties: Mapping[str, mlmd.Value]) -> dict[str, Any]:
    values = {}
    for name, value in properties.items():
        kind = value.WhichOneof("value")
        if kind:
            values[name] = getattr(value, kind)
    return values
