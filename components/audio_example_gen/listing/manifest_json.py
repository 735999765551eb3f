"""Rows of JSON: an object on each line, an array of objects, or an object by id."""

import collections
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from tfx_audio.components.audio.rejection import shorten

_BLANKS = " \t\r\n"
_MAX_DEPTH = 8


JsonRow = tuple[int, dict[str, str], str, dict[str, str]]
"""The number of a row's first line, from 1; text by name; why the row can't be read, empty if it
can; and what is odd about a value, by name."""


def json_rows(text: str, nested: bool = False) -> Iterator[JsonRow]:
    """Yield the rows of JSON text, whichever of the three forms it has.

    Args:
      text: The text.
      nested: Whether values in objects and lists get names of their own: ``a.0.b``.
    """
    found: Iterable[tuple[int, Any]]
    if text.lstrip(_BLANKS).startswith("["):
        found = _array_items(text)
    else:
        found = _items_of_one(text) or _line_items(text)
    for line, item in found:
        yield _row(line, item, nested)


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_object)


def _line_items(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(text: str) -> Any:
    """Return a JSON value, or the error where it is not one."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (json.JSONDecodeError, RecursionError) as error:
        return ValueError(f"no JSON: {error}")
    except ValueError as error:
        return error


def _array_items(text: str) -> Iterator[tuple[int, Any]]:
    """Yield the elements of an array, up to the first that can't be read."""
    decoder, at, line, counted = _decoder(), text.index("[") + 1, 1, 0
    while at < len(text):
        while at < len(text) and text[at] in _BLANKS + ",":
            at += 1
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] in ("]", ""):
            return
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield line, ValueError(f"no JSON from here on: {error}")
            return
        yield line, item


def _items_of_one(text: str) -> list[tuple[int, Any]] | None:
    """Return the rows of one object that holds them all: by id, or as its only value.

    None where the text is not such an object.
    """
    try:
        whole, end = _decoder().raw_decode(text, len(text) - len(text.lstrip(_BLANKS)))
    except (ValueError, RecursionError):
        return None
    if text[end:].strip() or not isinstance(whole, dict) or not whole:
        return None
    values = list(whole.values())
    if len(values) == 1 and isinstance(values[0], list) and values[0]:
        values = values[0]
        return [(1, v) for v in values] if all(isinstance(v, dict) for v in values) else None
    if not all(isinstance(value, dict) for value in values):
        return None
    lines = _lines_of_keys(text, whole)
    return [(lines[key], {"id": key, **value}) for key, value in whole.items()]


def _lines_of_keys(text: str, whole: dict[str, Any]) -> dict[str, int]:
    """Return the line on which each key of an object stands, as near as a search finds it."""
    lines, at, line = {}, 0, 1
    for key in whole:
        found = text.find(json.dumps(key, ensure_ascii=False), at)
        if found >= 0:
            line, at = line + text.count("\n", at, found), found
        lines[key] = line
    return lines


def _row(line: int, item: Any, nested: bool) -> JsonRow:
    if isinstance(item, ValueError):
        return line, {}, str(item), {}
    if not isinstance(item, dict):
        return line, {}, "no JSON object", {}
    try:
        values = dict(_flat(item)) if nested else item
        texts = {str(name): _as_text(value) for name, value in values.items()}
    except RecursionError as error:
        return line, {}, f"no JSON: {error}", {}
    odd = {name: problem for name, value in values.items() if (problem := _oddity(value))}
    return line, texts, "", odd


def _flat(item: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield all values with their names, those within objects and lists as ``a.0.b`` too."""
    pairs = item.items() if isinstance(item, dict) else enumerate(item)
    for key, value in pairs:
        yield f"{prefix}{key}", value
        if isinstance(value, dict | list) and depth < _MAX_DEPTH:
            yield from _flat(value, f"{prefix}{key}.", depth + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object; raises ValueError where a key is given twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"{shorten(twice, 50)!r} is given twice")
    return values


def _oddity(value: object) -> str:
    """Say why a JSON value can't be a name, empty if it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {_as_text(value)}, which can't be a name"
    if isinstance(value, list | dict):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"is {kind}; one text or number is needed"
    return ""


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
