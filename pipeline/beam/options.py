"""Where Beam runs: one setting, for the whole pipeline or for one component.

    beam:
      runner: flink                 # local, portable, flink, spark or dataflow
      endpoint: jobs.example:8099   # Beam's job server
      workers: 8
      worker_pool: localhost:50000  # started beside every worker
      components:
        Transform: {runner: local}

`beam_args` turns it into Beam's own arguments; none of them enters a cache key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.config_section import ConfigSection

RunnerName = Literal["local", "portable", "flink", "spark", "dataflow"]

# Given any Beam argument, TFX first packs itself into a source distribution for the workers, unless
# an image is named: local workers ignore the name.
_WORKERS_HAVE_TFX = "--sdk_container_image=unused"
# Beam's client stops reading a job's state after this many seconds, 60 by default, even if the job
# is running well (portable_runner.py, `run`).
_PATIENCE = "--job_server_timeout=604800"
_RESTARTS = ("--number_of_execution_retries=3", "--execution_retry_delay=5000")
# Runners end workers that no stage uses at the moment; starting one takes seconds.
_KEEP_WORKERS = "--environment_cache_millis=60000"


class BeamRunnerConfig(ConfigSection):
    """How one component's Beam pipelines run."""

    runner: RunnerName = Field(
        default="local",
        description="local: this machine; flink, spark, portable: through a Beam job server "
        "(`endpoint`); dataflow: Google Cloud.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Processes (local), parallelism (flink) or workers (dataflow). Unset: the "
        "augmenter takes what its work is worth, all else runs in process (local); the runner's "
        "own default elsewhere.",
    )
    endpoint: str | None = Field(
        default=None, description="host:port of Beam's job server (portable, flink, spark)."
    )
    worker_pool: str | None = Field(
        default=None,
        description="host:port of the worker pool beside each worker (`python -m "
        "apache_beam.runners.worker.worker_pool_main`), where the project is installed.",
    )
    image: str | None = Field(
        default=None,
        description="Container image of the workers, where they are not a worker pool: the "
        "project's own image serves.",
    )
    package: str | None = Field(
        default=None, description="The project's wheel, staged to workers whose image lacks it."
    )
    project: str | None = Field(default=None, description="Google Cloud project (dataflow).")
    region: str | None = Field(default=None, description="Google Cloud region (dataflow).")
    temp_location: str | None = Field(
        default=None, description="gs:// folder for temporary files (dataflow)."
    )
    args: tuple[str, ...] = Field(
        default=(), description="Further Beam arguments, word for word; the last one wins."
    )


class BeamConfig(BeamRunnerConfig):
    """How the pipeline's Beam jobs run, with exceptions by component."""

    components: dict[str, BeamRunnerConfig] = Field(
        default_factory=dict,
        description="Settings of one component by its id; what it leaves out is the pipeline's, "
        "unless it names another runner.",
    )


def beam_args(config: BeamConfig, component_id: str | None = None) -> list[str]:
    """Return Beam's arguments for one component, or for the pipeline as a whole.

    Args:
      config: The configuration's section `beam`.
      component_id: For example ``AudioAugmenter``; None for what holds for all.

    Raises:
      InvalidInput: If a setting that the runner needs is missing.
    """
    settings = settings_for(config, component_id)
    builders = {"local": _local, "dataflow": _dataflow}
    return [*builders.get(settings.runner, _portable)(settings), *settings.args]


def settings_for(config: BeamConfig, component_id: str | None = None) -> BeamRunnerConfig:
    """Return the settings that hold for one component, its own over the pipeline's."""
    shared = config.model_dump(exclude={"components"}, exclude_unset=True)
    own = config.components.get(component_id or "")
    if own is None:
        return BeamRunnerConfig(**shared)
    named = own.model_dump(exclude_unset=True)
    if named.get("runner", config.runner) != config.runner:
        return own  # another runner can't use this one's endpoint, image or arguments
    return BeamRunnerConfig(**(shared | named))


def _local(settings: BeamRunnerConfig) -> list[str]:
    # DirectRunner downloads Prism first, from Beam 2.68 on; 2.65 knows no short name for this one.
    args = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]
    if (
        settings.workers is not None
    ):  # the user chose, even if it is one worker: no other choice is made
        args.append(f"--direct_num_workers={settings.workers}")
        if settings.workers > 1:
            args.append("--direct_running_mode=multi_processing")
    return [*args, _WORKERS_HAVE_TFX]


def _portable(settings: BeamRunnerConfig) -> list[str]:
    args = [
        "--runner=PortableRunner",
        f"--job_endpoint={_needed(settings, 'endpoint', 'localhost:8099')}",
        _PATIENCE,
        _KEEP_WORKERS,
        *_environment(settings),
    ]
    if settings.runner == "flink":
        args += _RESTARTS
    if settings.workers is not None and settings.runner != "spark":
        # Spark takes its parallelism from the cluster (spark.default.parallelism).
        args.append(f"--parallelism={settings.workers}")
    return args


def _environment(settings: BeamRunnerConfig) -> list[str]:
    """Return where the runner finds Python workers: a worker pool, or containers."""
    if settings.worker_pool:
        external = ["--environment_type=EXTERNAL", f"--environment_config={settings.worker_pool}"]
        return [*external, *_staged(settings, _WORKERS_HAVE_TFX)]
    if settings.image:
        container = ["--environment_type=DOCKER", f"--environment_config={settings.image}"]
        return [*container, *_staged(settings, f"--sdk_container_image={settings.image}")]
    raise InvalidInput(
        f"beam.runner={settings.runner} needs beam.worker_pool (host:port of worker pools that "
        "run where the project is installed) or beam.image (a container image with the project); "
        "neither is set"
    )


def _dataflow(settings: BeamRunnerConfig) -> list[str]:
    args = [
        "--runner=DataflowRunner",
        f"--project={_needed(settings, 'project', 'my-project')}",
        f"--region={_needed(settings, 'region', 'europe-west4')}",
        f"--temp_location={_needed(settings, 'temp_location', 'gs://bucket/tmp')}",
        "--experiments=use_runner_v2",
    ]
    if settings.image:
        args.append(f"--sdk_container_image={settings.image}")
    elif not settings.package:
        raise InvalidInput(
            "beam.runner=dataflow needs beam.image (a container image with the project) or "
            "beam.package (the project's wheel); neither is set"
        )
    args += _staged(settings)
    if settings.workers is not None:
        args += [f"--num_workers={settings.workers}", f"--max_num_workers={settings.workers}"]
    return args


def _staged(settings: BeamRunnerConfig, otherwise: str | None = None) -> list[str]:
    """Return the argument that ships the project's wheel, or the one that ships nothing."""
    if settings.package:
        return [f"--extra_package={settings.package}"]
    return [otherwise] if otherwise else []


def _needed(settings: BeamRunnerConfig, field: str, example: str) -> str:
    value = getattr(settings, field)
    if not value:
        raise InvalidInput(
            f"beam.runner={settings.runner} needs beam.{field} (for example {example}); not set"
        )
    return str(value)
