"""`tfx-audio detect`: when which sound is heard in long recordings, by an exported model."""

import argparse
import csv
import json
import sys

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.records.manifest_cells import guarded
from tfx_audio.pipeline.commands.arguments import check_counts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="as of `predict`")
    parser.add_argument("audio", nargs="+", metavar="FILE|DIR", help="audio of any rate and length")
    seconds = "seconds between windows; a quarter of the model's"
    parser.add_argument("--hop", type=float, metavar="S", help=seconds)
    begins, ends = "score that begins an event (0.5)", "score below which it ends (0.6 x threshold)"
    parser.add_argument("--threshold", type=float, default=0.5, metavar="X", help=begins)
    parser.add_argument("--release", type=float, metavar="X", help=ends)
    formats = "events; Audacity's labels are of one file; or scores over time, as JSON Lines"
    choices = ("csv", "jsonl", "audacity", "scores")
    parser.add_argument("--format", choices=choices, default="csv", help=formats)
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="windows at a time")


def run(args: argparse.Namespace) -> int:
    """Print the events of each file; 1 if some could not be read."""
    check_counts(args, "batch_size")
    release = 0.6 * args.threshold if args.release is None else args.release
    if not 0 <= release <= args.threshold <= 1:
        raise InvalidInput(
            f"expected 0 <= --release <= --threshold <= 1, got {release:g} and {args.threshold:g}"
        )
    # TensorFlow takes seconds to load.
    from tfx_audio.pipeline.clips.events import Event, find_events, scores_over_time
    from tfx_audio.pipeline.clips.predict_files import asked_files
    from tfx_audio.pipeline.clips.predictor import Predictor, find_model
    from tfx_audio.pipeline.model.exported_facts import read_card

    files, model = asked_files(args.audio), find_model(args.model)
    if args.format == "audacity" and len(files) > 1:
        raise InvalidInput(f"--format audacity takes one file, got {len(files)}")
    predictor, card = Predictor(model), read_card(model)
    window, rate = card.get("window"), predictor.sample_rate
    if type(window) is not int or window < 1:
        raise InvalidInput(f"--model: its window must be a number of samples, got {window!r}")
    hop_s = window / rate / 4 if args.hop is None else args.hop
    if not 0 < hop_s <= window / rate:
        raise InvalidInput(f"--hop is above 0 and at most {window / rate:g} s, got {hop_s:g}")
    hop, unreadable = max(1, round(hop_s * rate)), 0
    table = csv.DictWriter(sys.stdout, ("file", *Event._fields), lineterminator="\n")
    if args.format == "csv":
        table.writeheader()
    for file in files:
        scored = scores_over_time(predictor, card["labels"], file, window, hop, args.batch_size)
        events = find_events(scored, args.threshold, release)
        try:
            for one in scored if args.format == "scores" else events:
                line = {"file": file.name, **one._asdict()}
                if args.format == "csv":
                    text = {"file": guarded(line["file"]), "label": guarded(line["label"])}
                    table.writerow(line | text)
                elif args.format == "audacity":
                    print(line["start_s"], line["end_s"], line["label"], sep="\t")
                else:
                    print(json.dumps(line))
        except Unusable as problem:
            unreadable += 1
            print(f"tfx-audio detect: {file.name!r}: {problem}", file=sys.stderr)
    return 1 if unreadable else 0
