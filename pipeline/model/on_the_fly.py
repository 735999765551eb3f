"""The augmentation policy inside tf.data: fresh copies in every epoch instead of written ones.

    examples = tf.data.TFRecordDataset(files)
    fresh = augment_dataset(examples, load_policy("classic"), epochs=10)

What goes in and what comes out are serialised examples of the data contract, so it stands before
whatever parses them. The copies are those of the AudioAugmenter, to the byte: number 3 of a clip
is the same audio whether it was written or made on the fly (docs/on_the_fly.md; what it costs
stands there as well).
"""

import functools
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import tensorflow as tf

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.pipeline.model.fresh_copies import copy_in_worker, fresh_copy, start_worker


def augment_dataset(
    examples: tf.data.Dataset,
    policy: AugmentationPolicy,
    *,
    bank_dirs: Mapping[str, str] | None = None,
    epochs: int | None = None,
    first_epoch: int = 0,
    first_copy: int = 1,
    processes: int = 0,
) -> tf.data.Dataset:
    """Return the dataset with every original replaced by a fresh copy, epoch after epoch.

    Epochs follow each other in one dataset, so train on it with ``steps_per_epoch``: a dataset
    that is begun anew begins with the same epoch again. Copy numbers count on from epoch to
    epoch; what a clip becomes depends on the policy, its id and the epoch alone, not on shuffling,
    batches or threads. What is already a copy passes unchanged; so does, with a warning, a clip
    whose copy can't be made.

    Args:
      examples: Serialised examples, scalar strings; shuffle it before.
      policy: What to apply; its numbers of copies and its balance have no meaning here.
      bank_dirs: Local folders of the policy's sound banks by name.
      epochs: How many to make; None for no end.
      first_epoch: Number of the first epoch, for a training that is resumed.
      first_copy: Copy number in epoch 0; more than the written copies have, to repeat none.
      processes: Worker processes. 0 makes the copies in this process, one at a time.

    Returns:
      Serialised examples, scalar strings.

    Raises:
      InvalidInput: If the policy can't be used here.
    """
    copier = _Copier(policy, bank_dirs or {}, processes)

    def one_epoch(epoch: Any) -> tf.data.Dataset:
        return examples.map(
            lambda example: copier.copy(example, first_copy + epoch),
            num_parallel_calls=max(1, 2 * processes),
            deterministic=True,
        )

    end = tf.int64.max if epochs is None else first_epoch + epochs
    return tf.data.Dataset.range(first_epoch, end).flat_map(one_epoch)


class _Copier:
    """Makes copies on a thread or in worker processes, as a TensorFlow function.

    TensorFlow calls Python from threads that Python forgets after each call, and all that an
    augmenter keeps for a thread with them; so the copies are made on a thread of our own.
    """

    def __init__(
        self, policy: AugmentationPolicy, bank_dirs: Mapping[str, str], processes: int
    ) -> None:
        augmenter = Augmenter(policy, bank_dirs)  # refuses a policy that can't run here
        self._pool: Executor
        if processes:
            self._pool = ProcessPoolExecutor(
                processes,
                mp_context=get_context("spawn"),  # TensorFlow's threads do not survive a fork
                initializer=start_worker,
                initargs=(policy.to_json(), dict(bank_dirs)),
            )
            self._make: Callable[[bytes, int], bytes] = copy_in_worker
        else:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="augment")
            self._make = functools.partial(fresh_copy, augmenter)
        weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def copy(self, example: Any, copy_index: Any) -> Any:
        """Return one copy of one serialised example: a scalar string tensor."""
        made = tf.numpy_function(self._copy, [example, copy_index], tf.string, stateful=False)
        return tf.ensure_shape(made, [])

    def _copy(self, example: bytes, copy_index: Any) -> bytes:
        return self._pool.submit(self._make, example, int(copy_index)).result()
