"""`tfx-audio config`: every setting with type, default and meaning; the merged configuration."""

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.commands import run as run_command
from tfx_audio.pipeline.config import PipelineConfig, known_fields

_WIDTH = 100
_TYPES = {"string": "text", "array": "list", "object": "mapping", "null": "nothing"}
_BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "below",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="list|show", required=True)
    listing = actions.add_parser(
        "list", help="every setting with type, default and meaning", allow_abbrev=False
    )
    listing.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="a section or field only: train.seed"
    )
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    show = actions.add_parser(
        "show",
        help="what a run with the same flags would be configured by, as a commented YAML file",
        allow_abbrev=False,
    )
    run_command.add_arguments(show)


def run(args: argparse.Namespace) -> int:
    """Run one of the actions."""
    if args.action == "show":
        print("\n".join(_commented(run_command.config_of(args))))
        return 0
    settings = [setting for setting in _settings() if _is_within(setting["name"], args.name)]
    if not settings:
        hint = did_you_mean(args.name, known_fields())
        raise InvalidInput(f"there is no setting '{args.name}'.{hint}")
    if args.json:
        print(json.dumps(settings, indent=1))
        return 0
    for setting in settings:
        default = json.dumps(setting["default"]) if "default" in setting else "required"
        print(f"{setting['name']}: {setting['type']}; {default}")
        print(textwrap.indent(textwrap.fill(setting["description"], _WIDTH - 6), "      "))
    return 0


def _is_within(name: str, part: str) -> bool:
    return not part or f"{name}.".startswith(f"{part}.")


def _settings() -> Iterator[dict[str, Any]]:
    """Yield name, type, default and description of all that ``--set`` reaches."""
    schema = PipelineConfig.model_json_schema()
    return _fields(schema, schema["$defs"], "")


def _fields(
    section: Mapping[str, Any], sections: Mapping[str, Any], prefix: str
) -> Iterator[dict[str, Any]]:
    for name, item in section["properties"].items():
        # a section for each component, or each in a list
        each = {"COMPONENT": item.get("additionalProperties"), "NUMBER": item.get("items")}
        inside = {part: inner for part, inner in each.items() if "$ref" in (inner or {})}
        for part, inner in ({"": item} if "$ref" in item else inside).items():
            place = f"{prefix}{name}.{part}." if part else f"{prefix}{name}."
            yield from _fields(sections[inner["$ref"].rpartition("/")[2]], sections, place)
        if not inside and "$ref" not in item:
            default = {"default": item["default"]} if "default" in item else {}
            text = item.get("description", "")
            yield {"name": f"{prefix}{name}", "type": _kind(item), **default, "description": text}


def _kind(item: Mapping[str, Any]) -> str:
    """Return a field's type in words: ``integer from 1 to 100 or nothing``."""
    if "anyOf" in item:
        return " or ".join(map(_kind, item["anyOf"]))
    if "enum" in item or "const" in item:
        return " | ".join(str(one) or "''" for one in item.get("enum") or [item["const"]])
    bounds = [f"{word} {item[key]}" for key, word in _BOUNDS.items() if key in item]
    kind = item.get("type", "object")
    return " ".join([_TYPES.get(kind, kind), *bounds])


def _commented(section: BaseModel, indent: str = "") -> Iterator[str]:
    """Yield a section as YAML lines, the meaning of each field above it."""
    # A component's section says only what differs: its unset fields have defaults of their own.
    values = section.model_dump(mode="json") | {
        name: {
            key: inner.model_dump(mode="json", exclude_unset=True) for key, inner in value.items()
        }
        for name, value in section
        if isinstance(value, dict) and any(isinstance(item, BaseModel) for item in value.values())
    }
    for name, info in type(section).model_fields.items():
        text = f"{indent}# {info.description or ''}"
        yield from textwrap.wrap(text, _WIDTH, subsequent_indent=f"{indent}# ")
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:"
            yield from _commented(value, f"{indent}  ")
        else:
            plain = yaml.safe_dump({name: values[name]}, allow_unicode=True, sort_keys=False)
            yield from (f"{indent}{line}" for line in plain.splitlines())
