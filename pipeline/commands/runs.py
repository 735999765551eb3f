"""`tfx-audio runs`: past runs out of ML Metadata, and where a model comes from."""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.results.lineage import LineageStep, find_model, trace
from tfx_audio.pipeline.results.metadata_store import NodeRun, PipelineRun, read_runs

_SHOWN_DIGEST_CHARS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--root", default="build/run", metavar="DIR", help="the runs' root")
    parser.add_argument(
        "--metadata", metavar="FILE", help="ML Metadata's SQLite file (default: in the root)"
    )
    parser.add_argument("--run", metavar="ID", help="one run, with its artifacts ('last': newest)")
    parser.add_argument(
        "--lineage",
        nargs="?",
        const="last",
        metavar="MODEL",
        help="what a model was made from: a model's or a pushed model's folder; the newest model "
        "without a value",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print runs, one run, or a model's lineage."""
    runs = read_runs(args.metadata or os.path.join(args.root, "metadata.sqlite"))
    if args.lineage:
        model = find_model(runs, None if args.lineage == "last" else _absolute(args.lineage))
        steps = trace(runs, model)
        document: Any = {"model": model.uri, "steps": [vars(step) for step in steps]}
    elif args.run:
        one = _choose(runs, args.run)
        document = _run_document(one, with_artifacts=True)
    else:
        document = [_run_document(each, with_artifacts=False) for each in runs]
    if args.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    console = Console(soft_wrap=True)
    if args.lineage:
        _print_lineage(console, model.uri, steps)
    elif args.run:
        _print_run(console, one)
    else:
        _print_runs(console, runs)
    return 0


def _choose(runs: Sequence[PipelineRun], run_id: str) -> PipelineRun:
    known = [run.run_id for run in runs]
    if run_id == "last" and runs:
        return runs[-1]
    if run_id not in known:
        listed = ", ".join(known) or "none"
        raise InvalidInput(
            f"--run: expected one of {listed}, got '{run_id}'." + did_you_mean(run_id, known)
        )
    return runs[known.index(run_id)]


def _run_document(run: PipelineRun, with_artifacts: bool) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "state": run.state,
        "started": run.nodes[0].started_s if run.nodes else None,
        "seconds": round(run.seconds, 1),
        "components": [_node_document(node, with_artifacts) for node in run.nodes],
    }


def _node_document(node: NodeRun, with_artifacts: bool) -> dict[str, Any]:
    seconds = round(node.seconds, 1)
    document: dict[str, Any] = {"id": node.node_id, "state": node.state, "seconds": seconds}
    if with_artifacts:
        for key in ("inputs", "outputs"):
            document[key] = {
                name: [
                    {"type": item.type_name, "uri": item.uri, "properties": dict(item.properties)}
                    for item in items
                ]
                for name, items in getattr(node, key).items()
            }
    return document


def _absolute(uri: str) -> str:
    return uri if "://" in uri else os.path.abspath(uri)


def _print_runs(console: Console, runs: Sequence[PipelineRun]) -> None:
    table = Table("run", "started", "state", "seconds", "components", box=None, pad_edge=False)
    for run in runs:
        counts = Counter(node.state for node in run.nodes)
        shown = ", ".join(f"{n} {state.lower()}" for state, n in sorted(counts.items()))
        started = _clock(run.nodes[0].started_s) if run.nodes else ""
        table.add_row(run.run_id, started, run.state, f"{run.seconds:.1f}", shown)
    console.print(table)


def _print_run(console: Console, run: PipelineRun) -> None:
    console.print(f"run {run.run_id}: {run.state}, {run.seconds:.1f} s")
    table = Table("component", "state", "seconds", "output", "uri", box=None, pad_edge=False)
    for node in run.nodes:
        rows = [(key, item.uri) for key, items in node.outputs.items() for item in items]
        for index, (key, uri) in enumerate(rows or [("", "")]):
            head = (node.node_id, node.state, f"{node.seconds:.1f}") if index == 0 else ("",) * 3
            table.add_row(*head, key, uri)
    console.print(table)


def _print_lineage(console: Console, uri: str, steps: Sequence[LineageStep]) -> None:
    console.print(f"model {uri}")
    table = Table("component", "execution", "run", "made from", box=None, pad_edge=False)
    for step in steps:
        made_from = ", ".join(
            f"{name.removesuffix('_digest')} {value[:_SHOWN_DIGEST_CHARS]}"
            for name, value in sorted(step.digests.items())
        )
        table.add_row(step.node_id, str(step.execution_id), step.run_id, made_from)
    console.print(table)


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
