"""Rejections in the summary: each counted once, whichever outputs state it."""

from __future__ import annotations

from typing import Any

from tfx_audio.pipeline.config import parse_config
from tfx_audio.pipeline.results.metadata_store import ArtifactRecord, NodeRun, PipelineRun
from tfx_audio.pipeline.results.summary import summarise


def _node(node_id: str, **outputs: dict[str, Any]) -> NodeRun:
    artifacts = {key: [ArtifactRecord(1, key, "/x", value)] for key, value in outputs.items()}
    return NodeRun(1, node_id, "COMPLETE", 0.0, 0.0, {}, {}, artifacts)


def test_what_two_outputs_state_counts_once_and_two_components_add_up() -> None:
    ingested = {"rejected:unreadable": 3.0, "rejected:too_short": 1, "clips:train": 8}
    failed = {"rejected:unreadable": 2, "rejected:not_finite": 4, "rejected": 6}
    run = PipelineRun(
        "1",
        (
            _node("AudioExampleGen", examples=ingested, rejected=ingested),
            _node("AudioAugmenter", augmented_examples={"rejected": 6}, rejected=failed),
        ),
    )
    summary = summarise(parse_config({"data": {}}), run)
    assert summary["rejected"] == {"not_finite": 4, "too_short": 1, "unreadable": 5}


def test_a_run_without_rejections_has_none() -> None:
    run = PipelineRun("1", (_node("AudioExampleGen", examples={"clips:train": 8}),))
    assert summarise(parse_config({"data": {}}), run)["rejected"] == {}
