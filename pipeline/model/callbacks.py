"""What happens after each epoch: look at eval, keep the best, save, report, stop early."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfx_audio.components.audio import progress
from tfx_audio.pipeline.model.checkpoint import Checkpoint, TrainingState
from tfx_audio.pipeline.model.inputs import as_ragged
from tfx_audio.pipeline.model.serving import clip_scores

EVAL_LOSS = "eval_loss"
EVAL_ACCURACY = "eval_accuracy"


@dataclasses.dataclass(frozen=True)
class EvalResult:
    """A network on the eval split.

    Attributes:
      loss: Mean cross-entropy, without label smoothing.
      accuracy: Share of clips whose best label is right.
      confusion: Counts, ``(true label, predicted label)``.
    """

    loss: float
    accuracy: float
    confusion: np.ndarray


class Evaluation:
    """Scores the eval split as serving would: whole clips, averaged over windows.

    Args:
      model: From windows to logits.
      batches: Elements (ragged waveforms, label ids).
      window: Samples of a window.
      max_windows: Windows of a clip at most.
    """

    def __init__(
        self, model: keras.Model, batches: tf.data.Dataset, window: int, max_windows: int
    ) -> None:
        self._batches = batches
        self._num_labels = int(model.output_shape[-1])
        spec = tf.RaggedTensorSpec([None, None], tf.float32, ragged_rank=1)
        self._scores: Callable[[Any], Any] = tf.function(
            lambda waveforms: clip_scores(model, waveforms, window, max_windows),
            input_signature=[spec],
        )

    def run(self) -> EvalResult:
        """Score every clip."""
        confusion = np.zeros((self._num_labels, self._num_labels), np.int64)
        total_loss = 0.0
        for waveforms, label_ids in self._batches:
            scores = self._scores(as_ragged(waveforms)).numpy()
            truth = label_ids.numpy()
            np.add.at(confusion, (truth, scores.argmax(axis=1)), 1)
            right = scores[np.arange(len(truth)), truth]
            total_loss -= float(np.log(np.maximum(right, 1e-7)).sum())
        clips = max(1, int(confusion.sum()))
        return EvalResult(total_loss / clips, float(np.trace(confusion)) / clips, confusion)


class BestKeeper(keras.callbacks.Callback):
    """Evaluates after each epoch, keeps the best weights, checkpoints, stops early.

    Better is a higher accuracy on eval, or the same with a lower loss. When training ends the
    model has the best weights.

    Args:
      evaluation: The eval split.
      checkpoint: Where a killed training goes on from.
      epochs: Epochs of the budget.
      min_epochs: Epochs that are always done.
      patience: Epochs without a better one before stopping; 0 for never.
      stage: Name for the progress reports.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        checkpoint: Checkpoint,
        epochs: int,
        min_epochs: int = 0,
        patience: int = 0,
        stage: str = "Trainer",
    ) -> None:
        super().__init__()
        self.state = TrainingState()
        self.result: EvalResult | None = None
        self._evaluation = evaluation
        self._checkpoint = checkpoint
        self._epochs = epochs
        self._min_epochs = min_epochs
        self._patience = patience
        self._stage = stage
        self._best: list[np.ndarray] = []

    def resume(self, model: keras.Model) -> None:
        """Load what a killed training left, if it did."""
        loaded = self._checkpoint.load(_all_variables(model))
        if loaded is not None:
            self.state, self._best = loaded
            progress.report(self._stage, self.state.epoch, self._epochs, "epochs", "resumed")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Evaluate, compare, save, report."""
        logs = {} if logs is None else logs
        self.result = self._evaluation.run()
        logs[EVAL_LOSS], logs[EVAL_ACCURACY] = self.result.loss, self.result.accuracy
        self._note(epoch + 1, logs)
        self._checkpoint.save(self.state, _all_variables(self.model), self._best)
        note = (
            f"loss {logs.get('loss', float('nan')):.3f}, eval accuracy {self.result.accuracy:.3f}, "
            f"best {self.state.best_accuracy:.3f}"
        )
        progress.report(self._stage, epoch + 1, self._epochs, "epochs", note)
        if self.state.stopped:
            self.model.stop_training = True

    def _note(self, epoch: int, logs: dict[str, Any]) -> None:
        """Write one epoch into the state."""
        state = self.state
        state.epoch = epoch
        state.history.append({name: float(value) for name, value in logs.items()})
        better = (logs[EVAL_ACCURACY], -logs[EVAL_LOSS]) > (state.best_accuracy, -state.best_loss)
        if better:
            state.best_epoch = epoch
            state.best_accuracy, state.best_loss = logs[EVAL_ACCURACY], logs[EVAL_LOSS]
            self._best = [np.asarray(weight) for weight in self.model.weights]
        state.waited = 0 if better else state.waited + 1
        tired = 0 < self._patience <= state.waited and epoch >= self._min_epochs
        state.stopped = tired or epoch >= self._epochs

    def restore_best(self, model: keras.Model) -> None:
        """Give the model the best epoch's weights."""
        for variable, array in zip(model.weights, self._best, strict=True):
            variable.assign(array)


def _all_variables(model: keras.Model) -> list[Any]:
    """Weights, states of random generators, and the optimiser's variables."""
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + list(model.optimizer.variables)
