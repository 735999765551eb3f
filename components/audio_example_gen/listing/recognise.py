"""Which layout a folder has: as it is told, or as its files show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.splits import split_of_name
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.files import AllowedRoots, match_files
from tfx_audio.components.audio_example_gen.listing.layout import (
    NONE,
    Layout,
    load_layout,
    shipped_layouts,
)
from tfx_audio.components.audio_example_gen.listing.listing import allowed_roots
from tfx_audio.components.open_files import is_local

_SPLIT_PART = "{split}"


class FoundLayout(NamedTuple):
    """A layout and where it was found.

    Attributes:
      name: Its name or file.
      layout: What it says.
      home: The folder that its places are relative to.
    """

    name: str
    layout: Layout
    home: str

    @property
    def announcement(self) -> str:
        """One line for people."""
        banks = "".join(
            f"; {folder} is not a class: --sound-bank {name}={FileSystems.join(self.home, folder)} "
            "gives it to policies"
            for name, folder in self.layout.sound_banks.items()
        )
        says = f": {self.layout.says}" if self.layout.says else ""
        return f"the layout of {self.layout.title}{says}{banks} (--layout none switches it off)"


def find_layout(config: IngestConfig) -> list[FoundLayout]:
    """Return the layout that is asked for, or those that the folder seems to have.

    What the folder has may still prove to be no table of audio; see `list_recordings`.

    Raises:
      InvalidInput: If a layout is asked for that is not known or not there.
    """
    allowed = allowed_roots(config)
    if config.layout == NONE:
        return []
    if config.layout:
        layout = load_layout(config.layout)
        homes = [config.path] if config.manifest else list(_homes(config.path, layout, allowed))
        if not layout.found_by:
            homes = [config.path]
        if not homes:
            raise InvalidInput(
                f"--layout {config.layout}: {config.path!r} has none of "
                f"{' or '.join(' with '.join(files) for files in layout.found_by)}"
            )
        return [_only_one(config.layout, layout, homes)]
    if config.manifest or config.label_from:
        return []
    found = []
    for name, layout in shipped_layouts().items():
        if homes := list(_homes(config.path, layout, allowed)):
            found.append(_only_one(name, layout, homes))
    return [one for one in found if one.layout.kind == "dataset"] or found


def _only_one(name: str, layout: Layout, homes: list[str]) -> FoundLayout:
    if len(homes) > 1:
        raise InvalidInput(
            f"the layout of {layout.title} is found in {', '.join(map(repr, homes[:5]))}; "
            "--data names one of them, --layout none takes the folders for classes"
        )
    return FoundLayout(name, layout, homes[0])


def _homes(root: str, layout: Layout, allowed: AllowedRoots) -> Iterator[str]:
    """Yield the root if the layout is there, else the folders in it that have it."""
    if _is_at(root, layout, allowed):
        yield root
    elif layout.kind == "dataset" and is_local(root):
        with os.scandir(root) as entries:
            names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        for name in names:
            if _is_at(os.path.join(root, name), layout, allowed):
                yield os.path.join(root, name)


def _is_at(home: str, layout: Layout, allowed: AllowedRoots) -> bool:
    return any(
        all(split_files(home, pattern, allowed) for pattern in patterns)
        for patterns in layout.found_by
    )


def split_files(home: str, pattern: str, allowed: AllowedRoots) -> list[tuple[str, str]]:
    """Return the files that a pattern fits, each with the split that its name says.

    Args:
      home: The folder that the pattern is relative to.
      pattern: Places; ``{split}`` stands for the name of a split.
      allowed: Where files may lie.
    """
    if _SPLIT_PART not in pattern:
        return [(path, "") for path in match_files(home, pattern, allowed)]
    before, _, after = (re.escape(part) for part in pattern.partition(_SPLIT_PART))
    regex = re.compile(f"{before}([^/]+?){after}".replace(r"\*", "[^/]*"))
    found = []
    for path in match_files(home, pattern.replace(_SPLIT_PART, "*"), allowed):
        named = regex.fullmatch(path)
        if named and (split := split_of_name(named.group(1))):
            found.append((path, split))
    return found
