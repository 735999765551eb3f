"""Writes the policy's JSON Schema from audiomentations' own signatures.

``python scripts/policy_schema/policy_schema.py`` prints the schema; with ``--write`` it rewrites
``schemas/augmentation_policy.schema.json``, which is all that the package reads. A test fails when
the two drift apart.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal, Union, get_args, get_origin

from document_schema import document_schema
from transform_notes import (
    COST_MS_PER_S,
    LOG_RANGES,
    NEEDS_PACKAGE,
    RANGES,
    SAMPLE_RATES,
    SOUND_PARAMETERS,
    WITHHELD_PARAMETERS,
    WITHHELD_TRANSFORMS,
)

from tfx_audio.components.audio.augment.speed_perturb import SpeedPerturb
from tfx_audio.components.audio.policy.check import COMPOSITIONS, SCHEMA_FILE

_ID = {
    "type": "string",
    "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$",
    "description": "A name of your own for this step, to which `labels:` can refer.",
}
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of an augmentation policy."""
    definitions: dict[str, Any] = {name: _transform(name) for name in transform_names()}
    definitions.update(_compositions())
    choices: list[dict[str, Any]] = [
        {"$ref": f"#/definitions/{name}"} for name in sorted(definitions)
    ]
    bare = [name for name, schema in sorted(definitions.items()) if schema["required"] == ["name"]]
    choices.append({"enum": bare, "description": "A name alone: all parameters at their default."})
    definitions["transforms"] = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": choices},
        "description": "Steps, in order. Compose, OneOf and SomeOf hold further `transforms`.",
    }
    return {**document_schema(definitions), "x-withheld-transforms": dict(WITHHELD_TRANSFORMS)}


def transform_names() -> list[str]:
    """Return the names of the waveform transforms that a policy may use, sorted."""
    import audiomentations
    from audiomentations.core.transforms_interface import BaseWaveformTransform

    found = [
        name
        for name, item in vars(audiomentations).items()
        if inspect.isclass(item)
        and issubclass(item, BaseWaveformTransform)
        and name not in WITHHELD_TRANSFORMS
    ]
    return sorted([*found, SpeedPerturb.__name__])


def _transform(name: str) -> dict[str, Any]:
    """Return the definition of one transform."""
    import audiomentations

    cls = getattr(audiomentations, name, SpeedPerturb)
    texts = _parameter_texts(inspect.getdoc(cls.__init__) or "")
    properties: dict[str, Any] = {"name": {"const": name}, "id": _ID}
    required = ["name"]
    withheld = WITHHELD_PARAMETERS.get(name, {})
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD or parameter.name in withheld:
            continue
        if parameter.name in SOUND_PARAMETERS:
            properties["sounds"] = _sounds(parameter.name)
            required.append("sounds")
            continue
        properties[parameter.name] = _property(name, parameter, texts.get(parameter.name, ""))
    definition = {
        "type": "object",
        "description": _first_paragraph(cls),
        "additionalProperties": False,
        "required": required,
        "properties": properties,
        "x-cost-ms-per-s": COST_MS_PER_S[name],
    }
    if name in NEEDS_PACKAGE:
        definition["x-needs-package"] = NEEDS_PACKAGE[name]
    if name in SAMPLE_RATES:
        definition["x-sample-rates"] = list(SAMPLE_RATES[name])
    if withheld:
        definition["x-withheld"] = withheld
    if name in LOG_RANGES:
        ranges = LOG_RANGES[name]
        definition["x-log-ranges"] = list(ranges)
        properties["distribution"] = {
            "enum": ["uniform", "log"],
            "default": "uniform",
            "description": f"log draws {', '.join(ranges)} log-uniformly: as often from x to 2x "
            "wherever x lies. uniform is audiomentations' own, in mel for frequencies.",
        }
    return definition


def _sounds(parameter: str) -> dict[str, Any]:
    kind = "impulse responses" if parameter == "ir_path" else "sounds"
    return {
        "type": "string",
        "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
        "description": f"Name of a sound bank with {kind} (--sound-bank NAME=DIR).",
        "x-parameter": parameter,
    }


def _property(name: str, parameter: inspect.Parameter, text: str) -> dict[str, Any]:
    """Return one parameter's schema: type, bounds, default and description."""
    schema = _type_schema(parameter)
    low, high = RANGES.get((name, parameter.name), RANGES.get(("*", parameter.name), (None, None)))
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        schema["maximum"] = high
    if parameter.name == "p" or parameter.name.startswith("p_"):
        schema.update(_PROBABILITY)
    if parameter.default is not inspect.Parameter.empty and parameter.default is not None:
        schema["default"] = parameter.default
    if text:
        schema["description"] = text
    return schema


def _type_schema(parameter: inspect.Parameter) -> dict[str, Any]:
    annotation, default = parameter.annotation, parameter.default
    if get_origin(annotation) is Literal:
        return {"enum": sorted(get_args(annotation))}
    kinds = set(get_args(annotation)) if get_origin(annotation) is not None else {annotation}
    if type(annotation).__name__ == "UnionType" or get_origin(annotation) is Union:
        kinds = set(get_args(annotation))
    kinds -= {type(None)}
    if annotation is inspect.Parameter.empty:
        kinds = {type(default)}
    for kind, type_name in ((bool, "boolean"), (float, "number"), (int, "integer")):
        if kind in kinds:
            return {"type": type_name}
    raise TypeError(
        f"parameter {parameter.name} has the type {annotation}, which a policy can't hold: "
        "withhold it in transform_notes.py"
    )


def _compositions() -> dict[str, Any]:
    nested = {"$ref": "#/definitions/transforms"}
    p = {**_PROBABILITY, "default": 1.0, "description": "Probability of running the whole group."}
    count = {"type": "integer", "minimum": 0, "maximum": 1000}
    own: Mapping[str, Any] = {
        "Compose": {
            "shuffle": {
                "type": "boolean",
                "default": False,
                "description": "Run the steps in a random order, drawn for every copy.",
            }
        },
        "OneOf": {
            "weights": {
                "type": "array",
                "items": {"type": "number", "minimum": 0},
                "description": "One number for each step: how likely it is to be picked.",
            }
        },
        "SomeOf": {
            "num_transforms": {
                "description": "How many steps run: a number, or [least, most]; null is all.",
                "anyOf": [
                    count,
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "items": {"anyOf": [count, {"type": "null"}]},
                    },
                ],
            }
        },
    }
    texts = {
        "Compose": "Run the steps one after the other.",
        "OneOf": "Run exactly one of the steps, drawn for every copy.",
        "SomeOf": "Run some of the steps, drawn for every copy, in their order.",
    }
    return {
        name: {
            "type": "object",
            "description": texts[name],
            "additionalProperties": False,
            "required": ["name", "transforms", *(["num_transforms"] if name == "SomeOf" else [])],
            "properties": {"name": {"const": name}, "id": _ID, "p": p, "transforms": nested}
            | dict(own[name]),
        }
        for name in COMPOSITIONS
    }


def _first_paragraph(cls: type) -> str:
    text = (inspect.getdoc(cls) or cls.__name__).split("\n\n")[0]
    return " ".join(text.split())


def _parameter_texts(doc: str) -> dict[str, str]:
    """Return what ``:param name:`` lines say, by name, in one line each."""
    parts = re.split(r"^\s*:param (\w+):", doc, flags=re.M)
    return {
        name: " ".join(text.split("\n\n")[0].split())
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def main(argv: list[str] | None = None) -> int:
    """Print the schema, or write it to its place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"rewrite schemas/{SCHEMA_FILE}")
    args = parser.parse_args(argv)
    text = json.dumps(build_schema(), indent=1) + "\n"
    if args.write:
        with resources.as_file(resources.files("tfx_audio.schemas") / SCHEMA_FILE) as path:
            path.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
