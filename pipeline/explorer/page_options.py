"""What `tfx-audio explore` passes on to its page."""

from __future__ import annotations

import argparse


def parse_options() -> argparse.Namespace:
    """Parse it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="")
    parser.add_argument("--label-from", default="")
    parser.add_argument("--policy", default="classic")
    parser.add_argument("--sound-bank", action="append", default=[])
    parser.add_argument("--allow-host", action="append", default=[])
    return parser.parse_args()
