"""Reads a policy's or a configuration's text: YAML or JSON into plain values, and their lines.

Both may come from anywhere, so what YAML can do beyond plain data is refused: Python tags,
alias bombs, endless nesting. Duplicate keys are an error, not a silent last one, and mapping
keys stay the text that was written (a label may be called ``no`` or ``7``).
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tfx_audio.components.audio.errors import InvalidInput

MAX_BYTES = 1_000_000
MAX_CHARACTERS = 200_000
MAX_VALUES = 20_000
MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_PLAIN_SCALARS = {f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null")}
_EXPONENT = re.compile(r"^[-+]?(\d+|\d+\.\d*|\.\d+)[eE][-+]?\d+$")

PlacePath = tuple["str | int", ...]


@dataclass(frozen=True)
class Document:
    """A parsed text.

    Attributes:
      value: Plain dicts, lists, strings, numbers, booleans and None.
      where: The file or preset, for messages.
      lines: Line numbers (from 1) by path into the value; empty where they are not known.
    """

    value: Any
    where: str
    lines: Mapping[PlacePath, int] = field(default_factory=dict)

    def place(self, path: PlacePath) -> str:
        """Return ``policy.yaml, line 7, transforms[1].p`` for a path."""
        line = next(
            (self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 0
        )
        parts = [self.where, f"line {line}" if line else "", show_path(path)]
        return ", ".join(part for part in parts if part)


class _Loader(yaml.SafeLoader):
    """SafeLoader that also reads ``1e-3`` as a number, as YAML 1.2 and JSON do."""


_Loader.add_implicit_resolver(f"{_TAG}float", _EXPONENT, list("-+.0123456789"))


def read_document(text: str, where: str) -> Document:
    """Parse YAML or JSON.

    Raises:
      InvalidInput: If it is neither, holds more than plain data, or is far larger than such a text.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            f"{where}: expected at most {MAX_CHARACTERS} characters, got {len(text)}"
        )
    try:
        return _as_yaml(text, where)
    except yaml.YAMLError as error:
        return _as_json(text, where, error)


def _as_yaml(text: str, where: str) -> Document:
    """Parse YAML; raises YAMLError if it is not YAML."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[PlacePath, int] = {}
        _Reader(loader, where, lines).check_size(node)
        value = None if node is None else _Reader(loader, where, lines).read(node, ())
    except RecursionError:
        raise InvalidInput(f"{where}: nested more than {MAX_DEPTH} deep") from None
    finally:
        loader.dispose()
    return Document(value, where, lines)


def _as_json(text: str, where: str, error: yaml.YAMLError) -> Document:
    """Read JSON that YAML does not accept (tabs)."""
    _check_is_json(text, where, error)
    lines: Mapping[PlacePath, int] = {}
    with contextlib.suppress(yaml.YAMLError):
        # JSON has tabs only between its values, so this moves nothing, and YAML knows the lines.
        lines = _as_yaml(text.replace("\t", " "), where).lines
    return Document(_unique_json(text, where), where, lines)


def _unique_json(text: str, where: str) -> Any:
    """Parse JSON whose objects have no key twice."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            key = next(key for key, count in counts.items() if count > 1)
            raise InvalidInput(f"{where}: '{key}' is given twice")
        return values

    return json.loads(text, object_pairs_hook=mapping)


def _check_is_json(text: str, where: str, error: yaml.YAMLError) -> None:
    """Raise `InvalidInput` for a text that is neither YAML nor JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise InvalidInput(f"{where}{line}: not YAML: {problem}") from None


def show_path(path: PlacePath) -> str:
    """Return ``transforms[1].transforms[0].p`` for a path."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


class _Reader:
    """Turns YAML nodes into plain values and notes their lines."""

    def __init__(self, loader: _Loader, where: str, lines: dict[PlacePath, int]) -> None:
        self._loader = loader
        self._where = where
        self._lines = lines
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def check_size(self, node: yaml.Node | None, depth: int = 0) -> int:
        """Count the values below a node as if every alias were written out."""
        if node is None:
            return 0
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        if id(node) in self._open:
            raise self._refuse(node, "an alias points back into itself")
        if depth > MAX_DEPTH:
            raise self._refuse(node, f"nested more than {MAX_DEPTH} deep")
        self._open.add(id(node))
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = list(node.value)
        elif isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        size = 1 + sum(self.check_size(child, depth + 1) for child in children)
        if size > MAX_VALUES:
            raise self._refuse(node, f"more than {MAX_VALUES} values")
        self._open.discard(id(node))
        self._sizes[id(node)] = size
        return size

    def read(self, node: yaml.Node, path: PlacePath) -> Any:
        """Return a node's plain value."""
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        expected = f"{_TAG}{'map' if isinstance(node, yaml.MappingNode) else 'seq'}"
        if node.tag != expected:
            raise self._refuse(node, f"the tag {node.tag} is not plain data")
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._mapping(node, path)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag not in _PLAIN_SCALARS:
            if node.tag == f"{_TAG}timestamp":
                return node.value
            raise self._refuse(node, f"the tag {node.tag} is not plain data")
        try:
            return self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            raise self._refuse(node, f"{node.value[:40]!r} can't be read") from None

    def _mapping(self, node: yaml.Node, path: PlacePath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._refuse(key, "a key must be plain text")
            if key.tag == f"{_TAG}merge":
                self._merge(child, path, merged)
                continue
            if key.value in values:
                raise self._refuse(key, f"'{key.value}' is given twice")
            here = (*path, key.value)
            self._lines[here] = key.start_mark.line + 1
            values[key.value] = self.read(child, here)
        return merged | values

    def _merge(self, node: yaml.Node, path: PlacePath, merged: dict[str, Any]) -> None:
        """Take over ``<<: *defaults`` or a list of such."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise self._refuse(source, "<< needs a mapping")
            merged.update(self._mapping(source, path))

    def _refuse(self, node: yaml.Node, problem: str) -> InvalidInput:
        mark = node.start_mark
        return InvalidInput(f"{self._where}, line {mark.line + 1}: {problem}")
