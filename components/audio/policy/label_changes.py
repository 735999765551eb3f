"""What a label changes in a policy: steps by id or name, switched off or with other parameters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tfx_audio.components.audio.errors import did_you_mean
from tfx_audio.components.audio.policy.check import Checker, transform_schemas
from tfx_audio.components.audio.policy.steps import (
    TransformSpec,
    num_transforms_range,
    read_transform,
)
from tfx_audio.components.audio.policy.yaml_document import PlacePath


def check_ids(specs: tuple[TransformSpec, ...], checker: Checker) -> None:
    """Raise `InvalidInput` if an id is given twice or is the name of a transform."""
    seen = set(transform_schemas())
    for spec in (step for top in specs for step in top.walk()):
        if spec.id in seen:
            raise checker.refuse(
                (*spec.at, "id"), f"the id '{spec.id}' is taken: by another step or a transform"
            )
        seen |= {spec.id} if spec.id else set()


def change_transforms(
    specs: tuple[TransformSpec, ...], changes: Mapping[str, Any], checker: Checker, place: PlacePath
) -> tuple[TransformSpec, ...]:
    """Return the steps with a label's changes made.

    A key of `changes` is a step's id or name, its value ``"off"`` or the parameters to replace.

    Raises:
      InvalidInput: If a change fits no step, or makes one invalid.
    """
    known = {name for spec in specs for step in spec.walk() for name in (step.id, step.name)}
    for key in changes:
        if key not in known - {""}:
            raise checker.refuse(
                (*place, key),
                f"no step has the id or name '{key}'.{did_you_mean(key, known - {''})}",
            )
    return _changed(specs, changes, checker, place)


def _changed(
    specs: tuple[TransformSpec, ...], changes: Mapping[str, Any], checker: Checker, place: PlacePath
) -> tuple[TransformSpec, ...]:
    kept: list[TransformSpec] = []
    for spec in specs:
        own = [changes[key] for key in dict.fromkeys((spec.name, spec.id)) if key in changes]
        if "off" in own:
            continue
        if own:
            key = spec.id if spec.id in changes else spec.name
            spec = _with_parameters(spec, own, checker, (*place, key))
        if spec.is_composition:
            spec = _without_off(spec, _changed(spec.transforms, changes, checker, place))
            if not spec.transforms:
                continue
        kept.append(spec)
    return tuple(kept)


def _with_parameters(
    spec: TransformSpec, changes: list[Mapping[str, Any]], checker: Checker, place: PlacePath
) -> TransformSpec:
    """Return a step with some parameters replaced, checked like any other."""
    values = spec.to_dict()
    for change in changes:
        for key in ("name", "id", "transforms"):
            if key in change:
                raise checker.refuse(
                    (*place, key), f"a label can't change '{key}', only parameters"
                )
        values.update(change)
    changed = read_transform(values, place, checker, None)
    return replace(changed, at=spec.at, transforms=spec.transforms)


def _without_off(spec: TransformSpec, left: tuple[TransformSpec, ...]) -> TransformSpec:
    """Return a composition with the steps that are left, its weights and numbers adjusted."""
    if len(left) == len(spec.transforms):
        return replace(spec, transforms=left)
    places = {step.at for step in left}
    parameters = dict(spec.parameters)
    if "weights" in parameters:
        parameters["weights"] = [
            weight
            for weight, step in zip(parameters["weights"], spec.transforms, strict=True)
            if step.at in places
        ]
        if sum(parameters["weights"]) <= 0:
            left = ()
    if spec.name == "SomeOf":
        least, most = num_transforms_range(spec)
        parameters["num_transforms"] = [min(least, len(left)), min(most, len(left))]
    return replace(spec, parameters=parameters, transforms=left)
