"""`tfx-audio predict`: labels and scores for audio files, by an exported model."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tfx_audio.pipeline.commands.arguments import check_counts

_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="an exported model, or the folder of versions"
    )
    parser.add_argument("audio", nargs="+", metavar="FILE|DIR", help="audio of any rate and length")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="files at a time")
    parser.add_argument("--top", type=int, default=_SHOWN, metavar="N", help="labels to show")
    parser.add_argument("--json", action="store_true", help="one JSON object a file")


def run(args: argparse.Namespace) -> int:
    """Print an answer for each file; 1 if some could not be read."""
    check_counts(args, "batch_size", "top")
    # TensorFlow takes seconds to load.
    from tfx_audio.pipeline.clips.predictor import Predictor, find_model

    # isort: split
    # After TensorFlow: with Beam loaded first, it complains of its functions at the very end.
    from tfx_audio.pipeline.clips.predict_files import asked_files

    files = asked_files(args.audio)
    predictor = Predictor(find_model(args.model))
    unreadable = 0
    for answer in predictor.answers(files, args.batch_size, args.top):
        unreadable += "error" in answer
        print(json.dumps(answer) if args.json else _line(answer), flush=True)
    return 1 if unreadable else 0


def _line(answer: dict[str, Any]) -> str:
    """Return an answer for people, on one line."""
    if "error" in answer:
        return _printable(f"{answer['file']}: can't be read: {answer['error']}")
    scores = "  ".join(f"{label} {score:.3f}" for label, score in answer["scores"].items())
    return _printable(f"{answer['file']}: {scores}")


def _printable(text: str) -> str:
    """Return text with escapes for control characters and what the terminal has no letter for."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    coding = sys.stdout.encoding or "utf-8"
    return escaped.encode(coding, "backslashreplace").decode(coding)
