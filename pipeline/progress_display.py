"""What a person sees while a pipeline runs: components, epochs, clips done, time so far.

Everything that TFX, Beam and TensorFlow log goes to a file. The terminal gets one line for
each component and, while it works, what it reports through ``tfx_audio.progress``.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tfx_audio.components.audio.progress import LOGGER_NAME
from tfx_audio.pipeline.quiet_tensorflow import quieten_tensorflow

_RUNNING = re.compile(r"^Component (\S+) is running\.$")
_FINISHED = re.compile(r"^Component (\S+) is finished\.$")
_CACHED = re.compile(r"^A cached execution \d+ is used\.$")
_PLAIN_INTERVAL_S = 10.0


class ProgressDisplay(logging.Handler):
    """Draws TFX's component messages and the project's progress records on one stream.

    On a terminal the current line is redrawn in place; elsewhere a line is written when a component
    starts or ends and, for its progress, at most every ten seconds.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(level=logging.INFO)
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._started = time.monotonic()
        self.component = ""
        self._component_started = self._started
        self._cached = False
        self._count = 0
        self._total = 0
        self._last_plain = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Draw one record, or nothing where it is not about progress."""
        try:
            progress = getattr(record, "progress", None)
            if progress is not None:
                self._show_progress(record.getMessage())
            elif record.name == "absl":
                self._show_component(record.getMessage())
        except Exception:  # a display must never end a run
            self.handleError(record)

    def announce(self, text: str) -> None:
        """Write one line of its own."""
        self._line(f"{self._clock()} {text}")

    def expect(self, total: int) -> None:
        """Tell how many components there are."""
        self._total = total

    def close(self) -> None:
        """End the line that is being redrawn."""
        if self._live and self.component:
            self._stream.write("\n")
        super().close()

    def _show_component(self, message: str) -> None:
        if match := _RUNNING.match(message):
            self._count += 1
            self.component, self._cached = match[1], False
            self._component_started = time.monotonic()
            self._redraw(f"{self._head()} …")
            self._last_plain = time.monotonic()
        elif _CACHED.match(message):
            self._cached = True
        elif match := _FINISHED.match(message):
            seconds = time.monotonic() - self._component_started
            self.component = ""
            outcome = "cached" if self._cached else f"{seconds:.1f} s"
            self._line(f"{self._head(match[1])} {outcome}")

    def _show_progress(self, message: str) -> None:
        if self._live:
            self._redraw(f"{self._clock()} {message}")
        elif time.monotonic() - self._last_plain >= _PLAIN_INTERVAL_S:
            self._last_plain = time.monotonic()
            self._line(f"{self._clock()}   {message}")

    def _head(self, name: str = "") -> str:
        of = f"/{self._total}" if self._total else ""
        return f"{self._clock()} {self._count:>2}{of} {name or self.component}"

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"[{minutes:02d}:{seconds:02d}]"

    def _redraw(self, text: str) -> None:
        if self._live:
            self._stream.write(f"\r\x1b[2K{text[:118]}")
            self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\x1b[2K{text}\n" if self._live else f"{text}\n")
        self._stream.flush()


def quieten() -> None:
    """Keep the libraries' start-up chatter out of the terminal; errors still come through."""
    quieten_tensorflow()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # Beam's worker processes
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")


@contextmanager
def progress_shown(stream: TextIO | None = None) -> Iterator[None]:
    """Send progress to a stream (stderr) while the body runs, without Beam's log messages."""
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # the worker processes' own
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # errors are raised as well
    logger = logging.getLogger(LOGGER_NAME)
    display, kept = ProgressDisplay(stream), (logger.level, logger.propagate)
    logger.setLevel(logging.INFO)
    logger.addHandler(display)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(display)
        logger.level, logger.propagate = kept


@contextmanager
def logs_to_file(path: Path, display: ProgressDisplay) -> Iterator[None]:
    """Send every log record and warning to `path` and progress to `display` while the body runs."""
    from absl import logging as absl_logging  # not when the command line starts: 50 ms

    path.parent.mkdir(parents=True, exist_ok=True)
    file_handler = logging.FileHandler(path, encoding="utf-8")
    file_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    absl_logger = logging.getLogger("absl")
    progress_logger = logging.getLogger(LOGGER_NAME)
    kept = (root.handlers[:], absl_logger.handlers[:], root.level, progress_logger.level)
    kept_verbosity = absl_logging.get_verbosity()
    root.handlers[:] = [file_handler, display]
    absl_logger.handlers[:] = []
    root.setLevel(logging.INFO)
    absl_logging.set_verbosity(absl_logging.INFO)
    progress_logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:], absl_logger.handlers[:] = kept[0], kept[1]
        root.setLevel(kept[2])
        progress_logger.setLevel(kept[3])
        absl_logging.set_verbosity(kept_verbosity)
        display.close()
        file_handler.close()
