"""The section `kubeflow`: defaults, `all`, components; and what the documents say of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tfx_audio.pipeline.kubeflow.config import KubeflowConfig, PodConfig
from tfx_audio.pipeline.kubeflow.pods import configure_pod, executor_config, platform_spec


def _spec() -> dict[str, Any]:
    return {
        "root": {"dag": {"tasks": {"Trainer": {}}}},
        "components": {"Trainer": {"executorLabel": "Trainer_executor"}},
        "deploymentSpec": {"executors": {"Trainer_executor": {"container": {"image": "i"}}}},
    }


def test_a_component_goes_before_all_and_all_before_the_defaults() -> None:
    config = KubeflowConfig(
        pods={
            "all": PodConfig(cpu=1, retries=2, labels={"team": "audio"}),
            "Trainer": PodConfig(retries=0, labels={"gpu": "yes"}),
        }
    )
    trainer = config.pod("Trainer")
    assert (trainer.cpu, trainer.memory_gb, trainer.retries) == (1, 16, 0)
    assert trainer.labels == {"gpu": "yes"}
    pusher = config.pod("Pusher")
    assert (pusher.cpu, pusher.memory_gb, pusher.retries) == (1, 4, 2)
    assert pusher.labels == {"team": "audio"}


def test_the_pipeline_spec_takes_image_resources_environment_and_retries() -> None:
    spec = _spec()
    pod = PodConfig(
        image="gpu:1",
        cpu=4,
        memory_gb=16,
        cpu_request=1,
        memory_request_gb=2,
        gpu=1,
        retries=3,
        retry_wait_s=30,
        env={"HTTPS_PROXY": "http://proxy:3128"},
    )
    configure_pod(spec, "Trainer", pod)
    assert spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"] == {
        "image": "gpu:1",
        "resources": {
            "cpuLimit": 4,
            "memoryLimit": 16,
            "cpuRequest": 1,
            "memoryRequest": 2,
            "accelerator": {"type": "nvidia.com/gpu", "count": "1"},
        },
        "env": [
            {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
            {"name": "TFX_AUDIO_GPUS", "value": "1"},
        ],
    }
    assert spec["root"]["dag"]["tasks"]["Trainer"]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "3600s",
    }


def test_the_platform_spec_takes_the_rest() -> None:
    pod = PodConfig(
        secret_env={"ID": "store/id", "KEY": "store/key", "TOKEN": "hub/token"},
        config_map_env={"REGION": "site/region"},
        volume_claims={"/audio": "recordings"},
        node_selector={"pool": "gpu"},
        tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        shared_memory_gb=2,
        labels={"team": "audio"},
        image_pull_secrets=["registry"],
        image_pull_policy="Always",
    )
    assert executor_config(pod) == {
        "secretAsEnv": [
            {
                "secretName": "store",
                "keyToEnv": [
                    {"secretKey": "id", "envVar": "ID"},
                    {"secretKey": "key", "envVar": "KEY"},
                ],
            },
            {"secretName": "hub", "keyToEnv": [{"secretKey": "token", "envVar": "TOKEN"}]},
        ],
        "configMapAsEnv": [
            {"configMapName": "site", "keyToEnv": [{"configMapKey": "region", "envVar": "REGION"}]}
        ],
        "pvcMount": [{"constant": "recordings", "mountPath": "/audio"}],
        "nodeSelector": {"labels": {"pool": "gpu"}},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "podMetadata": {"labels": {"team": "audio"}},
        "imagePullSecret": [{"secretName": "registry"}],
        "imagePullPolicy": "Always",
        "emptyDirMounts": [
            {
                "volumeName": "shared-memory",
                "mountPath": "/dev/shm",
                "medium": "Memory",
                "sizeLimit": "2G",
            }
        ],
    }


def test_pods_that_ask_for_nothing_have_no_platform_spec() -> None:
    assert platform_spec(_spec(), {"Trainer": PodConfig(retries=1, gpu=1)}) == {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"secret_env": {"KEY": "store"}}, "expected NAME/KEY for KEY"),
        ({"volume_claims": {"audio": "claim"}}, "absolute paths"),
        ({"volume_claims": {"/a": "claim", "/b": "claim"}}, "each claim once"),
        ({"cpu": 1, "cpu_request": 2}, "cpu_request is above cpu, 1"),
        ({"tolerations": [{"effect": "Never"}]}, "NoSchedule"),
    ],
)
def test_what_kubernetes_would_not_take_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PodConfig(**fields)
