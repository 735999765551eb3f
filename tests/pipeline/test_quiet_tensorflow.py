"""Known lines of TensorFlow's import are dropped; all else arrives, an abort's last words too."""

import os
import signal
import subprocess
import sys

import pytest

KNOWN = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795820634.528324     208 cudart_stub.cc:31] Could not find cuda drivers on your "
    "machine, GPU will not be used.",
]
REAL = [
    "F0000 00:00:1795820634.5 208 cpu.cc:7] compiled to use AVX instructions, which you lack",
    "I0000 00:00:1795820634.5 208 device.cc:1] Created a GPU",
]


@pytest.fixture
def run(tmp_path):
    """Import a stand-in for TensorFlow that runs `body`; return the finished process."""

    def run_once(body, before="None"):
        (tmp_path / "tensorflow.py").write_text(f"import os, sys\n{body}\n")
        script = (
            "from tfx_audio.pipeline.quiet_tensorflow import quieten_tensorflow\n"
            "quieten_tensorflow(); quieten_tensorflow()\n"
            "import sys; print('before', file=sys.stderr)\n"
            f"from importlib.util import find_spec; {before}\n"
            "import tensorflow\n"
            f"print({KNOWN[0]!r}, file=sys.stderr)\n"
        )
        path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run_once


def test_only_the_known_lines_of_the_import_are_dropped(run):
    text = "".join(f"{line}\n" for line in [KNOWN[0], REAL[0], KNOWN[1], REAL[1]])
    done = run(f"os.write(2, {text.encode()!r})")
    assert done.returncode == 0
    assert done.stderr.splitlines() == ["before", *REAL, KNOWN[0]]


def test_asking_whether_tensorflow_is_there_changes_nothing(run):
    done = run(f"os.write(2, {(KNOWN[0] + chr(10)).encode()!r})", before="find_spec('tensorflow')")
    assert done.stderr.splitlines() == ["before", KNOWN[0]]


def test_last_words_of_an_abort_arrive(run):
    done = run(f"os.write(2, {(KNOWN[0] + chr(10) + REAL[0]).encode()!r}); os.abort()")
    assert done.returncode == -signal.SIGABRT
    assert REAL[0] in done.stderr
    assert KNOWN[0] not in done.stderr


def test_an_exception_of_the_import_passes(run):
    done = run("raise ImportError('libtensorflow.so.2: no such file')")
    assert done.returncode == 1
    assert "ImportError: libtensorflow.so.2: no such file" in done.stderr
