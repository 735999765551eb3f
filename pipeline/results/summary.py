"""The results of a run, for ``ROOT/summary.json`` and the table at its end."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_audio.components.audio.records.examples import LABEL_KEY
from tfx_audio.components.audio.splits import SPLITS
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies
from tfx_audio.components.evaluation_report.blessing import missed_thresholds
from tfx_audio.components.whole_files import write_whole
from tfx_audio.pipeline.config import PipelineConfig
from tfx_audio.pipeline.model.exported_facts import read_card
from tfx_audio.pipeline.results.evaluation import read_evaluation
from tfx_audio.pipeline.results.metadata_store import PipelineRun, read_runs

SUMMARY_FILE = "summary.json"


def summarise(config: PipelineConfig, run: PipelineRun | None = None) -> dict[str, Any]:
    """Collect the keys of ``summary.json`` (docs/architecture.md) for a run, or the last one."""
    run = run or read_runs(config.metadata_path)[-1]
    examples = run.output("AudioExampleGen", "examples")
    stated = examples.properties if examples else {}
    augmented = run.output("AudioAugmenter", "augmented_examples")
    return {
        "run_id": run.run_id,
        "clips": {split: int(stated.get(f"clips:{split}", 0)) for split in SPLITS},
        "sample_rate": stated.get("sample_rate"),
        "augmented": int(augmented.properties.get("augmented", 0)) if augmented else 0,
        "rejected": _rejected(run),
        "noted": _counts_named(stated, "noted:"),
        "ignored": _counts_named(stated, "ignored:"),
        "labels": _labels(run),
        "evaluation": _evaluation(run),
        "blessed": _blessed(run),
        "missed_thresholds": _missed(run),
        "anomalies": _anomalies(run),
        "model_uri": _uri(run, "Trainer", "model"),
        "pushed_uri": _pushed(run),
        "report_uri": _page(run, "AugmentationReport"),
        "evaluation_report_uri": _page(run, "EvaluationReport"),
        "components": {
            node.node_id: {"state": node.state, "seconds": round(node.seconds, 1)}
            for node in run.nodes
        },
    }


def write_summary(summary: dict[str, Any], root: str) -> Path:
    """Write ``ROOT/summary.json``, whole or not at all."""
    path = Path(root) / SUMMARY_FILE
    write_whole(path, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return path


def _rejected(run: PipelineRun) -> dict[str, int]:
    """Return rejections by reason; a component may state the same counts on several outputs."""
    counts: Counter[str] = Counter()
    for node in run.nodes:
        stated: dict[str, int] = {}
        for artifacts in node.outputs.values():
            for artifact in artifacts:
                stated |= _counts_named(artifact.properties, "rejected:")
        counts.update(stated)
    return dict(sorted(counts.items()))


def _counts_named(properties: Mapping[str, Any], prefix: str) -> dict[str, int]:
    """Return the counts among an artifact's properties, by what follows a prefix."""
    return {
        name.removeprefix(prefix): int(value)
        for name, value in sorted(properties.items())
        if name.startswith(prefix)
    }


def _labels(run: PipelineRun) -> list[str]:
    schema = run.output("AudioSchemaGen", "schema")
    if schema is None:
        return []
    text = Path(schema.uri, "schema.pbtxt").read_text(encoding="utf-8")
    features = text_format.Parse(text, schema_pb2.Schema()).feature
    return [
        value
        for feature in features
        if feature.name == LABEL_KEY
        for value in feature.string_domain.value
    ]


def _evaluation(run: PipelineRun) -> dict[str, Any]:
    evaluation = run.output("Evaluator", "evaluation")
    augmented = run.output("AudioAugmenter", "augmented_examples")
    if evaluation is None or augmented is None:
        return {}
    stated = augmented.properties
    made = {split: name for name, split in json.loads(str(stated["condition_splits"])).items()}
    node = run.node("Evaluator")
    order = [made[s] for s in json.loads(str(node.parameters["example_splits"]))] if node else []
    found = read_evaluation(evaluation.uri)
    found["by_condition"] = {c: found["by_condition"][c] for c in order}
    card = read_card(os.path.join(_uri(run, "Trainer", "model"), "Format-Serving"))
    labels = list(card["labels"])  # a class's id is its place in this list
    found["confusion"] = {
        c: _named(found["confusion"][c], labels) for c in order if c in found["confusion"]
    }
    return {"split": str(stated["evaluation_split"]), "labels": sorted(labels), **found}


def _named(confusion: list[list[int]], labels: list[str]) -> list[list[Any]]:
    """Put names in place of (true id, predicted id, clips), sorted by name."""
    return sorted([labels[true], labels[predicted], clips] for true, predicted, clips in confusion)


def _blessed(run: PipelineRun) -> bool:
    blessing = run.output("Evaluator", "blessing")
    return bool(blessing and blessing.properties.get("blessed"))


def _missed(run: PipelineRun) -> list[str]:
    """Return what kept the model from being blessed, a sentence each."""
    evaluation = run.output("Evaluator", "evaluation")
    return missed_thresholds(evaluation.uri) if evaluation and not _blessed(run) else []


def _anomalies(run: PipelineRun) -> list[str]:
    examples = run.output("AudioExampleGen", "examples")
    found = str(examples.properties.get("anomalies", "") if examples else "").splitlines()
    anomalies = run.output("ExampleValidator", "anomalies")
    if anomalies is None:
        return found
    return found + [str(anomaly) for anomaly in read_anomalies(anomalies.uri)]


def _uri(run: PipelineRun, node_id: str, key: str) -> str:
    artifact = run.output(node_id, key)
    return artifact.uri if artifact else ""


def _pushed(run: PipelineRun) -> str:
    pushed = run.output("Pusher", "pushed_model")
    if pushed is None or not pushed.properties.get("pushed"):
        return ""
    return str(pushed.properties.get("pushed_destination", ""))


def _page(run: PipelineRun, node_id: str) -> str:
    uri = _uri(run, node_id, "report")
    return os.path.join(uri, "index.html") if uri else ""
