"""Values that a Kubeflow run may change without compiling again, and where they go.

A component's parameters are JSON documents (``ingest_config``, ``custom_config``); Kubeflow can
only replace a parameter as a whole. So each run-time value, and each folder that the launcher
mounts, reaches the container beside the component's own parameters, and the entry point writes
it into the document. Where it goes is on the container's command line:

    --bind 'parameters.data_root=ingest_config:["data","path"]'
    --bind 'artifacts.data=ingest_config:["data","path"]'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["parameters", "artifacts"]


@dataclass(frozen=True)
class Binding:
    """One value and its place.

    Attributes:
      kind: Whether the value is a run-time parameter or an artifact's local path.
      name: Its name among the task's inputs.
      parameter: The component's parameter that takes it.
      path: Keys into the parameter's JSON document; empty when it is the whole parameter.
    """

    kind: Kind
    name: str
    parameter: str
    path: tuple[str, ...] = ()

    def to_flag(self) -> str:
        """Return the value of ``--bind``."""
        # As JSON, since a bank's name may have dots.
        keys = json.dumps(self.path, separators=(",", ":")) if self.path else ""
        return f"{self.kind}.{self.name}={self.parameter}:{keys}"

    @classmethod
    def from_flag(cls, flag: str) -> Binding:
        """Parse the value of ``--bind``."""
        source, _, target = flag.partition("=")
        kind, _, name = source.partition(".")
        parameter, _, path = target.partition(":")
        if kind not in ("parameters", "artifacts") or not name or not parameter:
            raise ValueError(f"--bind expects KIND.NAME=PARAMETER:[KEY, ...], got {flag!r}")
        keys = tuple(json.loads(path)) if path else ()
        return cls("parameters" if kind == "parameters" else "artifacts", name, parameter, keys)

    def apply(self, parameters: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """Return the component's parameters with the value in its place.

        An empty text or a zero means that the run leaves it as compiled.
        """
        if value in ("", 0):
            return dict(parameters)
        if not self.path:
            return {**parameters, self.parameter: value}
        document = json.loads(parameters[self.parameter])
        inner = document
        for key in self.path[:-1]:
            inner = inner[key]
        inner[self.path[-1]] = _as(value, inner.get(self.path[-1]))
        return {**parameters, self.parameter: json.dumps(document, sort_keys=True)}


def _as(value: Any, old: Any) -> Any:
    """Return a whole number as int: JSON numbers arrive as floats."""
    if isinstance(value, float) and value.is_integer() and not isinstance(old, float):
        return int(value)
    return value
