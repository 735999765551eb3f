"""AudioExampleGen: files of audio to examples by split."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from tfx_audio.components.artifacts import RejectedClips
from tfx_audio.components.audio.rejection import DEFAULT_MAX_REJECTED_FRACTION
from tfx_audio.components.audio_example_gen import executor
from tfx_audio.components.audio_example_gen.config import (
    IngestConfig,
    SplitConfig,
    ingest_config_json,
    parse_section,
)
from tfx_audio.components.audio_example_gen.content_digest import data_digest as digest_of
from tfx_audio.components.code_digest import import_closure_digest


class AudioExampleGenSpec(component_spec.ComponentSpec):
    """Contract of AudioExampleGen."""

    PARAMETERS: ClassVar = {
        executor.INGEST_CONFIG_KEY: component_spec.ExecutionParameter(type=str),
        executor.DATA_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
        executor.MAX_REJECTED_FRACTION_KEY: component_spec.ExecutionParameter(type=float),
        executor.FAILED_DIR_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, component_spec.ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        executor.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.REJECTED_KEY: component_spec.ChannelParameter(type=RejectedClips),
    }


class AudioExampleGen(base_beam_component.BaseBeamComponent):
    """Reads audio that people have and writes examples of the data contract, by split.

    Outputs ``examples`` (splits train, eval, test as far as they are asked for) and ``rejected``;
    both carry the counts as custom properties.
    """

    SPEC_CLASS = AudioExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        input_base: str,
        split: Mapping[str, Any] | SplitConfig | None = None,
        data_digest: str | None = None,
        max_rejected_fraction: float = DEFAULT_MAX_REJECTED_FRACTION,
        failed_dir: str = "",
        code_digest: str | None = None,
        **data: Any,
    ) -> None:
        """Construct the component.

        Args:
          input_base: Data root: a folder of audio, of tables or of records.
          split: How clips are divided, the fields of `SplitConfig`: ``{"by": "speaker"}``.
          data_digest: Digest of the data's content; read from the data by default. A version
            where they can't be read when the pipeline is compiled.
          max_rejected_fraction: The largest fraction of clips that may be rejected.
          failed_dir: Folder for the rejected table of a run that fails; empty: beside the
            output, which TFX deletes then.
          code_digest: Digest of the code that runs; computed if None.
          **data: Fields of `IngestConfig`, as in the section `data` of a configuration:
            ``layout``, ``columns``, ``label_from``, ``sample_rate``, ...

        Raises:
          InvalidInput: If a field is unknown or the data can't be listed.
        """
        ingest = parse_section(IngestConfig, "data", {"path": input_base, **data})
        if not isinstance(split, SplitConfig):
            split = parse_section(SplitConfig, "split", split or {})
        spec = AudioExampleGenSpec(
            ingest_config=ingest_config_json(ingest, split),
            data_digest=digest_of(ingest) if data_digest is None else data_digest,
            code_digest=code_digest or import_closure_digest(executor.__name__),
            max_rejected_fraction=max_rejected_fraction,
            failed_dir=failed_dir,
            examples=types.Channel(type=standard_artifacts.Examples),
            rejected=types.Channel(type=RejectedClips),
        )
        super().__init__(spec=spec)
