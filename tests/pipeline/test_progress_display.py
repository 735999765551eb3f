"""What the terminal shows, given the records that TFX and the components log."""

import io
import logging

import pytest

from tfx_audio.components.audio import progress
from tfx_audio.pipeline.progress_display import ProgressDisplay, logs_to_file


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def run(tmp_path):
    """Log what TFX logs for two components, one of them cached, and return screen and log."""

    def body(stream):
        display = ProgressDisplay(stream)
        with logs_to_file(tmp_path / "logs" / "run.log", display):
            log = logging.getLogger("absl")
            display.expect(2)
            log.info("Component AudioExampleGen is running.")
            log.info("A cached execution 7 is used.")
            log.info("Component AudioExampleGen is finished.")
            log.info("Component Trainer is running.")
            progress.report("Trainer", 3, 25, "epochs", "eval accuracy 0.9")
            logging.getLogger("some.library").warning("a detail for the file")
            log.info("Component Trainer is finished.")
        return stream.getvalue(), (tmp_path / "logs" / "run.log").read_text()

    return body


def test_one_line_a_component_with_its_outcome(run):
    screen, _ = run(io.StringIO())
    lines = screen.splitlines()
    assert lines[0].endswith("1/2 AudioExampleGen cached")
    assert lines[-1].split()[-4:-1] == ["2/2", "Trainer", "0.0"]


def test_a_terminal_shows_progress_in_place(run):
    screen, _ = run(Terminal())
    assert "\r\x1b[2K[00:00] Trainer: 3/25 epochs (eval accuracy 0.9)" in screen
    assert screen.count("\n") == 2


def test_the_rest_goes_to_the_file_only(run):
    screen, log = run(io.StringIO())
    assert "a detail for the file" not in screen
    assert "WARNING some.library: a detail for the file" in log


def test_handlers_are_given_back(run):
    before = logging.getLogger().handlers[:]
    run(io.StringIO())
    assert logging.getLogger().handlers == before
