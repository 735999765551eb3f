"""`tfx-audio preview`: see and hear a policy on some clips of any folder."""

from __future__ import annotations

import argparse

from tfx_audio.pipeline.commands.arguments import (
    add_label_from,
    add_policy,
    add_sample_rate,
    add_sound_banks,
)

HELP = "see and hear a policy on some clips of a folder: one HTML page"


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
    from pathlib import Path

    from tfx_audio.components.audio.errors import InvalidInput
    from tfx_audio.components.audio.policy.augmentation_policy import load_policy
    from tfx_audio.components.augmentation_report.page import render_page
    from tfx_audio.pipeline.clips.preview import PreviewRequest, preview_policy
    from tfx_audio.pipeline.commands.arguments import parse_banks

    for name in ("clips", "copies"):
        if getattr(args, name) < 1:
            raise InvalidInput(f"--{name} must be at least 1, got {getattr(args, name)}")
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
    out = Path(args.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(render_page(report))
    except OSError as error:
        raise InvalidInput(f"--out: {args.out} can't be written: {error.strerror}") from error
    size_mb = out.stat().st_size / 1e6
    print(f"{out}: {len(report.cards)} clips, {args.copies} copies of each, {size_mb:.1f} MB")
    return 0
