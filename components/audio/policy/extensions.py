"""Transforms of one's own: those that installed packages add by entry points.

A package that holds a subclass of audiomentations' ``BaseWaveformTransform`` names it in its
``pyproject.toml``,

    [project.entry-points."tfx_audio.transforms"]
    Crackle = "acme.sounds:Crackle"

and lays its parameters beside that module, in ``acme/Crackle.schema.json``:

    {"description": "Adds crackle.", "x-cost-ms-per-s": 0.2,
     "properties": {"min_rate": {"type": "number", "minimum": 0, "default": 1.0}, ...}}

Policies are read and checked by that file; the package is imported where copies are made.
"""

import functools
import json
from collections.abc import Mapping
from importlib import metadata, resources
from typing import Any

import jsonschema

from tfx_audio.components.audio.errors import InvalidInput

GROUP = "tfx_audio.transforms"


@functools.lru_cache(maxsize=1)
def extensions() -> Mapping[str, metadata.EntryPoint]:
    """Return the entry points of all installed packages by transform name."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def extension_versions(names: set[str]) -> dict[str, str]:
    """Return the version of each package that adds one of these transforms."""
    found = [point.dist for name, point in extensions().items() if name in names]
    return {dist.name: dist.version for dist in found if dist}


def add_extensions(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the packages' transforms to the JSON Schema of a policy, in place.

    Raises:
      InvalidInput: If a package's schema is missing or makes no sense, or its name is taken.
    """
    definitions = schema["definitions"]
    common = {key: definitions["Gain"]["properties"][key] for key in ("id", "p")}
    for name, point in extensions().items():
        if name in definitions:
            raise _refuse(point, f"there is a transform '{name}' already")
        own = _read_schema(point)
        properties = {"name": {"const": name}, **common, **own["properties"]}
        fixed = {"type": "object", "additionalProperties": False, "properties": properties}
        defaults = {"description": "", "required": ["name"], "x-cost-ms-per-s": 0.0}
        definitions[name] = {**defaults, **own, **fixed, "x-needs-package": point.module}
        choices = definitions["transforms"]["items"]["anyOf"]
        choices.append({"$ref": f"#/definitions/{name}"})
        if definitions[name]["required"] == ["name"]:
            next(choice for choice in choices if "enum" in choice)["enum"].append(name)
    return schema


def _read_schema(point: metadata.EntryPoint) -> dict[str, Any]:
    package = point.module.rpartition(".")[0] or point.module
    file = f"{point.name}.schema.json"
    try:
        own = json.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    except (ImportError, OSError, ValueError) as error:
        raise _refuse(
            point, f"its parameters can't be read from {package}/{file}: {error}"
        ) from None
    schema = {"type": "object", "required": ["properties"]}
    try:
        jsonschema.validate(own, schema)
        jsonschema.Draft7Validator.check_schema(own)
    except (jsonschema.ValidationError, jsonschema.SchemaError) as error:
        raise _refuse(point, f"{package}/{file} is no JSON Schema: {error.message}") from None
    return own


def _refuse(point: metadata.EntryPoint, problem: str) -> InvalidInput:
    owner = point.dist.name if point.dist else point.module
    return InvalidInput(f"the package {owner} adds the transform '{point.name}': {problem}")
