"""What a component's pod may use: CPU, memory, GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_audio.components.audio.errors import InvalidInput


class Resources(BaseModel):
    """What a component's pod may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: float = Field(2.0, gt=0, description="Cores.")
    memory_gb: float = Field(4.0, gt=0, description="Memory, in GB (10^9 bytes).")
    gpu: int = Field(0, ge=0, description="GPUs.")
    gpu_type: str = Field("nvidia.com/gpu", description="Kubernetes' resource or Vertex's name.")


DEFAULT_RESOURCES: Mapping[str, Resources] = {
    "AudioAugmenter": Resources(cpu=4, memory_gb=8),
    "Transform": Resources(cpu=2, memory_gb=8),
    "Trainer": Resources(cpu=4, memory_gb=16),
    "Tuner": Resources(cpu=4, memory_gb=16),
    "Evaluator": Resources(cpu=2, memory_gb=8),
}


def parse_resources(assignments: Iterable[str]) -> dict[str, Resources]:
    """Parse ``COMPONENT.FIELD=VALUE`` strings: resources by component, over the defaults.

    Raises:
      InvalidInput: If a string is not of that form, or its field or value does not fit.
    """
    given: dict[str, dict[str, Any]] = {}
    for text in assignments:
        name, _, value = text.partition("=")
        component, _, field = name.partition(".")
        if not field or not value:
            raise InvalidInput(f"--resources expects COMPONENT.FIELD=VALUE, got {text!r}")
        given.setdefault(component, {})[field] = value
    found = {}
    for component, fields in given.items():
        base = DEFAULT_RESOURCES.get(component, Resources()).model_dump()
        try:
            found[component] = Resources(**(base | fields))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in problem["loc"])
            raise InvalidInput(f"--resources {component}.{field}: {problem['msg']}") from None
    return found
