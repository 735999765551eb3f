"""What `tfx-audio explore` passes on to its page."""

import argparse

from tfx_audio.pipeline.commands.arguments import add_source


def parse_options() -> argparse.Namespace:
    """Parse it."""
    parser = argparse.ArgumentParser()
    add_source(parser, "folder of audio to choose from")
    parser.add_argument("--policy", default="classic")
    parser.add_argument("--sound-bank", action="append", default=[])
    parser.add_argument("--allow-host", action="append", default=[])
    return parser.parse_args()
