"""`tfx-audio explore`: build a policy in the browser, by ear and eye."""

import argparse
import os
import sys
from importlib import resources

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.pipeline.commands.arguments import (
    add_repeatable,
    add_sound_banks,
    add_source,
    given_flags,
    parse_banks,
    source_values,
)

_MAX_UPLOAD_MB = 25
_LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_page_arguments(parser)
    parser.add_argument("--port", type=int, default=8501, help="port to listen on (8501)")
    parser.add_argument(
        "--host",
        default=_LOOPBACK,
        help="address to listen on (127.0.0.1: this machine only; there is no password)",
    )


def add_page_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that are passed on to the page."""
    add_source(parser, "folder of audio to choose from")
    parser.add_argument(
        "--policy", metavar="FILE", default="classic", help="policy to begin with (classic)"
    )
    add_sound_banks(parser)
    text = "a further name of this machine that browsers may ask for"
    add_repeatable(parser, "--allow-host", "NAME", text)


def page_options() -> argparse.Namespace:
    """Parse, in the page's process, what `command` passes on."""
    parser = argparse.ArgumentParser()
    add_page_arguments(parser)
    return parser.parse_args()


def run(args: argparse.Namespace) -> int:
    """Check the arguments, then become the server of the page: signals reach it."""
    if not 1 <= args.port <= 65535:
        raise InvalidInput(f"--port must be 1 to 65535, got {args.port}")
    load_policy(args.policy)
    parse_banks(args.sound_bank)
    if source := source_values(args):
        # Beam takes seconds to load.
        from tfx_audio.components.audio_example_gen.config import IngestConfig
        from tfx_audio.pipeline.clips.sound_folder import list_sounds

        list_sounds(IngestConfig(**source))
    print(f"explorer: http://{args.host}:{args.port} (Ctrl+C ends it)", flush=True)
    words = command(args)
    os.execv(words[0], words)


def command(args: argparse.Namespace) -> list[str]:
    """Return the command that serves the page: no telemetry, no upload above the limit."""
    page = resources.files("tfx_audio.pipeline.explorer") / "explorer_app.py"
    options = {
        "server.address": args.host,
        "server.port": args.port,
        "server.headless": "true",
        "server.maxUploadSize": _MAX_UPLOAD_MB,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorLinks": "false",
        # one for each: a colour for both would switch the system's dark mode off
        "theme.light.primaryColor": "#8a3279",
        "theme.dark.primaryColor": "#d98fd0",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    passed = given_flags(args, add_page_arguments)
    return [sys.executable, "-m", "streamlit", "run", str(page), *flags, "--", *passed]
