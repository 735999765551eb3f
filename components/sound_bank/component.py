"""`SoundBank`: folders of noise and impulse responses as one artifact."""

import json
from collections.abc import Mapping
from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_audio.components.artifacts import RejectedClips, SoundBanks
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import DEFAULT_MAX_REJECTED_FRACTION
from tfx_audio.components.code_digest import import_closure_digest
from tfx_audio.components.sound_bank import executor
from tfx_audio.components.sound_bank.digest import bank_digest as digest_of


class SoundBankSpec(ComponentSpec):
    """The contract of `SoundBank`."""

    PARAMETERS: ClassVar = {
        executor.BANKS_KEY: ExecutionParameter(type=str),
        executor.BANK_DIGEST_KEY: ExecutionParameter(type=str),
        executor.SAMPLE_RATE_KEY: ExecutionParameter(type=int),
        executor.MAX_REJECTED_KEY: ExecutionParameter(type=float),
        executor.FAILED_DIR_KEY: ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        executor.SOUND_BANKS_KEY: ChannelParameter(type=SoundBanks),
        executor.REJECTED_KEY: ChannelParameter(type=RejectedClips),
    }


class SoundBank(BaseComponent):
    """Reads sounds once: checks them, mixes them to mono, resamples them, stores PCM 16 WAV.

    Outputs:
      `sound_banks`: a subfolder for each bank, and `banks.json`; custom properties `digest`,
        `banks`, `sample_rate` and `sounds`.
      `rejected`: sounds that can't be used, as JSON lines.
    """

    SPEC_CLASS = SoundBankSpec
    EXECUTOR_SPEC = ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        banks: Mapping[str, str],
        sample_rate: int = 0,
        bank_digest: str | None = None,
        max_rejected_fraction: float = DEFAULT_MAX_REJECTED_FRACTION,
        failed_dir: str = "",
        code_digest: str | None = None,
    ) -> None:
        """Define the component.

        Args:
          banks: Folders by the name that the policy uses.
          sample_rate: Hz of the clips that the sounds are mixed into; 0: every sound keeps its
            own, and each worker brings it to the clips'.
          bank_digest: Digest of the folders' content, which makes a changed sound a changed
            parameter; read from the folders by default. Where they can't be read when the
            pipeline is compiled, any version string of your own.
          max_rejected_fraction: The component fails if more of the sounds can't be used.
          failed_dir: Where the rejected table is saved when it fails; empty: beside the
            output, which TFX deletes then.
          code_digest: Digest of the code that runs; by default of this checkout's.

        Raises:
          InvalidInput: If there is no bank, or one holds no audio file.
        """
        if not banks:
            raise InvalidInput("SoundBank needs at least one bank: {name: folder}")
        spec = SoundBankSpec(
            banks=json.dumps(dict(banks), sort_keys=True),
            bank_digest=digest_of(banks) if bank_digest is None else bank_digest,
            sample_rate=int(sample_rate),
            max_rejected_fraction=float(max_rejected_fraction),
            failed_dir=failed_dir,
            code_digest=code_digest or import_closure_digest(executor.__name__),
            sound_banks=Channel(type=SoundBanks),
            rejected=Channel(type=RejectedClips),
        )
        super().__init__(spec=spec)
