"""`TransformSpec`: one step of a policy, read and checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfx_audio.components.audio.errors import did_you_mean
from tfx_audio.components.audio.policy.check import (
    MAX_NESTING,
    Checker,
    policy_schema,
    transform_schemas,
)
from tfx_audio.components.audio.policy.yaml_document import PlacePath, show_path

SOUNDS_KEY = "sounds"
DISTRIBUTION_KEY = "distribution"


@dataclass(frozen=True)
class TransformSpec:
    """One step: a transform of audiomentations, or a composition of steps.

    Attributes:
      name: ``PitchShift``, ..., ``Compose``, ``OneOf``, ``SomeOf``.
      parameters: What the file says, checked; the library fills in the rest.
      transforms: The steps inside a composition.
      id: The step's own name, empty if none.
      at: Path into the policy (``("transforms", 1, "transforms", 0)``).
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    transforms: tuple[TransformSpec, ...] = ()
    id: str = ""
    at: PlacePath = field(default=(), compare=False)

    @property
    def path(self) -> str:
        """``transforms[1].transforms[0]``: the step's place in the policy."""
        return show_path(self.at)

    @property
    def is_composition(self) -> bool:
        """Whether the step only holds other steps."""
        return bool(self.transforms)

    def walk(self) -> Iterator[TransformSpec]:
        """Yield the step and all steps inside it."""
        yield self
        for spec in self.transforms:
            yield from spec.walk()

    def sounds(self) -> Iterator[str]:
        """Yield the names of the sound banks that are used inside."""
        for spec in self.walk():
            if SOUNDS_KEY in spec.parameters:
                yield spec.parameters[SOUNDS_KEY]

    def to_dict(self) -> dict[str, Any]:
        """Return the step as it stands in a policy file."""
        values: dict[str, Any] = {"name": self.name, **self.parameters}
        if self.id:
            values["id"] = self.id
        if self.transforms:
            values["transforms"] = [spec.to_dict() for spec in self.transforms]
        return values


def read_transforms(
    values: Any, path: PlacePath, checker: Checker, default_p: float | None = None
) -> tuple[TransformSpec, ...]:
    """Check a list of steps.

    Args:
      values: The list as it stands in the file.
      path: Its place.
      checker: The document's checker.
      default_p: Given to steps that state no `p`; None leaves audiomentations' default (0.5).

    Raises:
      InvalidInput: If anything in it is wrong.
    """
    if not isinstance(values, list) or not values:
        raise checker.refuse(path, "expected a list with at least one transform")
    if sum(1 for step in path if isinstance(step, int)) > MAX_NESTING:
        raise checker.refuse(path, f"transforms are nested more than {MAX_NESTING} deep")
    return tuple(
        read_transform(value, (*path, index), checker, default_p)
        for index, value in enumerate(values)
    )


def read_transform(
    value: Any, path: PlacePath, checker: Checker, default_p: float | None
) -> TransformSpec:
    """Check one step; see `read_transforms`."""
    schemas = transform_schemas()
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise checker.refuse(path, "a transform needs a name, as in `- {name: PitchShift, p: 0.5}`")
    name = value["name"]
    if name not in schemas:
        withheld = policy_schema()["x-withheld-transforms"]
        if name in withheld:
            raise checker.refuse(path, f"{name} can't be used in a policy: {withheld[name]}")
        hint = did_you_mean(name, schemas)
        raise checker.refuse((*path, "name"), f"there is no transform '{name}'.{hint}")
    if default_p is not None:
        value = {"p": default_p, **value}
    checked = checker.mapping(value, path, schemas[name])
    children: tuple[TransformSpec, ...] = ()
    if "transforms" in checked:
        children = read_transforms(checked["transforms"], (*path, "transforms"), checker, default_p)
    parameters = {
        key: item for key, item in checked.items() if key not in ("name", "id", "transforms")
    }
    spec = TransformSpec(name, parameters, children, checked.get("id", ""), path)
    _check_together(spec, schemas[name]["properties"], checker)
    _check_log_ranges(spec, schemas[name], checker)
    return spec


def _check_log_ranges(spec: TransformSpec, schema: Mapping[str, Any], checker: Checker) -> None:
    """Check that a range that is drawn log-uniformly begins above 0."""
    if spec.parameters.get(DISTRIBUTION_KEY) != "log":
        return
    known = schema["properties"]
    values = {key: spec.parameters.get(key, item.get("default")) for key, item in known.items()}
    ends = {
        key[4:]: (values[key], values[f"max_{key[4:]}"])
        for key in known
        if key.startswith("min_") and f"max_{key[4:]}" in known
    }
    for name in schema["x-log-ranges"]:
        same = [other for other in ends if other != name and ends[other] == ends[name]]
        if ends[name][0] <= 0 or same:
            why = f"the range of {same[0]} is the same" if same else f"got {ends[name][0]:g}"
            problem = f"distribution: log needs a range of its own above 0; {why}"
            raise checker.refuse((*spec.at, f"min_{name}"), problem)


def _check_together(spec: TransformSpec, known: Mapping[str, Any], checker: Checker) -> None:
    """Check what several parameters must agree on."""
    for key in known:
        if not key.startswith("min_") or f"max_{key[4:]}" not in known:
            continue
        pair = [
            spec.parameters.get(name, known[name].get("default"))
            for name in (key, f"max_{key[4:]}")
        ]
        if None not in pair and pair[0] > pair[1]:
            at = key if key in spec.parameters else f"max_{key[4:]}"
            raise checker.refuse(
                (*spec.at, at), f"{key} ({pair[0]:g}) is greater than max_{key[4:]} ({pair[1]:g})"
            )
    weights = spec.parameters.get("weights")
    if weights is not None and (len(weights) != len(spec.transforms) or sum(weights) <= 0):
        raise checker.refuse(
            (*spec.at, "weights"),
            f"expected {len(spec.transforms)} weights, one for each transform, not all 0",
        )
    if spec.name == "SomeOf":
        least, most = num_transforms_range(spec)
        if not least <= most <= len(spec.transforms):
            raise checker.refuse(
                (*spec.at, "num_transforms"),
                f"expected 0 to {len(spec.transforms)}, least before most, got "
                f"{spec.parameters['num_transforms']}",
            )


def num_transforms_range(spec: TransformSpec) -> tuple[int, int]:
    """Return the least and the most steps that a SomeOf runs."""
    number = spec.parameters["num_transforms"]
    if isinstance(number, int):
        return number, number
    least, most = number
    return least or 0, len(spec.transforms) if most is None else most


def expected_cost_ms_per_s(specs: tuple[TransformSpec, ...]) -> float:
    """Return what steps cost on average: CPU milliseconds for a second of audio at 16 kHz."""
    return sum(_cost(spec) for spec in specs)


def _cost(spec: TransformSpec) -> float:
    p = _probability(spec)
    if not spec.is_composition:
        return p * float(transform_schemas()[spec.name]["x-cost-ms-per-s"])
    costs = [_cost(child) for child in spec.transforms]
    if spec.name == "OneOf":
        weights = spec.parameters.get("weights") or [1] * len(costs)
        return p * sum(w * c for w, c in zip(weights, costs, strict=True)) / sum(weights)
    if spec.name == "SomeOf":
        return p * sum(num_transforms_range(spec)) / 2 / len(costs) * sum(costs)
    return p * sum(costs)


def unchanged_share(specs: tuple[TransformSpec, ...]) -> float:
    """Return the share of copies for which no transform is drawn."""
    return math.prod(_none_drawn(spec) for spec in specs)


def _none_drawn(spec: TransformSpec) -> float:
    p, inside = _probability(spec), [_none_drawn(child) for child in spec.transforms]
    none = math.prod(inside) if inside else 0.0
    if spec.name == "OneOf":
        none = float(np.average(inside, weights=spec.parameters.get("weights")))
    elif spec.name == "SomeOf":
        least, most = num_transforms_range(spec)
        # the coefficients of prod(x + inside) are the sums over all choices of k steps
        sums = np.poly(-np.array(inside))
        choices = [sums[k] / math.comb(len(inside), k) for k in range(least, most + 1)]
        none = float(np.mean(choices))
    return 1 - p + p * none


def _probability(spec: TransformSpec) -> float:
    default = transform_schemas()[spec.name]["properties"]["p"]["default"]
    return float(spec.parameters.get("p", default))
