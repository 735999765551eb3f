"""`tfx-audio predict`: labels and scores for audio files, by an exported model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

HELP = "labels and scores for audio files"
_MAX_SAMPLES = 1 << 28
_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="an exported model, or the folder of versions"
    )
    parser.add_argument("audio", nargs="+", metavar="FILE|DIR", help="audio of any rate and length")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="files at a time")
    parser.add_argument("--top", type=int, default=_SHOWN, metavar="N", help="labels to show")
    parser.add_argument("--json", action="store_true", help="one JSON object a file")


def run(args: argparse.Namespace) -> int:
    """Print an answer for each file; 1 if some could not be read."""
    from tfx_audio.components.audio.errors import InvalidInput

    for name in ("batch_size", "top"):
        if getattr(args, name) < 1:
            option = "--" + name.replace("_", "-")
            raise InvalidInput(f"{option} must be at least 1, got {getattr(args, name)}")
    files = audio_files(args.audio)
    predictor = Predictor(find_model(args.model))
    unreadable = 0
    for answer in predictor.answers(files, args.batch_size, args.top):
        unreadable += "error" in answer
        print(json.dumps(answer, ensure_ascii=False) if args.json else _line(answer), flush=True)
    return 1 if unreadable else 0


def find_model(directory: str) -> str:
    """Return the model in a folder: itself, or the newest version below it.

    Raises:
      InvalidInput: If there is none.
    """
    from tfx_audio.components.audio.errors import InvalidInput

    path = Path(directory)
    if not path.is_dir():
        raise InvalidInput(
            f"--model expects a folder with an exported model; no folder {directory}"
        )
    versions = [child for child in path.iterdir() if child.name.isdigit()]
    newest = sorted(versions, key=lambda child: int(child.name), reverse=True)
    for candidate in (path, *newest, path / "Format-Serving"):
        if (candidate / "saved_model.pb").is_file():
            return str(candidate)
    raise InvalidInput(f"--model expects an exported model; no saved_model.pb in {directory}")


def audio_files(named: Sequence[str]) -> list[Path]:
    """Return the named files and the audio files below the named folders, sorted within each.

    Raises:
      InvalidInput: If one does not exist, or a folder holds no audio.
    """
    from tfx_audio.components.audio.decode import AUDIO_SUFFIXES
    from tfx_audio.components.audio.errors import InvalidInput

    found: list[Path] = []
    for name in named:
        path = Path(name)
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
            if not below:
                raise InvalidInput(f"no audio file in the folder {name}")
            found += below
        elif path.is_file():
            found.append(path)
        else:
            raise InvalidInput(f"no file or folder {name}")
    return found


class Predictor:
    """An exported model, asked about files.

    Args:
      model_dir: Its folder.

    Raises:
      InvalidInput: If the model was not exported by this project.
    """

    def __init__(self, model_dir: str) -> None:
        import tensorflow as tf

        from tfx_audio.components.audio.errors import InvalidInput
        from tfx_audio.pipeline.model.card import read_card

        try:
            self._card = read_card(model_dir)
        except FileNotFoundError as error:
            raise InvalidInput(f"--model: {error}") from error
        self._model = tf.saved_model.load(model_dir)
        self._answer = self._model.signatures["wav"]

    def answers(self, files: Iterable[Path], batch_size: int, top: int) -> Iterator[dict[str, Any]]:
        """Yield an answer for each file, in order: ``file``, ``label``, ``score``, ``scores``.

        A file that can't be read has ``error`` instead.
        """
        waiting: list[tuple[Path, bytes | str]] = []
        for file in files:
            waiting.append((file, self._read(file)))
            if len(waiting) == batch_size:
                yield from self._answers(waiting, top)
                waiting = []
        yield from self._answers(waiting, top)

    def _read(self, file: Path) -> bytes | str:
        """Return a file as WAV bytes at the model's rate, or why it can't be read."""
        from tfx_audio.components.audio.clip import encode_wav
        from tfx_audio.components.audio.decode import Unusable, decode
        from tfx_audio.components.audio.resample import mix_to_mono, resample

        try:
            waveform, rate = decode(file.read_bytes(), _MAX_SAMPLES)
        except (Unusable, OSError) as error:
            return str(error)
        expected = self._card["sample_rate"]
        return encode_wav(resample(mix_to_mono(waveform), rate, expected), expected)

    def _answers(self, batch: list[tuple[Path, bytes | str]], top: int) -> Iterator[dict[str, Any]]:
        import tensorflow as tf

        wavs = [wav for _, wav in batch if isinstance(wav, bytes)]
        rows = iter(self._answer(wav=tf.constant(wavs))["scores"].numpy() if wavs else [])
        for file, wav in batch:
            if isinstance(wav, str):
                yield {"file": str(file), "error": wav}
                continue
            scores = dict(zip(self._card["labels"], map(float, next(rows)), strict=True))
            best = sorted(scores, key=lambda label: scores[label], reverse=True)
            shown = {label: round(scores[label], 6) for label in best[:top]}
            yield {
                "file": str(file),
                "label": best[0],
                "score": shown[best[0]],
                "scores": shown,
            }


def _line(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return f"{answer['file']}: can't be read: {answer['error']}"
    scores = "  ".join(f"{label} {score:.3f}" for label, score in answer["scores"].items())
    return f"{answer['file']}: {scores}"
