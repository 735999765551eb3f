"""AudioSchemaGen: the curated schema of a clip, completed from the data's statistics."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleStatistics, Schema

from tfx_audio.components.audio_schema_gen import executor
from tfx_audio.components.audio_schema_gen.config import ValidationConfig
from tfx_audio.components.audio_schema_gen.schema import SCHEMA_FILE, SCHEMA_PACKAGE
from tfx_audio.components.code_digest import import_closure_digest


class AudioSchemaGenSpec(ComponentSpec):
    """Contract of AudioSchemaGen."""

    PARAMETERS: ClassVar = {
        executor.VALIDATION_CONFIG_KEY: ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {executor.STATISTICS_KEY: ChannelParameter(type=ExampleStatistics)}
    OUTPUTS: ClassVar = {executor.SCHEMA_KEY: ChannelParameter(type=Schema)}


class AudioSchemaGen(BaseComponent):
    """Completes schemas/clip.pbtxt: labels, sample rate, further fields.

    Output ``schema``. What the user says is right (labels, rate) goes before what train has, so
    that ExampleValidator finds what differs from it.
    """

    SPEC_CLASS = AudioSchemaGenSpec
    EXECUTOR_SPEC = ExecutorClassSpec(executor.Executor)

    def __init__(
        self, statistics: BaseChannel, validation_config: str = "", code_digest: str | None = None
    ) -> None:
        """Construct the component.

        Args:
          statistics: Of clips, from StatisticsGen, without the feature ``audio``.
          validation_config: `ValidationConfig` as JSON; the defaults if empty.
          code_digest: Digest of the code that runs; computed if None.
        """
        if not code_digest:
            data = [f"{SCHEMA_PACKAGE}:{SCHEMA_FILE}"]
            code_digest = import_closure_digest(executor.__name__, data=data)
        spec = AudioSchemaGenSpec(
            statistics=statistics,
            validation_config=validation_config or ValidationConfig().model_dump_json(),
            code_digest=code_digest,
            schema=Channel(type=Schema),
        )
        super().__init__(spec=spec)
