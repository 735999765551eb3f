"""Imports TensorFlow without log lines that no setting suppresses.

TensorFlow 2.21 logs a missing GPU from native code while it is imported, before it has read
TF_CPP_MIN_LOG_LEVEL. Only these lines are dropped. A process of its own reads standard error
meanwhile: what the import says when it aborts the process still arrives.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

_DROPPED = (
    "^WARNING: All log messages before absl::InitializeLog",
    "^I0000 .* cudart_stub.cc:.* Could not find cuda drivers",
)


def quieten_tensorflow() -> None:
    """Have these lines dropped when this process imports TensorFlow; a second call does nothing."""
    if "tensorflow" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow once, as the others would, and watches its first import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)  # this may be a question only, not yet the import
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_quietly(module: ModuleType) -> None:
                with _filtered_stderr():
                    load(module)

            spec.loader.exec_module = load_quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Send what is written to file descriptor 2 through grep."""
    try:
        patterns = [word for pattern in _DROPPED for word in ("-e", pattern)]
        command = ["grep", "--line-buffered", "--invert-match", *patterns]
        filter_process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2)
    except OSError:  # no grep: the lines are shown
        yield
        return
    assert filter_process.stdin is not None
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(filter_process.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        filter_process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a child of the import writes on
            filter_process.wait(timeout=5)
