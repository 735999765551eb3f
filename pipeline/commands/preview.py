"""`tfx-audio preview`: see and hear a policy on some clips of any folder."""

from __future__ import annotations

import argparse

from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.pipeline.commands.arguments import (
    add_label_from,
    add_policy,
    add_sample_rate,
    add_sound_banks,
    check_counts,
    parse_banks,
    write_output,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", metavar="DIR", required=True, help="folder of audio, or one file")
    add_policy(parser, "classic")
    parser.add_argument(
        "--out", metavar="FILE", default="preview.html", help="the page (preview.html)"
    )
    parser.add_argument("--clips", metavar="N", type=int, default=6, help="clips shown (6)")
    parser.add_argument("--copies", metavar="N", type=int, default=4, help="copies of each (4)")
    add_sound_banks(parser)
    add_label_from(parser, "")
    add_sample_rate(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from tfx_audio.pipeline.clips.preview import (  # Beam takes seconds to load
        PreviewRequest,
        preview_policy,
    )

    check_counts(args, "clips", "copies")
    policy = load_policy(args.policy)
    request = PreviewRequest(
        data=args.data,
        policy=policy,
        policy_name=args.policy,
        clips=args.clips,
        copies=args.copies,
        sound_banks=parse_banks(args.sound_bank),
        label_from=args.label_from,
        sample_rate=args.sample_rate,
    )
    report = preview_policy(request)
    out = write_output(args.out, render_page(report))
    size_mb = out.stat().st_size / 1e6
    print(f"{out}: {len(report.families)} clips, {args.copies} copies of each, {size_mb:.1f} MB")
    return 0
