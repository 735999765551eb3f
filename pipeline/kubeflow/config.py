"""The section `kubeflow`: what each component's pod asks of the cluster.

    kubeflow:
      pods:
        all: {retries: 2, image_pull_secrets: [registry]}
        Trainer: {gpu: 1, shared_memory_gb: 2, node_selector: {pool: gpu}}

``all`` stands for every component; what a component says itself takes its place, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tfx_audio.components.config_section import ConfigSection

ALL = "all"
_DEFAULT_RESOURCES: Mapping[str, Mapping[str, float]] = {
    "AudioAugmenter": {"cpu": 4, "memory_gb": 8},
    "Transform": {"cpu": 2, "memory_gb": 8},
    "Trainer": {"cpu": 4, "memory_gb": 16},
    "Tuner": {"cpu": 4, "memory_gb": 16},
    "Evaluator": {"cpu": 2, "memory_gb": 8},
}
_KEY_OF = re.compile(r"[^/]+/[^/]+")


class Toleration(ConfigSection):
    """A taint that pods bear, in Kubernetes' own words."""

    key: str = Field("", description="The taint's key.")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="Equal or Exists.")
    value: str = Field("", description="The taint's value (Equal).")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="The taint's effect; empty: each."
    )


class PodConfig(ConfigSection):
    """What one component's pod asks for."""

    image: str = Field("", description="Another image than the pipeline's, as for GPUs.")
    cpu: float = Field(2.0, gt=0, description="Cores at most.")
    memory_gb: float = Field(4.0, gt=0, description="Memory at most, in GB (10^9 bytes).")
    cpu_request: float | None = Field(
        None, gt=0, description="Cores that are set aside; unset: `cpu`."
    )
    memory_request_gb: float | None = Field(
        None, gt=0, description="Memory that is set aside; unset: `memory_gb`."
    )
    gpu: int = Field(0, ge=0, description="GPUs.")
    gpu_type: str = Field("nvidia.com/gpu", description="Kubernetes' resource or Vertex's name.")
    retries: int = Field(0, ge=0, description="Further tries, each in a new pod.")
    retry_wait_s: int = Field(
        60, ge=0, description="Seconds before the first retry; twice as many before each next one."
    )
    env: dict[str, str] = Field(
        {}, description="Environment variables; for secrets see secret_env."
    )
    secret_env: dict[str, str] = Field(
        {}, description="Environment variables out of Kubernetes' secrets: NAME: SECRET/KEY."
    )
    config_map_env: dict[str, str] = Field(
        {}, description="Environment variables out of ConfigMaps: NAME: CONFIGMAP/KEY."
    )
    volume_claims: dict[str, str] = Field(
        {}, description="Volumes to mount: PATH: CLAIM (a PersistentVolumeClaim that exists)."
    )
    node_selector: dict[str, str] = Field({}, description="Labels that the node must have.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that the pod bears.")
    shared_memory_gb: float = Field(
        0.0, ge=0, description="Size of /dev/shm; 0: the node's default of 64 MB."
    )
    labels: dict[str, str] = Field({}, description="Labels of the pod.")
    annotations: dict[str, str] = Field({}, description="Annotations of the pod.")
    image_pull_secrets: tuple[str, ...] = Field((), description="Secrets to pull the image with.")
    image_pull_policy: Literal["", "Always", "IfNotPresent", "Never"] = Field(
        "", description="When to pull the image; empty: the cluster's rule."
    )

    @field_validator("secret_env", "config_map_env")
    @classmethod
    def _check_keys(cls, value: dict[str, str]) -> dict[str, str]:
        for name, source in value.items():
            if not _KEY_OF.fullmatch(source):
                raise ValueError(f"expected NAME/KEY for {name}")
        return value

    @field_validator("volume_claims")
    @classmethod
    def _check_claims(cls, value: dict[str, str]) -> dict[str, str]:
        for path in value:
            if not path.startswith("/"):
                raise ValueError(f"expected absolute paths, not {path!r}")
        if len(set(value.values())) < len(value):
            raise ValueError("expected each claim once: Kubeflow names the volume after it")
        return value

    @model_validator(mode="after")
    def _check_requests(self) -> PodConfig:
        for request, limit in (("cpu_request", "cpu"), ("memory_request_gb", "memory_gb")):
            asked, most = getattr(self, request), getattr(self, limit)
            if asked is not None and asked > most:
                raise ValueError(f"{request} is above {limit}, {most:g}")
        return self


class KubeflowConfig(ConfigSection):
    """What the compiled pipeline asks of the cluster."""

    pods: dict[str, PodConfig] = Field(
        {}, description="By component (`Trainer`); `all` stands for every component."
    )

    def pod(self, component: str) -> PodConfig:
        """Return what a component's pod asks for, defaults included."""
        fields: dict[str, Any] = dict(_DEFAULT_RESOURCES.get(component, {}))
        for name in (ALL, component):
            if name in self.pods:
                given = self.pods[name]
                fields |= {field: getattr(given, field) for field in given.model_fields_set}
        return PodConfig(**fields)
