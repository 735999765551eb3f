"""The summary as a table for a person."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfx_audio.components.audio.rejection import show_counts

_MATRIX_LABELS, _LABEL_WIDTH, _SHOWN_ERRORS = 12, 20, 10


def print_summary(summary: dict[str, Any], console: Console | None = None) -> None:
    """Print a run's summary."""
    console = console or Console(highlight=False)
    table = Table(
        show_header=False, box=None, pad_edge=False, title="Summary", title_justify="left"
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # a path that is cut off can't be copied
    for name, value in _rows(summary):
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    evaluation = summary["evaluation"]
    if evaluation:
        _print_confusion(evaluation, console)


def _print_confusion(evaluation: dict[str, Any], console: Console) -> None:
    """Print the clean condition's confusion matrix, or its largest errors where it is too wide."""
    condition = next(iter(evaluation["confusion"]), None)
    if condition is None:
        return
    heading, labels = f"Confusion on {evaluation['split']}, {condition}", evaluation["labels"]
    counts = {(true, guess): clips for true, guess, clips in evaluation["confusion"][condition]}
    if len(labels) > _MATRIX_LABELS:
        errors = [(clips, *pair) for pair, clips in counts.items() if pair[0] != pair[1]]
        console.print(f"{heading}: the largest errors" if errors else f"{heading}: no errors")
        for clips, true, guess in sorted(errors, reverse=True)[:_SHOWN_ERRORS]:
            console.print(Text(f"{true[:40]} taken for {guess[:40]}: {clips}"))
        return
    console.print(f"{heading}: true labels down, the same numbers across")
    table = Table("", "", box=None, pad_edge=False)
    for number in range(1, len(labels) + 1):
        table.add_column(str(number), justify="right")
    for number, true in enumerate(labels, start=1):
        cells = [str(counts.get((true, guess), "·")) for guess in labels]
        table.add_row(Text(true[:_LABEL_WIDTH], style="bold"), str(number), *cells)
    console.print(table)


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    clips = ", ".join(f"{split} {n}" for split, n in summary["clips"].items())
    rows = [
        ("clips", clips),
        ("augmented", f"{summary['augmented']} copies"),
        ("rejected", show_counts(summary["rejected"]) or "none"),
        ("left out", show_counts(summary.get("ignored", {})) or "none"),
        *[("levels", f"{count} clips {note}") for note, count in summary["noted"].items()],
        ("labels", _shorten(summary["labels"])),
        ("anomalies", "; ".join(summary["anomalies"]) or "none"),
    ]
    evaluation = summary["evaluation"]
    if evaluation:
        rows.append(("accuracy", f"{evaluation['accuracy']:.3f} on {evaluation['split']}"))
        for condition, accuracy in evaluation["by_condition"].items():
            clips = evaluation["clips"].get(condition, 0)
            rows.append((f"  {condition}", f"{accuracy:.3f} of {clips} clips"))
    rows += [
        (
            "blessed",
            "yes" if summary["blessed"] else "; ".join(("no", *summary["missed_thresholds"])),
        ),
        ("model", summary["model_uri"]),
        ("pushed", summary["pushed_uri"] or "not pushed"),
        ("report", summary["report_uri"] or "none"),
        ("errors", summary["evaluation_report_uri"] or "none"),
        ("components", _components(summary["components"])),
    ]
    return rows


def _shorten(labels: list[str], shown: int = 12) -> str:
    text = ", ".join(label[:40] for label in labels[:shown])
    return text + (f", … ({len(labels)} in all)" if len(labels) > shown else "")


def _components(components: dict[str, dict[str, Any]]) -> str:
    parts = []
    for name, node in components.items():
        cached = node["state"] == "CACHED"
        outcome = "cached" if cached else f"{node['seconds']:.0f} s"
        parts.append(f"{name} {outcome}")
    return ", ".join(parts)
