"""Beam's arguments from one setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_augmenter.workers import is_chosen
from tfx_audio.pipeline.beam.options import BeamConfig, BeamRunnerConfig, beam_args

_FLINK = {"runner": "flink", "endpoint": "jobs:8099", "worker_pool": "localhost:50000"}


def _options(**settings: Any) -> PipelineOptions:
    return PipelineOptions(beam_args(BeamConfig(**settings)))


def test_the_default_runs_in_process_and_packs_no_source_distribution() -> None:
    assert beam_args(BeamConfig()) == [
        "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        "--sdk_container_image=unused",
    ]


def test_one_worker_is_a_choice_too_and_needs_no_second_process() -> None:
    direct = _options(workers=1).view_as(DirectOptions)
    assert (direct.direct_running_mode, direct.direct_num_workers) == ("in_memory", 1)
    assert is_chosen(beam_args(BeamConfig(workers=1)))
    assert not is_chosen(beam_args(BeamConfig()))


def test_local_workers_are_processes_as_beam_reads_them() -> None:
    direct = _options(workers=3).view_as(DirectOptions)
    assert (direct.direct_running_mode, direct.direct_num_workers) == ("multi_processing", 3)


def test_flink_goes_through_the_job_server_with_workers_outside_and_a_restart_strategy() -> None:
    options = _options(**_FLINK, workers=2)
    portable = options.view_as(PortableOptions)
    assert options.view_as(StandardOptions).runner == "PortableRunner"
    assert portable.job_endpoint == "jobs:8099"
    assert (portable.environment_type, portable.environment_config) == (
        "EXTERNAL",
        "localhost:50000",
    )
    assert int(portable.job_server_timeout) > 24 * 3600  # Beam's 60 s would end longer jobs
    args = beam_args(BeamConfig(**_FLINK, workers=2))
    assert "--parallelism=2" in args
    assert "--number_of_execution_retries=3" in args
    assert "--environment_cache_millis=60000" in args


def test_spark_takes_its_parallelism_from_the_cluster() -> None:
    args = beam_args(BeamConfig(**_FLINK | {"runner": "spark"}, workers=2))
    assert not [arg for arg in args if "parallelism" in arg or "retries" in arg]


def test_container_workers_run_the_named_image() -> None:
    portable = _options(runner="spark", endpoint="jobs:8099", image="registry/tfx-audio:1")
    view = portable.view_as(PortableOptions)
    assert (view.environment_type, view.environment_config) == ("DOCKER", "registry/tfx-audio:1")


def test_a_wheel_is_staged_instead_of_tfx_own_source_distribution() -> None:
    setup = _options(**_FLINK, package="dist/tfx_audio.whl").view_as(SetupOptions)
    assert setup.extra_packages == ["dist/tfx_audio.whl"]


def test_dataflow_names_project_region_and_image() -> None:
    args = beam_args(
        BeamConfig(
            runner="dataflow", project="p", region="r", temp_location="gs://b/t", image="i:1"
        )
    )
    assert {"--project=p", "--region=r", "--sdk_container_image=i:1"} <= set(args)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"runner": "flink"}, "beam.endpoint"),
        ({"runner": "flink", "endpoint": "jobs:8099"}, "beam.worker_pool"),
        ({"runner": "dataflow", "region": "r"}, "beam.project"),
        (
            {"runner": "dataflow", "region": "r", "project": "p", "temp_location": "gs://b/t"},
            "beam.image",
        ),
    ],
)
def test_a_missing_setting_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        beam_args(BeamConfig(**settings))


def test_further_arguments_come_last_so_that_they_win() -> None:
    direct = _options(workers=3, args=("--direct_num_workers=5",)).view_as(DirectOptions)
    assert direct.direct_num_workers == 5


def test_a_component_keeps_what_it_does_not_set() -> None:
    config = BeamConfig(**_FLINK, components={"Transform": BeamRunnerConfig(workers=7)})
    assert "--parallelism=7" in beam_args(config, "Transform")
    assert "--job_endpoint=jobs:8099" in beam_args(config, "Transform")
    assert not [arg for arg in beam_args(config, "AudioAugmenter") if "parallelism" in arg]


def test_a_component_on_another_runner_takes_nothing_from_the_pipelines() -> None:
    config = BeamConfig(
        **_FLINK, args=("--max_parallelism=9",), components={"Transform": {"runner": "local"}}
    )
    assert beam_args(config, "Transform") == beam_args(BeamConfig())


def test_the_guide_s_dataflow_section_is_what_beam_s_option_classes_take() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "flink.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(beam:.*?)```", guide, re.DOTALL)
    args = beam_args(BeamConfig(**yaml.safe_load(text)["beam"]))
    options = PipelineOptions(args)
    cloud, worker = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert cloud.service_account_email == "audio@my-project.iam.gserviceaccount.com"
    assert worker.subnetwork == "regions/europe-west4/subnetworks/audio"
    assert (worker.use_public_ips, worker.disk_size_gb) == (False, 100)
    assert worker.sdk_container_image.endswith("/tfx-audio:1")
    assert worker.machine_type == "n2-standard-4"
