"""`tfx-audio preview`: see and hear a policy on some clips of any folder."""

import argparse

from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.pipeline.commands.arguments import (
    add_policy,
    add_sound_banks,
    add_source,
    check_counts,
    parse_banks,
    source_values,
    write_output,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_source(parser, "folder of audio, or one file", required=True)
    add_policy(parser, "classic")
    parser.add_argument(
        "--out", metavar="FILE", default="preview.html", help="the page (preview.html)"
    )
    parser.add_argument("--clips", metavar="N", type=int, default=6, help="clips shown (6)")
    parser.add_argument("--copies", metavar="N", type=int, default=4, help="copies of each (4)")
    add_sound_banks(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from tfx_audio.components.audio_example_gen.config import IngestConfig
    from tfx_audio.pipeline.clips.preview import (  # Beam takes seconds to load
        PreviewRequest,
        preview_policy,
    )

    check_counts(args, "clips", "copies")
    policy = load_policy(args.policy)
    request = PreviewRequest(
        source=IngestConfig(**source_values(args)),
        policy=policy,
        policy_name=args.policy,
        clips=args.clips,
        copies=args.copies,
        sound_banks=parse_banks(args.sound_bank),
    )
    report = preview_policy(request)
    out = write_output(args.out, render_page(report))
    size_mb = out.stat().st_size / 1e6
    print(f"{out}: {len(report.families)} clips, {args.copies} copies of each, {size_mb:.1f} MB")
    return 0
