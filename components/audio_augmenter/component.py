"""`AudioAugmenter`: an audiomentations policy on TFX examples, reproducible to the byte."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples

from tfx_audio.components.artifacts import RejectedClips, SoundBanks
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, load_policy
from tfx_audio.components.audio.policy.check import SCHEMA_FILE
from tfx_audio.components.audio.rejection import DEFAULT_MAX_REJECTED_FRACTION
from tfx_audio.components.audio_augmenter import executor
from tfx_audio.components.audio_augmenter.user_records import columns_json
from tfx_audio.components.code_digest import import_closure_digest

_SCHEMA = f"tfx_audio.schemas:{SCHEMA_FILE}"


class AudioAugmenterSpec(ComponentSpec):
    """The contract of `AudioAugmenter`."""

    PARAMETERS: ClassVar = {
        executor.POLICY_KEY: ExecutionParameter(type=str),
        executor.COLUMNS_KEY: ExecutionParameter(type=str, optional=True),
        executor.EXTENSIONS_KEY: ExecutionParameter(type=str, optional=True),
        executor.EVALUATION_SPLIT_KEY: ExecutionParameter(type=str),
        executor.MAX_REJECTED_KEY: ExecutionParameter(type=float),
        executor.FAILED_DIR_KEY: ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        executor.EXAMPLES_KEY: ChannelParameter(type=Examples),
        executor.SOUND_BANKS_KEY: ChannelParameter(type=SoundBanks, optional=True),
    }
    OUTPUTS: ClassVar = {
        executor.AUGMENTED_KEY: ChannelParameter(type=Examples),
        executor.REJECTED_KEY: ChannelParameter(type=RejectedClips),
    }


class AudioAugmenter(BaseBeamComponent):
    """Augments the train split and makes the robustness conditions of the evaluation split.

    Outputs:
      `augmented_examples`: `train` (originals, if the policy keeps them, and copies), other
        splits as they came, and in place of `test` a split for each condition (`test_clean`,
        `test_noise_10db`, ...), with policy, digests, library versions and counters as custom
        properties.
      `rejected`: copies that could not be made, as JSON lines.
    """

    SPEC_CLASS = AudioAugmenterSpec
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        policy: str | Path | Mapping[str, Any] | AugmentationPolicy = "classic",
        sound_banks: BaseChannel | None = None,
        columns: Mapping[str, str | int] | None = None,
        audio_dir: str = "",
        evaluation_split: str = "",
        max_rejected_fraction: float = DEFAULT_MAX_REJECTED_FRACTION,
        failed_dir: str = "",
        code_digest: str | None = None,
    ) -> None:
        """Define the component.

        Args:
          examples: Examples with a split `train`: of the data contract (schemas/clip.pbtxt), or
            any that `columns` explains.
          policy: A policy file, a preset's name, what a file holds as a mapping, or a policy. It
            is read here: its content is the parameter, so that an edited one runs again.
          sound_banks: What `SoundBank` made, if the policy names any.
          columns: For examples of your own, the feature of each role: ``audio`` (a file's bytes,
            or samples as a list of floats or integers) or ``path`` (a file's path), and where
            there is one ``label``, ``sample_rate`` (a feature, or Hz as a number), ``id``,
            ``group``. All of your features stay under their names; in a copy, the audio's holds
            the copy: WAV bytes (PCM 16 bit) where it held bytes, else a list of the same kind
            and scale. With ``path`` it is the contract's feature `audio` that holds it. The
            contract's features stand beside yours where a name is free.
          audio_dir: What relative paths start from.
          evaluation_split: The split to put under the conditions; empty: `test`, or `eval`
            where there is no `test`.
          max_rejected_fraction: The component fails if more of the copies can't be made.
          failed_dir: Where the rejected table is saved when it fails; empty: beside the
            output, which TFX deletes then.
          code_digest: Digest of the code that runs; by default of this checkout's.

        Raises:
          InvalidInput: If policy or columns make no sense, or the policy names sound banks and
            none are given.
        """
        policy = load_policy(policy)
        needed = policy.sound_banks
        if needed and sound_banks is None:
            raise InvalidInput(
                f"the policy needs the sound bank(s) {', '.join(needed)}; none were given"
            )
        if code_digest is None:
            code_digest = import_closure_digest(executor.__name__, data=[_SCHEMA])
        parameters = {
            executor.EXAMPLES_KEY: examples,
            executor.POLICY_KEY: policy.to_json(),
            executor.EVALUATION_SPLIT_KEY: evaluation_split,
            executor.MAX_REJECTED_KEY: float(max_rejected_fraction),
            executor.FAILED_DIR_KEY: failed_dir,
            executor.CODE_DIGEST_KEY: code_digest,
            executor.AUGMENTED_KEY: Channel(type=Examples),
            executor.REJECTED_KEY: Channel(type=RejectedClips),
        }
        if sound_banks is not None:
            parameters[executor.SOUND_BANKS_KEY] = sound_banks
        if policy.extension_versions:
            parameters[executor.EXTENSIONS_KEY] = json.dumps(
                policy.extension_versions, sort_keys=True
            )
        if columns:  # an absent parameter leaves cache keys as they are
            parameters[executor.COLUMNS_KEY] = columns_json(columns, audio_dir)
        super().__init__(spec=AudioAugmenterSpec(**parameters))
