"""`tfx-audio doctor`: what is installed, what is known not to fit, what this machine offers."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

from google.protobuf.internal import api_implementation
from rich.console import Console
from rich.table import Table

_PACKAGES = (
    "tfx-audio",
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "apache-beam",
    "ml-metadata",
    "kapre",
    "audiomentations",
    "soundfile",
    "soxr",
    "numpy",
    "protobuf",
)
# Its own bounds exclude TFX 1.21, so that pip can't bring it (docs/platforms.md).
_HINTS = {"kapre": ": pip install --no-deps kapre==0.4.1"}


class Finding(NamedTuple):
    """One line of the report; `level` is ``ok``, ``warning`` or ``error``."""

    level: str
    subject: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--quick", action="store_true", help="do not load TensorFlow")


def run(args: argparse.Namespace) -> int:
    """Print the findings; exit status 1 when one of them is an error."""
    table = Table(title="tfx-audio doctor", show_header=False, box=None, pad_edge=False)
    findings = list(examine(load_tensorflow=not args.quick))
    colours = {"ok": "green", "warning": "yellow", "error": "red"}
    for finding in findings:
        colour = colours[finding.level]
        table.add_row(f"[{colour}]{finding.level}[/]", finding.subject, finding.text)
    Console().print(table)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def examine(load_tensorflow: bool = True) -> Iterator[Finding]:
    """Yield what was found, the cheap things first."""
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")
    yield Finding("ok", "cores", str(len(os.sched_getaffinity(0))))
    yield from _versions()
    yield from _incompatibilities()
    yield from _codecs()
    yield Finding("ok", "beam", "in process or N processes; --beam-arg chooses another runner")
    if load_tensorflow and _release("tensorflow"):
        yield from _devices()


def _versions() -> Iterator[Finding]:
    for package in _PACKAGES:
        try:
            yield Finding("ok", package, metadata.version(package))
        except metadata.PackageNotFoundError:
            if _release("tfx"):
                yield Finding("error", package, f"not installed{_HINTS.get(package, '')}")
            else:  # some extras leave it out
                yield Finding("warning", package, "not installed: the extra pipeline brings it")


def _incompatibilities() -> Iterator[Finding]:
    kind = api_implementation.Type()
    level = "warning" if kind == "python" else "ok"
    note = " (30 times slower than cpp or upb: reinstall protobuf)" if level == "warning" else ""
    yield Finding(level, "protobuf", f"implementation {kind}{note}")
    if _release("kapre") not in ((0, 4, 1), ()) and _release("numpy") < (2,):
        yield Finding("error", "kapre", "only kapre 0.4.1 works with numpy 1")
    if not sys.flags.dont_write_bytecode and "PYTHONDONTWRITEBYTECODE" in os.environ:
        yield Finding("warning", "bytecode", "PYTHONDONTWRITEBYTECODE is set: imports start slowly")


def _release(package: str) -> tuple[int, ...]:
    try:
        parts = metadata.version(package).split(".")
    except metadata.PackageNotFoundError:
        return ()
    return tuple(int(part) for part in parts if part.isdigit())


def _codecs() -> Iterator[Finding]:
    try:
        import av  # here, where their failure is a finding
        import soundfile

        formats = soundfile.available_formats()
        version = soundfile.__libsndfile_version__
    except (ImportError, OSError) as error:
        yield Finding("error", "codecs", f"soundfile or PyAV does not load: {error}")
        return
    wanted = ("WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF")
    for name in wanted:
        if name not in formats:
            yield Finding("warning", "codecs", f"libsndfile {version} reads no {name}")
    have = ", ".join(name for name in wanted if name in formats)
    yield Finding("ok", "codecs", f"libsndfile {version}: {have}; FFmpeg by PyAV {av.__version__}")


def _devices() -> Iterator[Finding]:
    try:
        import tensorflow as tf
    except Exception as error:  # a broken install fails in many ways; each is worth its text
        yield Finding("error", "tensorflow", f"does not load: {error}")
        return
    devices = [device.name for device in tf.config.list_physical_devices()]
    yield Finding("ok", "devices", ", ".join(devices))
