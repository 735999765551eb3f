"""`PodConfig` as the compiled pipeline says it: in the PipelineSpec, and in the platform spec.

The platform spec is the YAML's second document. Its message is `KubernetesExecutorConfig`
(kubeflow/pipelines, kubernetes_platform/proto/kubernetes_executor_config.proto), written with the
fields that every release since 2.3 reads. kfp-kubernetes writes the same, but asks for a protobuf
that TFX 1.16 does not allow.
"""

from collections.abc import Mapping
from typing import Any

from tfx_audio.pipeline.kubeflow.config import PodConfig
from tfx_audio.pipeline.kubeflow.entrypoint import GPUS_VARIABLE

_LONGEST_WAIT = "3600s"
_SHARED_MEMORY = "shared-memory"


def configure_pod(spec: dict[str, Any], component: str, pod: PodConfig) -> None:
    """Write image, environment, resources and retries of a component into the PipelineSpec."""
    label = spec["components"][component]["executorLabel"]
    container = spec["deploymentSpec"]["executors"][label]["container"]
    if pod.image:
        container["image"] = pod.image
    container["resources"] = _resources(pod)
    variables = {**pod.env, **({GPUS_VARIABLE: str(pod.gpu)} if pod.gpu else {})}
    if variables:
        container["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    if pod.retries:
        spec["root"]["dag"]["tasks"][component]["retryPolicy"] = {
            "maxRetryCount": pod.retries,
            "backoffDuration": f"{pod.retry_wait_s}s",
            "backoffFactor": 2.0,
            # Kubeflow hands 0 to Argo where it is not set: no time for any retry.
            "backoffMaxDuration": _LONGEST_WAIT,
        }


def platform_spec(spec: Mapping[str, Any], pods: Mapping[str, PodConfig]) -> dict[str, Any]:
    """Return the second document; empty where no pod asks for anything that it holds."""
    executors = {}
    for component, pod in pods.items():
        wanted = executor_config(pod)
        if wanted:
            executors[spec["components"][component]["executorLabel"]] = wanted
    if not executors:
        return {}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def executor_config(pod: PodConfig) -> dict[str, Any]:
    """Return a pod's `KubernetesExecutorConfig`."""
    metadata = {"labels": dict(pod.labels), "annotations": dict(pod.annotations)}
    config: dict[str, Any] = {
        "secretAsEnv": _from_keys(pod.secret_env, "secretName", "secretKey"),
        "configMapAsEnv": _from_keys(pod.config_map_env, "configMapName", "configMapKey"),
        "pvcMount": [
            {"constant": claim, "mountPath": path} for path, claim in pod.volume_claims.items()
        ],
        "nodeSelector": {"labels": dict(pod.node_selector)} if pod.node_selector else {},
        "tolerations": [item.model_dump(exclude_defaults=True) for item in pod.tolerations],
        "podMetadata": {name: found for name, found in metadata.items() if found},
        "imagePullSecret": [{"secretName": name} for name in pod.image_pull_secrets],
        "imagePullPolicy": pod.image_pull_policy,
    }
    if pod.shared_memory_gb:
        # No release reads enabledSharedMemory, which the message has as well.
        size = f"{pod.shared_memory_gb:g}G"
        config["emptyDirMounts"] = [
            {
                "volumeName": _SHARED_MEMORY,
                "mountPath": "/dev/shm",
                "medium": "Memory",
                "sizeLimit": size,
            }
        ]
    return {name: value for name, value in config.items() if value}


def _resources(pod: PodConfig) -> dict[str, Any]:
    resources: dict[str, Any] = {"cpuLimit": pod.cpu, "memoryLimit": pod.memory_gb}
    if pod.cpu_request is not None:
        resources["cpuRequest"] = pod.cpu_request
    if pod.memory_request_gb is not None:
        resources["memoryRequest"] = pod.memory_request_gb
    if pod.gpu:
        resources["accelerator"] = {"type": pod.gpu_type, "count": str(pod.gpu)}
    return resources


def _from_keys(variables: Mapping[str, str], holder: str, key: str) -> list[dict[str, Any]]:
    """Group environment variables by the secret or ConfigMap that holds them."""
    found: dict[str, list[dict[str, str]]] = {}
    for variable, source in variables.items():
        name, _, entry = source.partition("/")
        found.setdefault(name, []).append({key: entry, "envVar": variable})
    return [{holder: name, "keyToEnv": pairs} for name, pairs in found.items()]
