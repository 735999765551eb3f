"""`tfx-audio replay`: make one augmented clip again, from its source and its artifact's policy."""

import argparse
import hashlib
from pathlib import Path

from tfx_audio.pipeline.commands.arguments import (
    add_sound_banks,
    check_counts,
    parse_banks,
    write_output,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--augmented", metavar="DIR", required=True, help="folder of the augmented_examples"
    )
    parser.add_argument(
        "--examples", metavar="DIR", required=True, help="folder of the examples it was made from"
    )
    parser.add_argument(
        "--clip-id", metavar="ID", required=True, help="clip id of the source, not of the copy"
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--copy", metavar="N", type=int, help="number of the copy, from 1")
    which.add_argument("--condition", metavar="NAME", help="a robustness condition instead")
    parser.add_argument("--out", metavar="FILE", required=True, help="the WAV file to write")
    add_sound_banks(parser)


def run(args: argparse.Namespace) -> int:
    """Make the clip, compare it with the stored one if there is one, write it."""
    # Beam takes seconds to load.
    from tfx_audio.pipeline.clips.replay import explain_difference, replay

    check_counts(args, "copy")
    augmented, which = Path(args.augmented), args.copy or args.condition
    banks = parse_banks(args.sound_bank)
    replayed = replay(augmented, Path(args.examples), args.clip_id, which, banks)
    out = write_output(args.out, replayed.wav)
    print(f"{out}: {replayed.clip.clip_id}, {replayed.clip.duration_s:.3f} s, "
          f"sha256 {hashlib.sha256(replayed.wav).hexdigest()}")  # fmt: skip
    print(f"  {replayed.clip.augmentation}")
    if replayed.verdict == "different":
        print(f"  DIFFERENT from the stored copy. {explain_difference(augmented)}")
        return 1
    print({
        "identical": "  identical to the stored copy",
        "not stored": "  the artifact holds no such copy to compare with",
    }[replayed.verdict])  # fmt: skip
    return 0
