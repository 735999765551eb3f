"""The tutorial runs from top to bottom, and is committed without outputs."""

import os
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.e2e

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"


def outputs_of(notebook, kind):
    return [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == kind
    ]


def test_it_runs_and_shows_the_report(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    began, cpu = time.monotonic(), os.times()
    client = NotebookClient(
        notebook, timeout=360, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    assert time.monotonic() - began < 360, os.times().children_user - cpu.children_user
    assert not outputs_of(notebook, "error")
    pages = [
        output.data["text/html"]
        for output in outputs_of(notebook, "display_data")
        if "srcdoc=" in output.data.get("text/html", "")
    ]
    assert len(pages) == 1
    assert "Augmentation report" in pages[0]
    printed = "".join(output.text for output in outputs_of(notebook, "stream"))
    accuracy = float(printed.partition("held-out accuracy: ")[2][:4])
    assert accuracy > 0.3  # ten classes, a minute of training: far above chance


def test_it_is_committed_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 10
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "/root" not in NOTEBOOK.read_text(encoding="utf-8")
