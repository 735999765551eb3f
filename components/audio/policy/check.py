"""Checks a policy's values against the JSON Schema, in words that name the place and the way out.

`jsonschema` judges; what is here says of its first finding what was expected, what came, and where.
"""

import functools
import json
import math
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import jsonschema

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.extensions import add_extensions
from tfx_audio.components.audio.policy.yaml_document import Document, PlacePath

SCHEMA_FILE = "augmentation_policy.schema.json"
COMPOSITIONS = ("Compose", "OneOf", "SomeOf")
MAX_NESTING = 16
MAX_NUMBER = 2**63 - 1
_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
}


def _is_finite_number(checker: object, value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and (isinstance(value, int) or math.isfinite(value))  # type: ignore[arg-type]


_Validator = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine("number", _is_finite_number),
)


@functools.lru_cache(maxsize=1)
def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, with the transforms of installed packages."""
    text = resources.files("tfx_audio.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return add_extensions(json.loads(text))


@functools.lru_cache(maxsize=1)
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
        """Check a mapping with known keys, but not what mappings and transforms in it hold."""
        withheld = schema.get("x-withheld", {})
        for key in withheld.keys() & value if isinstance(value, dict) else ():
            problem = f"'{key}' can't be set in a policy: {withheld[key]}"
            raise self.refuse((*path, key), problem)
        known = {key: _shallow(item) for key, item in schema["properties"].items()}
        checked: dict[str, Any] = self.value(value, path, {**schema, "properties": known})
        return {key: _whole(item, known[key]) for key, item in checked.items()}

    def value(self, value: Any, path: PlacePath, schema: Mapping[str, Any]) -> Any:
        """Check one value; a whole number written as a float comes back as int."""
        errors = list(_Validator(schema).iter_errors(value))
        if errors:
            raise self._explain(min(errors, key=lambda error: _position(error, value)), path)
        for where, number in _numbers(value):
            if MAX_NUMBER < abs(number) < math.inf:
                raise self.refuse((*path, *where), "the number is too large")
        return _whole(value, schema)

    def _explain(self, error: Any, path: PlacePath) -> InvalidInput:
        """Say in words what jsonschema found."""
        here, value, schema = (*path, *error.relative_path), error.instance, error.schema
        if error.validator == "anyOf":
            fitting = [one for one in error.context if one.validator != "type" or one.path]
            return self._explain([*fitting, *error.context][0], here)
        if error.validator == "additionalProperties":
            known = schema["properties"]
            key = next(key for key in value if key not in known)
            owner = known["name"]["const"] if "name" in known else "a policy"
            names = ", ".join(sorted(known))
            problem = f"{owner} has no '{key}'.{did_you_mean(key, known)} It has: {names}"
            return self.refuse((*here, key), problem)
        return self.refuse(here, _problem(error))


def _problem(error: Any) -> str:
    """Return what was expected of a value, and what came."""
    value, schema, keyword = error.instance, error.schema, error.validator
    if keyword == "required":
        return f"'{next(key for key in error.validator_value if key not in value)}' is missing"
    if isinstance(value, float) and not math.isfinite(value):
        return f"expected a finite number, got {value}"
    if keyword == "type":
        return f"expected {_TYPE_WORDS[error.validator_value]}, got {_show(value)}"
    if keyword in ("const", "enum"):
        choices = [str(choice) for choice in schema.get("enum") or [schema["const"]]]
        hint = did_you_mean(str(value), choices)
        return f"expected one of {', '.join(choices)}, got {_show(value)}.{hint}"
    if keyword in ("minimum", "maximum"):
        words = {"minimum": "at least", "maximum": "at most"}
        bounds = [f"{word} {schema[key]:g}" for key, word in words.items() if key in schema]
        return f"expected {' and '.join(bounds)}, got {value}"
    if keyword in ("minItems", "maxItems"):
        return f"expected {error.validator_value} values, got {len(value)}"
    if keyword == "maxProperties":
        return f"expected at most {error.validator_value} entries, got {len(value)}"
    if keyword == "pattern":
        return f"{_show(value)} does not fit the pattern {error.validator_value}"
    return str(error.message)


def _shallow(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a property's schema without what lies inside: that is read step by step."""
    if "$ref" in schema:
        return {}
    return {"type": "object"} if schema.get("type") == "object" else schema


def _position(error: Any, value: Any) -> int:
    """Return where in a mapping an error lies; what is missing comes last."""
    keys = list(value) if isinstance(value, dict) else []
    if error.path:
        return keys.index(error.path[0]) if keys else 0
    unknown = [i for i, key in enumerate(keys) if key not in error.schema.get("properties", {})]
    return unknown[0] if error.validator == "additionalProperties" else len(keys)


def _numbers(value: Any, where: PlacePath = ()) -> Iterator[tuple[PlacePath, float]]:
    """Yield the numbers in a value with their places."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(item, (*where, key))
    elif isinstance(value, (int, float)):
        yield where, value


def _whole(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value with its whole numbers as int."""
    branches = [schema, *schema.get("anyOf", ())]
    if isinstance(value, list):
        items: Any = next((branch["items"] for branch in branches if "items" in branch), {})
        return [_whole(item, items) for item in value]
    is_whole = any(branch.get("type") == "integer" for branch in branches)
    return int(value) if isinstance(value, float) and is_whole else value


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
