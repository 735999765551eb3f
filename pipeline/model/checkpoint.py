"""One file that holds a training between epochs, replaced whole or not at all."""

import dataclasses
import io
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

FILE = "training.npz"
_STATE = "state"


@dataclasses.dataclass
class TrainingState:
    """How far a training is.

    Attributes:
      epoch: Epochs finished.
      best_epoch: The epoch whose weights are kept, from 1; 0 before the first.
      best_accuracy: Its accuracy on eval.
      best_loss: Its loss on eval.
      waited: Epochs since then.
      stopped: Whether training has ended, by its budget or early.
      history: What each epoch reported.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    best_loss: float = float("inf")
    waited: int = 0
    stopped: bool = False
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


class Checkpoint:
    """Saves and loads a training in one directory; without a directory it keeps nothing."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, FILE) if directory else ""

    def save(
        self, state: TrainingState, current: Sequence[Any], best: Sequence[np.ndarray]
    ) -> None:
        """Replace the file by this state, the variables as they are and the best weights."""
        if not self._path:
            return
        arrays = {f"current_{i}": np.asarray(variable) for i, variable in enumerate(current)}
        arrays |= {f"best_{i}": array for i, array in enumerate(best)}
        buffer = io.BytesIO()
        np.savez(buffer, **{_STATE: json.dumps(dataclasses.asdict(state))}, **arrays)
        tf.io.gfile.makedirs(os.path.dirname(self._path))
        unfinished = f"{self._path}.{os.getpid()}.unfinished"
        with tf.io.gfile.GFile(unfinished, "wb") as file:
            file.write(buffer.getvalue())
        tf.io.gfile.rename(unfinished, self._path, overwrite=True)

    def load(self, current: Sequence[Any]) -> tuple[TrainingState, list[np.ndarray]] | None:
        """Set the variables to what was saved.

        Returns:
          The state and the best weights, or None where nothing was saved.

        Raises:
          ValueError: If the file belongs to another network.
        """
        if not self._path or not tf.io.gfile.exists(self._path):
            return None
        with tf.io.gfile.GFile(self._path, "rb") as file:
            arrays = np.load(io.BytesIO(file.read()))
        saved = _numbered(arrays, "current")
        shapes = [tuple(array.shape) for array in saved]
        if shapes != [tuple(variable.shape) for variable in current]:
            raise ValueError(f"the checkpoint {self._path} belongs to another network")
        for variable, array in zip(current, saved, strict=True):
            variable.assign(array)
        state = TrainingState(**json.loads(str(arrays[_STATE])))
        return state, _numbered(arrays, "best")

    def remove(self) -> None:
        """Delete the file: the training is over and its model is written."""
        if self._path and tf.io.gfile.exists(self._path):
            tf.io.gfile.remove(self._path)


def _numbered(arrays: Any, prefix: str) -> list[np.ndarray]:
    total = sum(1 for name in arrays.files if name.startswith(f"{prefix}_"))
    return [arrays[f"{prefix}_{i}"] for i in range(total)]
