"""The last task on Kubeflow: what `summary.json` is on one machine, out of the run's artifacts.

``python -m tfx_audio.pipeline.kubeflow.summary {{$}}``. Its output is a ``system.Metrics`` artifact
with ``summary.json`` inside; Kubeflow's pages show its numbers.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx_audio.pipeline.config import parse_config
from tfx_audio.pipeline.kubeflow.entrypoint import folder_path
from tfx_audio.pipeline.results.metadata_store import ArtifactRecord, NodeRun, PipelineRun
from tfx_audio.pipeline.results.summary import summarise

TASK = "summary"
ENTRY_POINT = ["python", "-m", "tfx_audio.pipeline.kubeflow.summary"]
_METRICS_TYPE = {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}
_SUMMARISED = {
    "AudioExampleGen": ("examples", "rejected"),
    "AudioSchemaGen": ("schema",),
    "ExampleValidator": ("anomalies",),
    "SoundBank": ("rejected",),
    "AudioAugmenter": ("augmented_examples", "rejected"),
    "AugmentationReport": ("report",),
    "Trainer": ("model",),
    "Evaluator": ("evaluation", "blessing"),
    "Pusher": ("pushed_model",),
    "EvaluationReport": ("report",),
}
_BETWEEN = "__"
_CONFIG, _EVALUATED = "evaluate", "example_splits"


def add_summary(spec: dict[str, Any], image: str, evaluate: str) -> None:
    """Add the task to a PipelineSpec; `evaluate` is the configuration's section as JSON."""
    tasks, components = spec["root"]["dag"]["tasks"], spec["components"]
    artifacts, types = {}, {}
    for producer, keys in _SUMMARISED.items():
        for key in keys if producer in tasks else ():
            name = f"{producer}{_BETWEEN}{key}"
            source = {"producerTask": producer, "outputArtifactKey": key}
            artifacts[name] = {"taskOutputArtifact": source}
            declared = components[producer]["outputDefinitions"]["artifacts"][key]
            types[name] = {"artifactType": declared["artifactType"]}
    evaluated = tasks["Evaluator"]["inputs"]["parameters"][_EVALUATED]
    values = {_CONFIG: {"runtimeValue": {"constant": evaluate}}, _EVALUATED: evaluated}
    text = {"parameterType": "STRING"}
    components[TASK] = {
        "executorLabel": f"{TASK}_executor",
        "inputDefinitions": {"artifacts": types, "parameters": dict.fromkeys(values, text)},
        "outputDefinitions": {"artifacts": {TASK: {"artifactType": _METRICS_TYPE}}},
    }
    spec["deploymentSpec"]["executors"][f"{TASK}_executor"] = {
        "container": {"image": image, "command": ENTRY_POINT, "args": ["{{$}}"]}
    }
    tasks[TASK] = {
        "taskInfo": {"name": TASK},
        "componentRef": {"name": TASK},
        "inputs": {"artifacts": artifacts, "parameters": values},
        "dependentTasks": sorted(_SUMMARISED.keys() & tasks.keys()),
        "cachingOptions": {},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the summary of the run that the ExecutorInput describes."""
    (text,) = sys.argv[1:] if argv is None else argv
    executor_input = json.loads(text)
    summary = summarise_artifacts(executor_input)
    output = executor_input["outputs"]["artifacts"][TASK]["artifacts"][0]
    folder = Path(folder_path(output["uri"]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    said = {"artifacts": {TASK: {"artifacts": [{**output, "metadata": _metrics(summary)}]}}}
    target = Path(folder_path(executor_input["outputs"]["outputFile"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(said), encoding="utf-8")
    print(json.dumps(summary, indent=2))
    return 0


def summarise_artifacts(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Return the summary, with the store's URIs in it."""
    parameters = executor_input["inputs"]["parameterValues"]
    outputs: dict[str, dict[str, list[ArtifactRecord]]] = {}
    uris = {}
    for name, item in executor_input["inputs"]["artifacts"].items():
        producer, _, key = name.partition(_BETWEEN)
        artifact = item["artifacts"][0]
        path = folder_path(artifact["uri"])
        uris[path] = artifact["uri"]
        record = ArtifactRecord(0, key, path, artifact.get("metadata", {}))
        outputs.setdefault(producer, {})[key] = [record]
    nodes = tuple(
        NodeRun(0, node_id, "COMPLETE", 0.0, 0.0, parameters, {}, found)
        for node_id, found in outputs.items()
    )
    config = parse_config({"data": {}, "evaluate": json.loads(parameters[_CONFIG])})
    summary = summarise(config, PipelineRun(os.environ.get("KFP_RUN_ID", ""), nodes))
    del summary["components"]  # their states and durations are the backend's to tell
    text = json.dumps(summary)
    for path, uri in uris.items():
        text = text.replace(json.dumps(path)[1:-1], json.dumps(uri)[1:-1])
    restored: dict[str, Any] = json.loads(text)
    return restored


def _metrics(summary: dict[str, Any]) -> dict[str, float]:
    """Return the numbers that Kubeflow's pages show."""
    evaluation = summary["evaluation"]
    metrics = {"accuracy": evaluation.get("accuracy", 0.0), "augmented": summary["augmented"]}
    metrics |= {f"accuracy_{c}": x for c, x in evaluation.get("by_condition", {}).items()}
    metrics |= {f"clips_{split}": n for split, n in summary["clips"].items()}
    metrics |= {"rejected": sum(summary["rejected"].values()), "blessed": summary["blessed"]}
    return {name: float(value) for name, value in metrics.items()}


if __name__ == "__main__":
    sys.exit(main())
