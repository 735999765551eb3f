"""Form fields for any transform, made from the policy's JSON Schema (its signature)."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_audio.components.audio.policy.check import COMPOSITIONS, transform_schemas

_NOT_FIELDS = ("name", "id", "transforms")
_WIDEST_SCHEMA_RANGE = 100.0
_STEPS = 100


@dataclass(frozen=True)
class Field:
    """One control of a form.

    Attributes:
      kind: ``range`` (a pair of numbers), ``number``, ``choice``, ``switch``, ``sounds`` (a sound
        bank's name), ``count`` (SomeOf's number of steps) or ``weights``.
      names: The parameters that it sets: two for a range, else one.
      label: What it is called on the page.
      text: What it does, from the library's documentation.
      default: Its value at first; a pair for a range, None where the library decides.
      low: Least value of a slider.
      high: Greatest value of a slider.
      whole: Whether values are integers.
      choices: What a choice offers.
    """

    kind: str
    names: tuple[str, ...]
    label: str
    text: str = ""
    default: Any = None
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    choices: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """A round step that divides the slider into about a hundred."""
        if self.whole:
            return max(1.0, 10.0 ** math.floor(math.log10(max(1.0, (self.high - self.low) / 200))))
        return float(10.0 ** math.floor(math.log10((self.high - self.low) / _STEPS)))

    def widened(self, values: tuple[float, ...]) -> tuple[float, float]:
        """Return the slider's ends, moved outwards where a loaded value lies beyond them."""
        return min(self.low, *values), max(self.high, *values)


def transform_choices() -> list[str]:
    """Return what can be added to a policy: transforms first, then the compositions."""
    names = set(transform_schemas()) - set(COMPOSITIONS)
    return [*sorted(names), *COMPOSITIONS]


def description_of(name: str) -> str:
    """Return what a transform does, in the library's words."""
    return str(transform_schemas()[name].get("description", ""))


def cost_of(name: str) -> float | None:
    """Return CPU milliseconds for a second of audio; None for a composition."""
    return transform_schemas()[name].get("x-cost-ms-per-s")


@functools.cache
def fields_of(name: str) -> tuple[Field, ...]:
    """Return the controls of a transform, its probability first."""
    properties: Mapping[str, Any] = transform_schemas()[name]["properties"]
    found: list[Field] = []
    for parameter, schema in properties.items():
        if parameter in _NOT_FIELDS or _is_upper_end(parameter, properties):
            continue
        upper = f"max_{parameter[4:]}"
        if parameter.startswith("min_") and upper in properties:
            found.append(_range_field(parameter, upper, properties))
        else:
            found.append(_single_field(parameter, schema))
    return tuple(sorted(found, key=_form_order))


def _form_order(field: Field) -> tuple[int, str]:
    first = {"p": 0, "sounds": 1, "num_transforms": 1}
    return first.get(field.names[0], 2 if field.kind == "range" else 3), field.label


def _is_upper_end(parameter: str, properties: Mapping[str, Any]) -> bool:
    return parameter.startswith("max_") and f"min_{parameter[4:]}" in properties


def _range_field(lower: str, upper: str, properties: Mapping[str, Any]) -> Field:
    first, second = properties[lower], properties[upper]
    defaults = (first.get("default"), second.get("default"))
    whole = first["type"] == "integer"
    low, high = _slider_range(lower[4:], first, tuple(d for d in defaults if d is not None))
    default = (
        low if defaults[0] is None else defaults[0],
        high if defaults[1] is None else defaults[1],
    )
    text = first.get("description", "")
    return Field("range", (lower, upper), _words(lower[4:]), text, default, low, high, whole)


def _single_field(parameter: str, schema: Mapping[str, Any]) -> Field:
    label, text = _words(parameter), schema.get("description", "")
    default = schema.get("default")
    if parameter == "num_transforms":
        return Field("count", (parameter,), "steps that run", text, 1, 0, 10, True)
    if parameter == "weights":
        return Field("weights", (parameter,), label, text)
    if "x-parameter" in schema:
        return Field("sounds", (parameter,), "sound bank", text)
    if "enum" in schema:
        return Field("choice", (parameter,), label, text, default, choices=tuple(schema["enum"]))
    if schema["type"] == "boolean":
        return Field("switch", (parameter,), label, text, bool(default))
    whole = schema["type"] == "integer"
    low, high = _slider_range(parameter, schema, () if default is None else (default,))
    if parameter == "p":
        label, default = "probability", 0.5 if default is None else default
    return Field("number", (parameter,), label, text, default, low, high, whole)


def _slider_range(
    name: str, schema: Mapping[str, Any], defaults: tuple[float, ...]
) -> tuple[float, float]:
    """Return the ends of a slider: the schema's where they are narrow, else a sensible span."""
    least, most = schema.get("minimum"), schema.get("maximum")
    reach = 3.0 * max([abs(value) for value in defaults], default=5.0) or 1.0
    widest = _WIDEST_SCHEMA_RANGE
    if len(defaults) == 2:
        widest = 10.0 * (max(defaults) - min(defaults))
    elif any(defaults):
        reach = widest = 20.0 * abs(defaults[0])
    if least is not None and most is not None and most - least <= widest:
        return float(least), float(most)
    if name.endswith("_freq"):
        return 20.0, 20_000.0
    if name.endswith("sample_rate"):
        return 1_000.0, 48_000.0
    if name.endswith("_db"):
        return -60.0, 60.0
    low = -reach if any(value < 0 for value in defaults) else 0.0
    return (max(low, least) if least is not None else low), reach


def _words(parameter: str) -> str:
    return parameter.replace("_", " ")
