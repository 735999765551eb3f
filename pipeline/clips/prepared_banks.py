"""A policy's sound banks, prepared as the SoundBank component prepares them."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.rejection import Rejection


class PreparedBanks(NamedTuple):
    """Folders ready for an `Augmenter`, by name, and the sounds that can't be used."""

    folders: dict[str, str]
    rejections: list[Rejection]


@contextlib.contextmanager
def prepared_banks(
    policy: AugmentationPolicy, folders: Mapping[str, str], sample_rate: int
) -> Iterator[PreparedBanks]:
    """Prepare the banks that a policy names in a temporary folder.

    Raises:
      InvalidInput: If a bank that the policy names was not given.
    """
    policy.check_banks(folders)
    if not policy.sound_banks:
        yield PreparedBanks({}, [])
        return
    from tfx_audio.components.sound_bank.banks import prepare_bank  # Beam takes seconds to load

    with tempfile.TemporaryDirectory(prefix="tfx-audio-banks-") as root:
        prepared = PreparedBanks({}, [])
        for name in policy.sound_banks:
            prepared.folders[name] = os.path.join(root, name)
            contents = prepare_bank(name, folders[name], prepared.folders[name], sample_rate)
            prepared.rejections.extend(contents.rejected)
        yield prepared
