"""Arguments that several commands share: how they are declared and what they mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from tfx_audio.components.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from tfx_audio.components.audio.errors import InvalidInput


def add_policy(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare ``--policy``."""
    shown = f" ({default})" if default else ""
    parser.add_argument(
        "--policy",
        metavar="FILE",
        default=default,
        help=f"augmentation policy: file or preset name{shown}",
    )


def add_sound_banks(parser: argparse.ArgumentParser, note: str = "") -> None:
    """Declare ``--sound-bank``; `note` goes on after the help's first sentence."""
    parser.add_argument(
        "--sound-bank",
        metavar="NAME=DIR",
        action="append",
        default=[],
        help=f"folder of sounds that the policy names (repeatable){note}",
    )


def add_label_from(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare ``--label-from``."""
    parser.add_argument(
        "--label-from",
        metavar="PATTERN",
        default=default,
        help="read the label from the file name, for example '{label}_{speaker}_{index}'",
    )


def add_manifest(parser: argparse.ArgumentParser) -> None:
    """Declare ``--manifest``."""
    parser.add_argument("--manifest", metavar="FILE", help="CSV, TSV or JSON Lines of clips")


def add_sample_rate(
    parser: argparse.ArgumentParser, about: str = "resample to this; else what most files have"
) -> None:
    """Declare ``--sample-rate``."""
    parser.add_argument("--sample-rate", metavar="HZ", type=_sample_rate, help=about)


def _sample_rate(text: str) -> int:
    """Parse a sample rate; what can't be one is the parser's to report."""
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
    """Write the file that ``--out`` names, and the folders above it.

    Raises:
      InvalidInput: If it can't be written.
    """
    path = Path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
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
