"""`Predictor`, an exported model that is asked about audio files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeGuard

import numpy as np
import tensorflow as tf

from tfx_audio.components.audio.clip import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    encode_wav,
    pcm16_to_wav,
)
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import single_file
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.rejection import Rejection, shorten
from tfx_audio.components.audio_example_gen.stored_clips import read_recording
from tfx_audio.pipeline.clips.predict_files import AskedFile, size_problem
from tfx_audio.pipeline.model.exported_facts import CARD_FILE, read_card

_SIGNATURE = "wav"
_MAX_BATCH_BYTES = 2**26


def find_model(directory: str) -> str:
    """Return the model in a folder: itself, or the newest version below it.

    Raises:
      InvalidInput: If the folder holds no model.
    """
    path = Path(directory)
    if not path.is_dir():
        raise InvalidInput(
            f"--model expects a folder with an exported model; no folder {directory}"
        )
    try:
        versions = [one for one in path.iterdir() if one.name.isascii() and one.name.isdecimal()]
        newest = sorted(versions, key=lambda child: int(child.name), reverse=True)
        for candidate in (path, *newest, path / "Format-Serving"):
            if (candidate / "saved_model.pb").is_file():
                return str(candidate)
    except OSError as error:
        raise InvalidInput(f"--model: {directory} can't be read: {error.strerror}") from error
    raise InvalidInput(f"--model expects an exported model; no saved_model.pb in {directory}")


class Predictor:
    """An exported model, asked about files.

    Args:
      model_dir: Its folder.
      max_samples: The most samples that one decoded file may have.

    Raises:
      InvalidInput: If the model is damaged or was not exported by this project.
    """

    def __init__(self, model_dir: str, max_samples: int = ClipFormat.max_samples) -> None:
        self._max_samples = max_samples
        self._sample_rate, self._labels, self._knows_silence = _read_facts(model_dir)
        try:
            self._model = tf.saved_model.load(model_dir)
            self._try()
        except Exception as error:  # nearly any, by where the damage is
            first_line = f"{error}".partition("\n")[0]
            raise InvalidInput(
                f"--model: expected a model exported by tfx-audio that answers with a score for "
                f"each of {len(self._labels)} labels; {model_dir} does not load or answer: "
                f"{type(error).__name__}: {first_line}"
            ) from error

    @property
    def sample_rate(self) -> int:
        """Hz that the model takes."""
        return self._sample_rate

    def waveform_scores(self, waveforms: np.ndarray) -> np.ndarray:
        """Score ``(batch, samples)`` at the model's rate; zeros where nothing can be told."""
        answer = self._model.signatures["waveform"](waveform=tf.constant(waveforms))
        return np.asarray(answer["scores"]) * (np.asarray(answer["problem"]) == b"")[:, np.newaxis]

    def answers(
        self, files: Iterable[AskedFile], batch_size: int, top: int
    ) -> Iterator[dict[str, Any]]:
        """Yield an answer for each file in order: ``file``, ``label``, ``score``, ``scores``.

        A file that can't be read has ``error`` instead: the reason and a sentence.
        """
        for batch in self._batches(files, batch_size):
            wavs = [wav for _, wav in batch if isinstance(wav, bytes)]
            rows: Iterator[np.ndarray] = iter(self._scores(wavs) if wavs else [])
            for name, wav in batch:
                if isinstance(wav, bytes):
                    yield {"file": name, **self._best(next(rows), top)}
                else:
                    yield {"file": name, "error": str(wav)}

    def _batches(self, files: Iterable[AskedFile], batch_size: int) -> Iterator[list[NamedWav]]:
        """Read files and yield them in batches: fewer clips in a batch where they are long."""
        batch: list[NamedWav] = []
        n_bytes = 0
        for named in itertools.chain.from_iterable(map(self._read, files)):
            batch.append(named)
            n_bytes += len(named.wav) if isinstance(named.wav, bytes) else 0
            if len(batch) == batch_size or n_bytes >= _MAX_BATCH_BYTES:
                yield batch
                batch, n_bytes = [], 0
        if batch:
            yield batch

    def _read(self, file: AskedFile) -> Iterator[NamedWav]:
        return read_wavs(file, self._sample_rate, self._max_samples, self._knows_silence)

    def _scores(self, wavs: list[bytes]) -> np.ndarray:
        """Return the scores of WAV files, ``(batch, labels)``."""
        return np.asarray(self._model.signatures[_SIGNATURE](wav=tf.constant(wavs))["scores"])

    def _try(self) -> None:
        """Score a tenth of a second of a hum: a damaged model fails here.

        Raises:
          ValueError: If the scores are not what the labels ask for; TensorFlow has its own errors.
        """
        if _SIGNATURE not in self._model.signatures:
            raise ValueError(f"there is no signature {_SIGNATURE!r}")
        hum = 0.1 * np.sin(np.arange(self._sample_rate // 10, dtype=np.float32) / 3)
        scores = self._scores([encode_wav(hum, self._sample_rate)])
        if scores.shape != (1, len(self._labels)):
            raise ValueError(f"got scores of the shape {scores.shape}")
        if not np.isfinite(scores).all():
            raise ValueError("its scores are not finite")

    def _best(self, row: np.ndarray, top: int) -> dict[str, Any]:
        """Return the best label, its score, and the scores of the `top` best."""
        scores = dict(zip(self._labels, map(float, row), strict=True))
        best = sorted(scores, key=lambda label: scores[label], reverse=True)
        shown = {label: round(scores[label], 6) for label in best[:top]}
        return {"label": best[0], "score": shown[best[0]], "scores": shown}


class NamedWav(NamedTuple):
    """A clip's name, and its mono WAV bytes at the model's rate or why there are none."""

    name: str
    wav: bytes | Unusable


def read_wavs(
    file: AskedFile,
    sample_rate: int,
    max_samples: int = ClipFormat.max_samples,
    may_be_silent: bool = False,
) -> Iterator[NamedWav]:
    """Yield the clips of a file: of one that is named, all of it is one.

    Args:
      file: The file.
      sample_rate: Hz.
      max_samples: The most samples that one decoded file may have.
      may_be_silent: Whether digital silence is a clip as well.
    """
    problem = file.problem
    try:
        if not (problem or file.recording):  # the listing has looked at its own
            problem = size_problem(Path(file.path).stat().st_size)
    except OSError as error:
        problem = ("unreadable", f"the file: {error.strerror}")
    if problem:
        yield NamedWav(file.name, Unusable(*problem))
        return
    recording = file.recording or single_file(file.path, file.name)
    silent = tuple({row.label for row in recording.rows}) if may_be_silent else ()
    clip_format = ClipFormat(sample_rate, max_samples=max_samples, silent_labels=silent)
    for cut in read_recording(recording, clip_format):
        if isinstance(cut, Rejection):
            yield NamedWav(cut.path, Unusable(cut.reason, cut.detail))
        else:
            name = cut.clip.clip_id if file.recording else file.name
            yield NamedWav(name, pcm16_to_wav(cut.pcm, sample_rate))


def _read_facts(model_dir: str) -> tuple[int, list[str], bool]:
    """Return a model's sample rate and labels, and whether it has learnt what silence is.

    Raises:
      InvalidInput: If they are not beside it.
    """
    try:
        card = read_card(model_dir)
    except FileNotFoundError as error:
        raise InvalidInput(f"--model: {error}") from error
    except (ValueError, TypeError, RecursionError, tf.errors.OpError) as error:
        raise InvalidInput(
            f"--model: expected a JSON object in {model_dir}/{CARD_FILE}; it can't be read: {error}"
        ) from error
    rate, labels = card.get("sample_rate"), card.get("labels")
    if type(rate) is not int or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        _refuse_fact(model_dir, "sample_rate", f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz", rate)
    if not _are_names(labels):
        _refuse_fact(model_dir, "labels", "a list of different names", labels)
    return rate, labels, bool(card.get("silent_labels"))


def _are_names(labels: Any) -> TypeGuard[list[str]]:
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return False
    return len(labels) == len(set(labels)) > 0


def _refuse_fact(model_dir: str, key: str, expected: str, came: Any) -> NoReturn:
    raise InvalidInput(
        f"--model: {model_dir}/{CARD_FILE}: expected {key!r} to be {expected}, "
        f"got {shorten(repr(came), 80)}"
    )
