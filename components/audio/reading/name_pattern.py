"""What a file's name says of it: ``{label}_{speaker}_{index}``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import CONTRACT_KEYS, GROUP_KEY, LABEL_KEY

_PART = re.compile(r"\{([^{}]*)\}|\*")
_MAX_PARTS = 8  # matching is polynomial in the length of a name, of this degree at most


@dataclass(frozen=True)
class NamePattern:
    """A pattern over file names, its parts in braces; ``*`` is a part that is not kept.

    A pattern with a slash is held against the end of the path relative to the data root, one
    without against the file's name; both without the suffix. A part never crosses a slash, and
    takes as much as it can from left to right: ``{label}_{speaker}_{index}`` reads
    ``living_room_anna_3`` as label ``living_room``.

    Attributes:
      text: The pattern.
      parts: Names of its parts in order.
      regex: The regular expression it stands for.
    """

    text: str
    parts: tuple[str, ...]
    regex: re.Pattern[str]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the parts that become features of their own."""
        return tuple(part for part in self.parts if part not in (LABEL_KEY, GROUP_KEY))

    def match(self, stem: str) -> dict[str, str] | None:
        """Return the parts of a relative path without suffix, or None where it does not fit."""
        if "/" in self.text:
            depth = self.text.count("/") + 1
            stem = "/".join(stem.split("/")[-depth:])
        else:
            stem = stem.rpartition("/")[2]
        found = self.regex.fullmatch(stem)
        return found.groupdict() if found else None


def parse_name_pattern(text: str) -> NamePattern:
    """Parse a pattern.

    Raises:
      InvalidInput: If it has no ``{label}``, or a part that can't be a feature's name.
    """
    parts: list[str] = []
    regex, last = "", 0
    for found in _PART.finditer(text):
        regex += re.escape(text[last : found.start()])
        last = found.end()
        name = found.group(1)
        if name is None:
            regex += "[^/]*"
            continue
        _check_part(name, parts, text)
        parts.append(name)
        regex += f"(?P<{name}>[^/]+)"
    regex += re.escape(text[last:])
    if LABEL_KEY not in parts:
        raise InvalidInput(f"the label pattern needs a part {{label}}; got {text!r}")
    if len(_PART.findall(text)) > _MAX_PARTS:
        raise InvalidInput(f"the label pattern may have {_MAX_PARTS} parts at most; got {text!r}")
    return NamePattern(text, tuple(parts), re.compile(regex, re.DOTALL))


def _check_part(name: str, before: list[str], text: str) -> None:
    if not name.isidentifier() or not name.isascii():
        raise InvalidInput(
            f"a part of a label pattern is a name like {{speaker}}; got {{{name}}} in {text!r}"
        )
    if name in before:
        raise InvalidInput(f"the label pattern {text!r} has the part {{{name}}} twice")
    if name in CONTRACT_KEYS and name not in (LABEL_KEY, GROUP_KEY):
        raise InvalidInput(
            f"the part {{{name}}} of the label pattern {text!r} has the name of a feature that "
            "every example has; choose another"
        )
