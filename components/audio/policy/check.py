"""Checks a policy's values against the JSON Schema, in words that name the place and the way out.

A small reading of exactly the schema words that `transform_signatures` writes: a general
validator answers ``anyOf`` with a list of everything that did not match.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.yaml_document import Document, PlacePath

SCHEMA_FILE = "augmentation_policy.schema.json"
MAX_NESTING = 16
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "null": (type(None),),
}
_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
}


@functools.lru_cache(maxsize=1)
def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file."""
    text = resources.files("tfx_audio.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def transform_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of transforms and compositions by name."""
    definitions = policy_schema()["definitions"]
    return {name: schema for name, schema in definitions.items() if name != "transforms"}


class Checker:
    """Checks and normalises one document."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def refuse(self, path: PlacePath, problem: str) -> InvalidInput:
        """Return an error that names the place."""
        return InvalidInput(f"{self._document.place(path)}: {problem}")

    def mapping(self, value: Any, path: PlacePath, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Check a mapping with known keys, all values but `transforms` included."""
        if not isinstance(value, dict):
            raise self.refuse(path, f"expected a mapping, got {_show(value)}")
        known = schema["properties"]
        withheld = schema.get("x-withheld", {})
        checked: dict[str, Any] = {}
        for key, item in value.items():
            here = (*path, key)
            if key in withheld:
                raise self.refuse(here, f"'{key}' can't be set in a policy: {withheld[key]}")
            if key not in known:
                owner = known["name"]["const"] if "name" in known else "a policy"
                names = ", ".join(sorted(known))
                raise self.refuse(
                    here, f"{owner} has no '{key}'.{did_you_mean(key, known)} It has: {names}"
                )
            checked[key] = item if "$ref" in known[key] else self.value(item, here, known[key])
        for key in schema.get("required", ()):
            if key not in checked:
                raise self.refuse(path, f"'{key}' is missing")
        return checked

    def value(self, value: Any, path: PlacePath, schema: Mapping[str, Any]) -> Any:
        """Check one value; a whole number written as a float comes back as int."""
        if "anyOf" in schema:
            return self._any_of(value, path, schema["anyOf"])
        if "const" in schema or "enum" in schema:
            return self._choice(value, path, schema.get("enum") or [schema["const"]])
        kind = schema["type"]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            raise self.refuse(path, f"expected {_TYPE_WORDS[kind]}, got {_show(value)}")
        if isinstance(value, (int, float)) and kind != "boolean":
            return self._number(value, path, schema)
        if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
            raise self.refuse(path, f"{_show(value)} does not fit the pattern {schema['pattern']}")
        if isinstance(value, list):
            return self._array(value, path, schema)
        return value

    def _any_of(self, value: Any, path: PlacePath, choices: list[Mapping[str, Any]]) -> Any:
        errors = []
        for choice in choices:
            try:
                return self.value(value, path, choice)
            except InvalidInput as error:
                errors.append(error)
        fitting = [c for c in choices if isinstance(value, _TYPES[c["type"]])]
        raise errors[choices.index(fitting[0]) if fitting else 0]

    def _choice(self, value: Any, path: PlacePath, choices: list[Any]) -> Any:
        if any(value == choice and type(value) is type(choice) for choice in choices):
            return value
        hint = did_you_mean(str(value), [str(choice) for choice in choices])
        raise self.refuse(
            path, f"expected one of {', '.join(map(str, choices))}, got {_show(value)}.{hint}"
        )

    def _number(self, value: Any, path: PlacePath, schema: Mapping[str, Any]) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.refuse(path, f"expected a finite number, got {value}")
        if schema["type"] == "integer":
            if value != int(value):
                raise self.refuse(path, f"expected a whole number, got {value}")
            value = int(value)
        if abs(value) > 2**63 - 1:
            raise self.refuse(path, "the number is too large")
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = " and ".join(
                word
                for word in (
                    f"at least {low:g}" if low is not None else "",
                    f"at most {high:g}" if high is not None else "",
                )
                if word
            )
            raise self.refuse(path, f"expected {bounds}, got {value}")
        return value

    def _array(self, value: list[Any], path: PlacePath, schema: Mapping[str, Any]) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
        if not least <= len(value) <= most:
            raise self.refuse(path, f"expected {least} values, got {len(value)}")
        return [self.value(item, (*path, i), schema["items"]) for i, item in enumerate(value)]


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
