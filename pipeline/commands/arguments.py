"""Arguments that several commands share: how they are declared and what they mean."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfx_audio.components.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.whole_files import write_whole

_SOURCE_FIELDS = ("manifest", "label_from", "layout", "sample_rate", "max_recording_mb")


def add_policy(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare ``--policy``."""
    shown = f" ({default})" if default else ""
    parser.add_argument(
        "--policy",
        metavar="FILE",
        default=default,
        help=f"augmentation policy: file or preset name{shown}",
    )


def add_repeatable(
    parser: argparse.ArgumentParser, flag: str, metavar: str, text: str, **more: Any
) -> None:
    """Declare a flag that may be given several times, for a list of its values."""
    text = f"{text} (repeatable)"
    parser.add_argument(flag, metavar=metavar, action="append", default=[], help=text, **more)


def add_sound_banks(parser: argparse.ArgumentParser, note: str = "") -> None:
    """Declare ``--sound-bank``; `note` is added to the help."""
    text = f"folder of sounds that the policy names{note}"
    add_repeatable(parser, "--sound-bank", "NAME=DIR", text)


def add_source(parser: argparse.ArgumentParser, what: str, required: bool = False) -> None:
    """Declare the flags that say where clips come from, the same for every command."""
    parser.add_argument("--data", metavar="DIR", required=required, help=what)
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        action="append",
        help="table with a row a clip: CSV, TSV, JSON; one a split as eval=FILE (repeatable)",
    )
    parser.add_argument(
        "--label-from",
        metavar="PATTERN",
        help="read the label from the file name, for example '{label}_{speaker}_{index}'",
    )
    parser.add_argument(
        "--layout",
        metavar="NAME|FILE|none",
        help="how the data set lies in its folder; else what lies there tells",
    )
    parser.add_argument(
        "--max-recording-mb",
        metavar="N",
        type=_megabytes,
        help="largest recording: MiB of the file, and MiB decoded (1024)",
    )
    add_sample_rate(parser)


def add_sample_rate(
    parser: argparse.ArgumentParser, about: str = "resample to this; else what most files have"
) -> None:
    """Declare ``--sample-rate``."""
    parser.add_argument("--sample-rate", metavar="HZ", type=_sample_rate, help=about)


def source_values(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the flags of `add_source` say, as fields of the section ``data``."""
    path = args.data or (os.path.dirname(os.path.abspath(_file(args))) if args.manifest else None)
    values = {"path": path} | {name: getattr(args, name) for name in _SOURCE_FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def given_flags(
    args: argparse.Namespace, declare: Callable[[argparse.ArgumentParser], None]
) -> list[str]:
    """Return the flags that `declare` adds to a parser and that have a value, to pass them on."""
    parser = argparse.ArgumentParser(add_help=False)
    declare(parser)
    flags: list[str] = []
    for action in parser._actions:
        value = getattr(args, action.dest)
        values = value if isinstance(value, list) else [value]
        flags += [f"{action.option_strings[0]}={one}" for one in values if one is not None]
    return flags


def _file(args: argparse.Namespace) -> str:
    """Return the first manifest's file, without the split that goes before it."""
    return str(args.manifest[0].rpartition("=")[2])


def _megabytes(text: str) -> int:
    """Parse a size in MiB; what can't be one is the parser's to report."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= 2**20):
        raise argparse.ArgumentTypeError(f"expected a whole number of MiB, 1 to {2**20}")
    return int(text)


def _sample_rate(text: str) -> int:
    """Parse a sample rate, or have the parser report what is wrong."""
    if not text.isdecimal() or not MIN_SAMPLE_RATE <= int(text) <= MAX_SAMPLE_RATE:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of Hz, {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}, got {text!r}"
        )
    return int(text)


def check_counts(args: argparse.Namespace, *names: str) -> None:
    """Check that the named flags, where given, are 1 or more.

    Raises:
      InvalidInput: If one is less.
    """
    for name in names:
        value = getattr(args, name)
        if value is not None and value < 1:
            flag = name.replace("_", "-")
            raise InvalidInput(f"--{flag} must be at least 1, got {value}")


def write_output(name: str, content: bytes) -> Path:
    """Write the file that ``--out`` names, whole or not at all, and the folders above it.

    Raises:
      InvalidInput: If it can't be written.
    """
    path = Path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise InvalidInput(f"--out: {name} can't be written: {error.strerror}") from error
    return path


def parse_banks(pairs: Sequence[str]) -> dict[str, str]:
    """Parse the values of ``--sound-bank``: folders or URIs by name.

    Raises:
      InvalidInput: If a value is not a pair, or names a folder that does not exist.
    """
    banks = dict(parse_pair("--sound-bank", text) for text in pairs)
    for name, folder in banks.items():
        if "://" not in folder and not os.path.isdir(folder):
            raise InvalidInput(f"--sound-bank {name}: there is no folder {folder!r}")
    return banks


def parse_pair(flag: str, text: str) -> tuple[str, str]:
    """Parse ``NAME=VALUE``.

    Raises:
      InvalidInput: If the text is not such a pair.
    """
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise InvalidInput(f"{flag} expects NAME=VALUE, got {text!r}")
    return name, value
