"""`tfx-audio augment`: augmented copies of a folder of audio or of TFRecords, without TFX."""

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, load_policy
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.pipeline.commands.arguments import (
    add_policy,
    add_sound_banks,
    add_source,
    check_counts,
    parse_banks,
    source_values,
)
from tfx_audio.pipeline.progress_display import progress_shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_source(
        parser,
        "folder of audio; or our TFRecords: a file, a pattern, a folder (with Split-* or not)",
        required=True,
    )
    add_policy(parser, "classic")
    parser.add_argument(
        "--out", metavar="DIR", required=True, help="folder to write; must not exist"
    )
    parser.add_argument(
        "--format",
        choices=("tfrecord", "wav"),
        default="tfrecord",
        help="tfrecord: a folder Split-<name> for each split; wav: WAV files and manifest.csv",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="worker processes; by default as many as the work is worth",
    )
    add_sound_banks(parser)
    parser.add_argument("--seed", metavar="N", type=int, help="replaces the policy's seed")
    parser.add_argument(
        "--max-rejected-fraction",
        metavar="F",
        type=float,
        default=0.01,
        help="fail when more than this fraction can't be used (0.01)",
    )


def run(args: argparse.Namespace) -> int:
    """Augment, and print what was done."""
    # Beam takes seconds to load.
    from tfx_audio.components.audio_example_gen.config import IngestConfig
    from tfx_audio.components.rejected_table import read_rejections
    from tfx_audio.pipeline.clips.augment_files import AugmentRequest, augment_files
    from tfx_audio.pipeline.clips.output_folder import unfinished_folder

    check_counts(args, "workers")
    if not 0 <= args.max_rejected_fraction <= 1:
        raise InvalidInput(
            f"--max-rejected-fraction must lie in 0 to 1, got {args.max_rejected_fraction}"
        )
    policy = load_policy(args.policy)
    if args.seed is not None:
        policy = _with_seed(policy, args.seed)
    request = AugmentRequest(
        source=IngestConfig(**source_values(args)),
        policy=policy,
        out=args.out,
        sound_banks=parse_banks(args.sound_bank),
        workers=args.workers,
        as_wav=args.format == "wav",
        max_rejected_fraction=args.max_rejected_fraction,
    )
    try:
        with progress_shown():
            counts = augment_files(request)
    except (InvalidInput, TooManyRejected):
        raise
    except BaseException:
        if (kept := unfinished_folder(Path(args.out))).exists():
            print(f"What is finished is kept in {kept}; the same command goes on from there, "
                  "or remove the folder.", file=sys.stderr)  # fmt: skip
        raise
    print(f"{args.out}: {counts.kept} originals and {counts.augmented} copies")
    print(f"  {counts.audio_s_in:.0f} s of audio read, {counts.audio_s_out:.0f} s made")
    for name, applied in sorted(counts.applied.items()):
        print(f"  {name}: {applied} times, {counts.ms[name] / applied:.2f} ms each")
    rejections = Counter((one.stage, one.reason) for one in read_rejections(args.out))
    for (stage, reason), rejected in sorted(rejections.items()):
        print(f"  rejected in {stage}, {reason}: {rejected} (see rejected.jsonl)")
    return 0


def _with_seed(policy: AugmentationPolicy, seed: int) -> AugmentationPolicy:
    """Return the policy with another seed, checked as a policy file's would be."""
    try:
        return type(policy).from_json(replace(policy, seed=seed).to_json())
    except InvalidInput as error:
        raise InvalidInput(f"--seed {seed}: {error}") from None
