"""`tfx-audio predict`: labels and scores for audio files, by an exported model."""

import argparse
import json
import sys
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import add_source, check_counts, source_values

_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="an exported model, or the folder of versions"
    )
    parser.add_argument("audio", nargs="*", metavar="FILE|DIR", help="audio of any rate and length")
    add_source(parser, "or a data set: its clips, as `run` lists them")
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
    from tfx_audio.components.audio_example_gen.config import IngestConfig
    from tfx_audio.pipeline.clips.predict_files import asked_files, listed_clips

    source = source_values(args) if args.data or args.manifest else {}
    if not (args.audio or source):
        raise InvalidInput("expected FILE, DIR or --data DIR; none was given")
    files = asked_files(args.audio) + (listed_clips(IngestConfig(**source)) if source else [])
    limit = {"max_recording_mb": args.max_recording_mb} if args.max_recording_mb else {}
    predictor = Predictor(find_model(args.model), IngestConfig(**limit).max_samples)
    if args.sample_rate not in (None, predictor.sample_rate):
        raise InvalidInput(
            f"--sample-rate: the model takes {predictor.sample_rate} Hz, got {args.sample_rate}"
        )
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
