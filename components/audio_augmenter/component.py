"""`AudioAugmenter`: an audiomentations policy on TFX examples, reproducible to the byte."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples

from tfx_audio.components.artifacts import RejectedClips, SoundBanks
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.policy.check import SCHEMA_FILE
from tfx_audio.components.audio.rejection import DEFAULT_MAX_REJECTED_FRACTION
from tfx_audio.components.audio_augmenter import executor
from tfx_audio.components.code_digest import import_closure_digest

_SCHEMA = f"tfx_audio.schemas:{SCHEMA_FILE}"


class AudioAugmenterSpec(ComponentSpec):
    """The contract of `AudioAugmenter`."""

    PARAMETERS: ClassVar = {
        executor.POLICY_KEY: ExecutionParameter(type=str),
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
      `augmented_examples`: `train` (originals, if the policy keeps them, and copies), `eval` as it
        came, and a split for each condition (`test_clean`, `test_noise_10db`, ...), with policy,
        digests, library versions and counters as custom properties.
      `rejected`: copies that could not be made, as JSON lines.
    """

    SPEC_CLASS = AudioAugmenterSpec
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        policy: str,
        sound_banks: BaseChannel | None = None,
        evaluation_split: str = "",
        max_rejected_fraction: float = DEFAULT_MAX_REJECTED_FRACTION,
        failed_dir: str = "",
        code_digest: str | None = None,
    ) -> None:
        """Define the component.

        Args:
          examples: Examples of the data contract (schemas/clip.pbtxt) with a split `train`.
          policy: The policy's content as `AugmentationPolicy.to_json` gives it, not a path, so
            that an edited policy is a changed parameter.
          sound_banks: What `SoundBank` made, if the policy names any.
          evaluation_split: The split to put under the conditions; empty: `test`, or `eval`
            where there is no `test`.
          max_rejected_fraction: The component fails if more of the copies can't be made.
          failed_dir: Where the rejected table is saved when it fails; empty for nowhere.
          code_digest: Digest of the code that runs; by default of this checkout's.

        Raises:
          InvalidInput: If the policy is not valid, or names sound banks and none are given.
        """
        needed = AugmentationPolicy.from_json(policy).sound_banks
        if needed and sound_banks is None:
            raise InvalidInput(
                f"the policy needs the sound bank(s) {', '.join(needed)}; none were given"
            )
        if code_digest is None:
            code_digest = import_closure_digest(executor.__name__, data=[_SCHEMA])
        parameters = {
            executor.EXAMPLES_KEY: examples,
            executor.POLICY_KEY: policy,
            executor.EVALUATION_SPLIT_KEY: evaluation_split,
            executor.MAX_REJECTED_KEY: float(max_rejected_fraction),
            executor.FAILED_DIR_KEY: failed_dir,
            executor.CODE_DIGEST_KEY: code_digest,
            executor.AUGMENTED_KEY: Channel(type=Examples),
            executor.REJECTED_KEY: Channel(type=RejectedClips),
        }
        if sound_banks is not None:
            parameters[executor.SOUND_BANKS_KEY] = sound_banks
        super().__init__(spec=AudioAugmenterSpec(**parameters))
