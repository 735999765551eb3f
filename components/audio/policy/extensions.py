"""Transforms of one's own: those that installed packages add by entry points.

A package that holds a subclass of audiomentations' ``BaseWaveformTransform`` names it in its
``pyproject.toml``,

    [project.entry-points."tfx_audio.transforms"]
    Crackle = "acme.sounds:Crackle"

and lays its parameters beside that module, in ``acme/Crackle.schema.json``:

    {"description": "Adds crackle.", "x-cost-ms-per-s": 0.2,
     "properties": {"min_rate": {"type": "number", "minimum": 0, "default": 1.0}, ...}}

Policies are read and checked by that file; the package is imported where copies are made. What is
wrong with a package is said where a policy names its transform.
"""

import functools
import importlib.util
import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema

from tfx_audio.components.audio.errors import InvalidInput

GROUP = "tfx_audio.transforms"
_OURS = ["name", "id", "p", "transforms", "sounds", "distribution"]
_PARAMETER = {
    "type": "object",
    "properties": {"type": {"enum": ["number", "integer", "boolean"]}, "$ref": False},
    "anyOf": [{"required": ["type"]}, {"required": ["enum"]}],
}
_FILE_SCHEMA = {
    "type": "object",
    "required": ["properties"],
    "additionalProperties": False,
    "properties": {
        "description": {"type": "string"},
        "x-cost-ms-per-s": {"type": "number", "minimum": 0},
        "required": {"type": "array", "items": {"type": "string"}},
        "properties": {
            "type": "object",
            "propertyNames": {"not": {"enum": _OURS}},
            "additionalProperties": _PARAMETER,
        },
    },
}


@functools.lru_cache(maxsize=1)
def extensions() -> Mapping[str, metadata.EntryPoint]:
    """Return the entry points of all installed packages by transform name.

    Raises:
      InvalidInput: If two packages add one name.
    """
    found: dict[str, metadata.EntryPoint] = {}
    for point in metadata.entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if _owner(other) != _owner(point):
            raise InvalidInput(
                f"the packages {_owner(other)} and {_owner(point)} both add a transform "
                f"'{point.name}': uninstall one"
            )
    return found


def extension_versions(names: set[str]) -> dict[str, str]:
    """Return the version of each package that adds one of these transforms."""
    found = [point.dist for name, point in extensions().items() if name in names]
    return {dist.name: dist.version for dist in found if dist}


def add_extensions(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the packages' transforms to the JSON Schema of a policy, in place.

    Raises:
      InvalidInput: If a package takes the name of a transform that is there.
    """
    definitions = schema["definitions"]
    common = {key: definitions["Gain"]["properties"][key] for key in ("id", "p")}
    choices = definitions["transforms"]["items"]["anyOf"]
    bare = next(choice["enum"] for choice in choices if "enum" in choice)
    for name, point in extensions().items():
        if name in definitions:
            raise InvalidInput(f"the package {_owner(point)} adds a transform '{name}', but "
                               "there is one of this name already: uninstall it")  # fmt: skip
        try:
            own = _read_schema(point)
        except Exception as error:  # whatever a package does
            problem = f"the package {_owner(point)} adds it, but {type(error).__name__}: {error}"
            schema["x-withheld-transforms"][name] = problem
            continue
        required = ["name", *own.get("required", ())]
        definitions[name] = {
            **{"description": "", "x-cost-ms-per-s": 0.0, **own},
            "type": "object",
            "required": required,
            "additionalProperties": False,
            "properties": {"name": {"const": name}, **common, **own["properties"]},
            "x-needs-package": point.module,
        }
        choices.append({"$ref": f"#/definitions/{name}"})
        if required == ["name"]:
            bare.append(name)
    return schema


def _owner(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _read_schema(point: metadata.EntryPoint) -> dict[str, Any]:
    """Read what describes a transform, without importing its package."""
    top, *inner = point.module.split(".")
    place = Path(*inner[:-1], f"{point.name}.schema.json")
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ModuleNotFoundError(f"there is no module {top}")
    folders = spec.submodule_search_locations or [str(Path(spec.origin or "").parent)]
    paths = [Path(folder, place) for folder in folders]
    path = next(filter(Path.is_file, paths), None)
    if path is None:
        raise FileNotFoundError(f"there is no {' or '.join(map(str, paths))}")
    own: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        jsonschema.validate(own, _FILE_SCHEMA)
        jsonschema.Draft7Validator.check_schema(own)
    except (jsonschema.ValidationError, jsonschema.SchemaError) as error:
        raise ValueError(f"{path}: {error.json_path}: {error.message}") from None
    return own
