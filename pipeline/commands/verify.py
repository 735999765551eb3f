"""`tfx-audio verify`: whether augmented examples are what was written, and can be made again."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.commands.arguments import add_sound_banks, parse_banks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="folder of the augmented_examples")
    parser.add_argument(
        "--examples",
        metavar="DIR",
        help="folder of the examples they were made from; by default the originals kept in them",
    )
    parser.add_argument(
        "--share", metavar="F", type=float, default=0.01, help="of the copies made again (0.01)"
    )
    add_sound_banks(parser)


def run(args: argparse.Namespace) -> int:
    """Check every record, make some copies again, say what differs."""
    from tfx_audio.pipeline.clips.replay import explain_difference  # Beam takes seconds to load
    from tfx_audio.pipeline.clips.verify import verify

    if not 0 <= args.share <= 1:
        raise InvalidInput(f"--share must be from 0 to 1, got {args.share}")
    artifact = Path(args.artifact)
    examples = Path(args.examples) if args.examples else None
    result = verify(artifact, examples, args.share, parse_banks(args.sound_bank))
    print(f"{artifact}: {result.records} records read, {result.replayed} copies made again")
    if result.without_source:
        print(f"  {result.without_source} copies have no original here; --examples DIR says where")
    for problem in result.problems:
        print(f"  DIFFERENT {problem}")
    if result.differing:
        print(f"  {explain_difference(artifact)}")
    return 1 if result.problems else 0
