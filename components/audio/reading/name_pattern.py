"""What a file's name says of it: ``{label}_{speaker}_{index}``."""

import re
from dataclasses import dataclass

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import CONTRACT_KEYS, GROUP_KEY, LABEL_KEY

_PART = re.compile(r"\{([^{}]*)\}|\*")
_MAX_PARTS = 8
_NOBODYS = "*"


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
      tokens: Parts by name, and the text between them: ``(is a part, name or text)``.
    """

    text: str
    parts: tuple[str, ...]
    tokens: tuple[tuple[bool, str], ...]

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
        ends = self._ends(stem)
        if ends is None:
            return None
        found, position = {}, 0
        for (is_part, name), end_at in zip(self.tokens, ends, strict=True):
            end = end_at[position]
            if is_part and name != _NOBODYS:
                found[name] = stem[position:end]
            position = end
        return found

    def _ends(self, stem: str) -> list[list[int]] | None:
        """Return for each token where it ends, by where it begins (-1: it can't begin there).

        A part ends as far to the right as what follows allows. From the last token to the first,
        each takes one pass over the name: a regular expression would try all ways to divide it.
        """
        fits = [False] * len(stem) + [True]  # nothing follows the last token
        ends: list[list[int]] = []
        for is_part, text in reversed(self.tokens):
            end_at = _part_ends(stem, fits, text) if is_part else _text_ends(stem, fits, text)
            fits = [end >= 0 for end in end_at]
            ends.append(end_at)
        return ends[::-1] if fits[0] else None


def _text_ends(stem: str, fits: list[bool], text: str) -> list[int]:
    """Return where a text ends, by where it begins, if what follows fits there."""
    size = len(text)
    return [
        start + size if stem.startswith(text, start) and fits[start + size] else -1
        for start in range(len(stem) + 1)
    ]


def _part_ends(stem: str, fits: list[bool], name: str) -> list[int]:
    """Return how far a part can go, by where it begins, so that what follows fits."""
    end_at, furthest = [-1] * (len(stem) + 1), -1
    for start in range(len(stem), -1, -1):
        if start < len(stem) and stem[start] == "/":
            furthest = -1
        may_be_empty = name == _NOBODYS and fits[start]
        end_at[start] = start if may_be_empty and furthest < 0 else furthest
        if furthest < 0 and fits[start]:
            furthest = start
    return end_at


def parse_name_pattern(text: str) -> NamePattern:
    """Parse a pattern.

    Raises:
      InvalidInput: If it has no ``{label}``, or a part that can't be a feature's name.
    """
    parts: list[str] = []
    tokens: list[tuple[bool, str]] = []
    last = 0
    for found in _PART.finditer(text):
        tokens.append((False, text[last : found.start()]))
        last = found.end()
        name = found.group(1)
        if name is not None:
            _check_part(name, parts, text)
            parts.append(name)
        tokens.append((True, _NOBODYS if name is None else name))
    tokens.append((False, text[last:]))
    if LABEL_KEY not in parts:
        raise InvalidInput(f"the label pattern needs a part {{label}}; got {text!r}")
    if len(_PART.findall(text)) > _MAX_PARTS:
        raise InvalidInput(f"the label pattern may have {_MAX_PARTS} parts at most; got {text!r}")
    return NamePattern(text, tuple(parts), tuple(tokens))


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
