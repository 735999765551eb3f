"""AudioSchemaGen: the curated schema of a clip, completed from the data's statistics."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from tfx_audio.components.audio_schema_gen import executor
from tfx_audio.components.audio_schema_gen.config import ValidationConfig
from tfx_audio.components.audio_schema_gen.schema import SCHEMA_FILE, SCHEMA_PACKAGE
from tfx_audio.components.code_digest import import_closure_digest


class AudioSchemaGenSpec(component_spec.ComponentSpec):
    """Contract of AudioSchemaGen."""

    PARAMETERS: ClassVar = {
        executor.VALIDATION_CONFIG_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        executor.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        )
    }
    OUTPUTS: ClassVar = {
        executor.SCHEMA_KEY: component_spec.ChannelParameter(type=standard_artifacts.Schema)
    }


class AudioSchemaGen(base_component.BaseComponent):
    """Completes schemas/clip.pbtxt: labels, sample rate, further fields.

    Output ``schema``. What the user says is right (labels, rate) goes before what train has, so
    that ExampleValidator finds what differs from it.
    """

    SPEC_CLASS = AudioSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        validation_config: str = "",
        code_digest: str | None = None,
    ) -> None:
        """Construct the component.

        Args:
          statistics: Of clips, from StatisticsGen, without the feature ``audio``.
          validation_config: `ValidationConfig` as JSON; the defaults if empty.
          code_digest: Digest of the code that runs; computed if None.
        """
        schema_file = f"{SCHEMA_PACKAGE}:{SCHEMA_FILE}"
        spec = AudioSchemaGenSpec(
            statistics=statistics,
            validation_config=validation_config or ValidationConfig().model_dump_json(),
            code_digest=code_digest
            or import_closure_digest(executor.__name__, data=(schema_file,)),
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super().__init__(spec=spec)
