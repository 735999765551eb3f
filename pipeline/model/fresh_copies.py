"""One fresh copy of one serialised example; imported by worker processes, so without TensorFlow."""

import logging
from collections.abc import Mapping

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip

_LOGGER = logging.getLogger(__name__)
_worker: dict[str, Augmenter] = {}


def fresh_copy(augmenter: Augmenter, example: bytes, copy_index: int) -> bytes:
    """Return a copy of an original; what is a copy already, or can't be copied, as it is."""
    clip = example_to_clip(example)
    if clip.copy_index:
        return example
    try:
        return clip_to_example(augmenter.augment(clip, copy_index))
    except AugmentationFailed as error:
        _LOGGER.warning("%s~%d stays the original: %s", clip.clip_id, copy_index, error)
        return example


def start_worker(policy_json: str, bank_dirs: Mapping[str, str]) -> None:
    """Build this worker process's augmenter."""
    _worker["augmenter"] = Augmenter(AugmentationPolicy.from_json(policy_json), bank_dirs)


def copy_in_worker(example: bytes, copy_index: int) -> bytes:
    """Return `fresh_copy` by this worker process's augmenter."""
    return fresh_copy(_worker["augmenter"], example, copy_index)
