"""Where a model comes from: executions and digests, walked back through ML Metadata."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.results.metadata_store import ArtifactRecord, NodeRun, PipelineRun

MODEL_TYPE = "Model"
_DIGEST = "_digest"


@dataclass(frozen=True)
class LineageStep:
    """One execution that a model depends on.

    Attributes:
      node_id: The component.
      execution_id: ML Metadata's number.
      run_id: The run that really executed it (a later run may have taken it from the cache).
      digests: Content that it worked on: code, data, policy, banks.
      outputs: Where it wrote, by output key.
    """

    node_id: str
    execution_id: int
    run_id: str
    digests: dict[str, str]
    outputs: dict[str, list[str]]


def find_model(runs: Sequence[PipelineRun], uri: str | None = None) -> ArtifactRecord:
    """Return the newest model, or the one at a URI (its folder, or where it was pushed to).

    Raises:
      InvalidInput: If there is no such model.
    """
    models = [
        artifact
        for _, node, artifact in _outputs(runs)
        if artifact.type_name == MODEL_TYPE
        and node.state == "COMPLETE"
        and "resolver" not in node.node_id.lower()
    ]
    if uri is None:
        if not models:
            raise InvalidInput("expected a run that trained a model; there is none yet")
        return models[-1]
    wanted = uri.rstrip("/")
    for artifact in models:
        if artifact.uri.rstrip("/") == wanted:
            return artifact
    pushed = _pushed_from(runs, wanted)
    if pushed is None:
        known = ", ".join(artifact.uri for artifact in models) or "none"
        raise InvalidInput(f"no model of these runs lies at {uri}; known models: {known}")
    return pushed


def trace(runs: Sequence[PipelineRun], artifact: ArtifactRecord) -> list[LineageStep]:
    """Return the executions behind an artifact, the nearest first, each once."""
    producers = _producers(runs)
    steps: list[LineageStep] = []
    seen: set[int] = set()
    waiting = [artifact.artifact_id]
    while waiting:
        found = producers.get(waiting.pop(0))
        if found is None or found[1].execution_id in seen:
            continue
        run_id, node = found
        seen.add(node.execution_id)
        outputs = {key: [item.uri for item in items] for key, items in node.outputs.items()}
        step = LineageStep(node.node_id, node.execution_id, run_id, digests_of(node), outputs)
        steps.append(step)
        waiting.extend(item.artifact_id for items in node.inputs.values() for item in items)
    return steps


def digests_of(node: NodeRun) -> dict[str, str]:
    """Return the digests among an execution's parameters, those in JSON documents included."""
    found = {}
    for name, value in node.parameters.items():
        if name.endswith(_DIGEST) and value:
            found[name] = str(value)
        elif name == "policy" and value:
            found["policy_digest"] = hashlib.sha256(str(value).encode()).hexdigest()
        elif name == "custom_config" and value:
            found.update(_in_document(str(value)))
    return found


def _producers(runs: Sequence[PipelineRun]) -> dict[int, tuple[str, NodeRun]]:
    """Return the execution that made each artifact: the first that has it as output."""
    producers: dict[int, tuple[str, NodeRun]] = {}
    for run_id, node, item in _outputs(runs):
        known = producers.get(item.artifact_id)
        if known is None or node.execution_id < known[1].execution_id:
            producers[item.artifact_id] = (run_id, node)
    return producers


def _outputs(runs: Sequence[PipelineRun]) -> Iterator[tuple[str, NodeRun, ArtifactRecord]]:
    """Yield every output with the run and the execution that have it."""
    for run in runs:
        for node in run.nodes:
            for items in node.outputs.values():
                yield from ((run.run_id, node, item) for item in items)


def _pushed_from(runs: Sequence[PipelineRun], uri: str) -> ArtifactRecord | None:
    for run in runs:
        for node in run.nodes:
            for item in node.outputs.get("pushed_model", []):
                places = (item.uri, str(item.properties.get("pushed_destination", "")))
                if uri in [place.rstrip("/") for place in places] and node.inputs.get("model"):
                    return node.inputs["model"][0]
    return None


def _in_document(text: str) -> dict[str, str]:
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: str(value) for name, value in document.items() if name.endswith(_DIGEST)}
