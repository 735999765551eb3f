"""A policy while it is being edited: steps with an identity, to and from a policy's content."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, parse_policy
from tfx_audio.pipeline.explorer.form_fields import fields_of

_IDENTITIES = itertools.count(1)
_FIRST_VALUES = {"AdjustDuration": {"duration_seconds": 1.0}}
_EDITED = ("transforms", "seed", "copies_per_clip", "keep_originals", "balance", "level")


@dataclass
class DraftStep:
    """One step of a draft.

    Attributes:
      name: The transform or composition.
      values: Its parameters.
      steps: The steps inside a composition.
      identity: Tells its controls on the page from those of other steps.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    steps: list[DraftStep] = field(default_factory=list)
    identity: int = field(default_factory=lambda: next(_IDENTITIES))

    @classmethod
    def new(cls, name: str) -> DraftStep:
        """Return a step that always runs, with the library's values written out."""
        step = cls(name)
        for one in fields_of(name):
            if one.kind == "range":
                step.values.update(zip(one.names, one.default, strict=True))
            elif one.default is not None:
                step.values[one.names[0]] = one.default
        step.values.update(_FIRST_VALUES.get(name, {}))
        step.values["p"] = 1.0
        return step

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DraftStep:
        """Read a step as it stands in a policy."""
        own = {key: value for key, value in values.items() if key not in ("name", "transforms")}
        steps = [cls.from_dict(step) for step in values.get("transforms", [])]
        return cls(values["name"], own, steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as it stands in a policy."""
        values = {"name": self.name, **self.values}
        if self.steps:
            values["transforms"] = [step.to_dict() for step in self.steps]
        return values


@dataclass
class PolicyDraft:
    """A policy being edited.

    Attributes:
      steps: Its transforms.
      settings: Seed, copies, balance and level rule.
      rest: What the explorer keeps but does not edit: labels, conditions, description.
    """

    steps: list[DraftStep] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: AugmentationPolicy) -> PolicyDraft:
        """Start from a policy."""
        content = policy.to_dict()
        return cls(
            steps=[DraftStep.from_dict(step) for step in content["transforms"]],
            settings={key: content[key] for key in _EDITED if key != "transforms"},
            rest={key: value for key, value in content.items() if key not in _EDITED},
        )

    def to_yaml(self) -> str:
        """Return the policy file."""
        content = {
            "description": self.rest.get("description", ""),
            **self.settings,
            "transforms": [step.to_dict() for step in self.steps],
            **{key: value for key, value in self.rest.items() if key != "description"},
        }
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)

    def to_policy(self, seed: int | None = None) -> AugmentationPolicy:
        """Return the checked policy, under another seed if one is given.

        Raises:
          InvalidInput: With the place in the policy.
        """
        settings = self.settings if seed is None else {**self.settings, "seed": seed}
        return parse_policy(PolicyDraft(self.steps, settings, self.rest).to_yaml(), "policy")


def move(steps: list[DraftStep], index: int, by: int) -> None:
    """Move a step up or down; one at the end stays."""
    target = index + by
    if 0 <= target < len(steps):
        steps[index], steps[target] = steps[target], steps[index]
