"""`tfx-audio policy`: check a policy file, list presets and transforms, show one."""

import argparse
import json
import textwrap
from typing import Any

import yaml

from tfx_audio.components.audio.augment.augmenter import check_policy
from tfx_audio.components.audio.policy.augmentation_policy import (
    load_policy,
    preset_names,
    preset_text,
)
from tfx_audio.components.audio.policy.check import policy_schema, transform_schemas
from tfx_audio.components.audio.policy.steps import (
    TransformSpec,
    expected_cost_ms_per_s,
    unchanged_share,
)
from tfx_audio.pipeline.commands.arguments import add_sample_rate, add_sound_banks, parse_banks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="check|list|show", required=True)
    check = actions.add_parser(
        "check", help="find what is wrong with a policy before anything runs", allow_abbrev=False
    )
    check.add_argument("policy", metavar="FILE", help="policy: file or preset name")
    add_sound_banks(check, "; without it their files are not looked at")
    add_sample_rate(check, "see whether every transform can take clips of this rate")
    actions.add_parser(
        "list", help="presets, and transforms with what they cost and need", allow_abbrev=False
    )
    show = actions.add_parser(
        "show", help="a preset's or a file's content, or a transform's parameters",
        allow_abbrev=False,
    )  # fmt: skip
    show.add_argument(
        "name",
        metavar="NAME",
        help="preset, policy file, transform, or `schema` (JSON Schema, for editors)",
    )


def run(args: argparse.Namespace) -> int:
    """Run one of the actions."""
    return {"check": _check, "list": _list, "show": _show}[args.action](args)


def _check(args: argparse.Namespace) -> int:
    """Load the policy, build every transform, print what the policy does."""
    policy = load_policy(args.policy)
    check_policy(policy)
    if args.sample_rate:
        policy.check_sample_rate(args.sample_rate)
    if args.sound_bank:
        from tfx_audio.components.sound_bank.digest import audio_files  # Beam takes seconds to load

        banks = parse_banks(args.sound_bank)
        policy.check_banks(banks)
        for name in policy.sound_banks:
            audio_files(name, banks[name])
    print(f"{args.policy}: valid")
    print(f"  seed {policy.seed}, {policy.copies_per_clip} copies of each training clip, "
          f"originals {'kept' if policy.keep_originals else 'left out'}, "
          f"balance {policy.balance}, level {policy.level}")  # fmt: skip
    print(
        f"  about {expected_cost_ms_per_s(policy.transforms):.2g} ms of CPU for a second of a copy"
    )
    if (share := unchanged_share(policy.transforms)) >= 0.01:
        print(
            f"  warning: {100 * share:.1f} % of the copies are unchanged, since no transform is "
            "drawn for them; raise a p, or put the transforms into a SomeOf"
        )
    print(f"  conditions: {', '.join(policy.conditions)}")
    for label in policy.labels:
        print(f"  label {label}: {_tree(policy.transforms_for(label)) or 'no transforms'}")
    if policy.sound_banks:
        state = "found" if args.sound_bank else "not looked at"
        print(f"  sound banks ({state}): {', '.join(policy.sound_banks)}")
    return 0


def _list(args: argparse.Namespace) -> int:
    """Print the presets and the transforms."""
    print("Presets (tfx-audio policy show NAME)\n")
    for name in preset_names():
        policy = load_policy(name)
        banks = f"; needs sound banks {', '.join(policy.sound_banks)}" if policy.sound_banks else ""
        print(f"  {name:<15} {expected_cost_ms_per_s(policy.transforms):>6.2g} ms/s  "
              f"{policy.description}{banks}")  # fmt: skip
    print("\nTransforms (ms of CPU for a second of audio at 16 kHz; parameters and defaults)\n")
    for name, schema in sorted(transform_schemas().items()):
        cost = schema.get("x-cost-ms-per-s")
        shown = "" if cost is None else f"{cost:.2g} ms/s"
        text = f"{_needs(schema)}{_signature(schema)}"
        print(f"  {name:<22} {shown:>10}")
        print(textwrap.fill(text, 96, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return 0


def _show(args: argparse.Namespace) -> int:
    """Print a transform's parameters, or a policy as it stands in its file."""
    schemas = transform_schemas()
    if args.name == "schema":
        print(json.dumps(policy_schema(), indent=1))
    elif args.name in schemas:
        _show_transform(args.name, schemas[args.name])
    elif args.name in preset_names():
        print(preset_text(args.name), end="")
    else:
        policy = load_policy(args.name)
        print(yaml.safe_dump(policy.to_dict(), sort_keys=False, allow_unicode=True), end="")
    return 0


def _show_transform(name: str, schema: dict[str, Any]) -> None:
    print(f"{name}: {textwrap.fill(schema['description'], 96)}")
    cost = schema.get("x-cost-ms-per-s")
    if cost is not None:
        print(f"Cost: {cost:.2g} ms of CPU for a second of audio at 16 kHz")
    if _needs(schema):
        print(f"Needs: {_needs(schema).strip().removeprefix('needs ').rstrip(';')}")
    for key, item in schema["properties"].items():
        if key in ("name", "transforms"):
            continue
        print(f"\n  {key}: {_kind(item)}{_default(item)}")
        if "description" in item:
            print(textwrap.indent(textwrap.fill(item["description"], 88), "      "))


def _needs(schema: dict[str, Any]) -> str:
    needs = [f"package {schema['x-needs-package']}"] if "x-needs-package" in schema else []
    if "sounds" in schema["properties"]:
        needs.append("a sound bank")
    return f"needs {', '.join(needs)}; " if needs else ""


def _signature(schema: dict[str, Any]) -> str:
    hidden = ("name", "id", "transforms")
    return ", ".join(
        f"{key}{_default(item)}" for key, item in schema["properties"].items() if key not in hidden
    )


def _default(item: dict[str, Any]) -> str:
    if "default" not in item:
        return ""
    value = item["default"]
    return f"={value:g}" if isinstance(value, float) else f"={value}"


def _kind(item: dict[str, Any]) -> str:
    if "enum" in item:
        return " | ".join(map(str, item["enum"]))
    low, high = item.get("minimum"), item.get("maximum")
    bounds = "" if low is None and high is None else f" ({low} to {high})"
    return f"{item.get('type', 'number or list')}{bounds}"


def _tree(specs: tuple[TransformSpec, ...]) -> str:
    return ", ".join(
        f"{spec.name}({_tree(spec.transforms)})" if spec.transforms else spec.name for spec in specs
    )
