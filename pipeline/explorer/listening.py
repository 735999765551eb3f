"""What the explorer plays and shows: the pipeline's own augmenter on one clip."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tfx_audio.components.audio.augment.augmenter import (
    AugmentationFailed,
    Augmenter,
    TransformStats,
)
from tfx_audio.components.audio.clip import Clip, from_pcm16, to_pcm16
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import (
    CutClip,
    Recording,
    cut_recording,
    single_file,
)
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.stored_clips import read_recording

MAX_UPLOAD_MB = 25
MAX_CLIP_S = 60.0


@dataclass(frozen=True)
class Heard:
    """One result; where the clip could not be made, `problem` says why."""

    title: str
    clip: Clip | None
    problem: str = ""


def read_clip(recording: Recording, sample_rate: int = 0) -> Clip:
    """Read the one clip of a file as a run does, at `sample_rate` Hz; 0 keeps the file's.

    Raises:
      InvalidInput: If it can't be used, or is longer than the explorer takes.
    """
    return _only(read_recording(recording, ClipFormat(sample_rate)))


def read_upload(data: bytes, name: str, sample_rate: int = 0) -> Clip:
    """Read an uploaded or recorded sound; its name becomes the clip's id. See `read_clip`."""
    if len(data) > MAX_UPLOAD_MB * 2**20:
        raise InvalidInput(f"{name}: at most {MAX_UPLOAD_MB} MiB, got {len(data) / 2**20:.1f} MiB")
    return _only(cut_recording(single_file("", name), data, ClipFormat(sample_rate)))


def _only(cuts: Iterator[CutClip | Rejection]) -> Clip:
    """Return the one clip of a file."""
    (cut,) = cuts
    if isinstance(cut, Rejection):
        raise InvalidInput(f"{cut.path} can't be used: {cut.detail}")
    if cut.clip.duration_s > MAX_CLIP_S:
        raise InvalidInput(
            f"{cut.clip.clip_id}: at most {MAX_CLIP_S:g} s, got {cut.clip.duration_s:.1f} s"
        )
    return cut.clip


def make_example_clip(sample_rate: int = 16_000) -> Clip:
    """Return a sound to begin with: three decaying notes, for who has no file at hand."""
    time_s = np.arange(2 * sample_rate) / sample_rate
    waveform = np.zeros_like(time_s)
    for start_s, frequency_hz in ((0.1, 220.0), (0.7, 330.0), (1.3, 440.0)):
        after = np.maximum(time_s - start_s, 0.0)
        note = sum(np.sin(2 * np.pi * k * frequency_hz * after) / k for k in (1, 2, 3))
        waveform += (after > 0) * np.exp(-5.0 * after) * note * 0.3
    return Clip("example.wav", from_pcm16(to_pcm16(waveform)), sample_rate)


def hear_copies(
    policy: AugmentationPolicy, clip: Clip, copies: int, bank_dirs: Mapping[str, str]
) -> tuple[list[Heard], Mapping[str, TransformStats]]:
    """Make the first copies of a clip, and say what they cost.

    Raises:
      InvalidInput: If the policy can't run.
    """
    augmenter = Augmenter(policy, bank_dirs)
    heard = [_hear(augmenter, clip, index, f"copy {index}") for index in range(1, copies + 1)]
    return heard, augmenter.stats


def hear_steps(
    policy: AugmentationPolicy, clip: Clip, copy_index: int, bank_dirs: Mapping[str, str]
) -> list[Heard]:
    """Make one copy step by step: after the first step, after the first two, and so on.

    The random stream is the same each time, so the last one is the copy itself.
    """
    specs = policy.transforms_for(clip.label)
    heard: list[Heard] = []
    before = clip.augmentation
    for count in range(1, len(specs) + 1):
        content = policy.to_dict() | {
            "transforms": [spec.to_dict() for spec in specs[:count]],
            "labels": {},
            "conditions": {},
        }
        until = AugmentationPolicy.from_json(json.dumps(content))
        one = _hear(Augmenter(until, bank_dirs), clip, copy_index, "")
        now = one.clip.augmentation if one.clip else before
        drawn = len(json.loads(now).get("transforms", []))
        skipped = one.clip and drawn == len(json.loads(before).get("transforms", []))
        title = f"after {count}. {specs[count - 1].name}" + (" (not drawn)" if skipped else "")
        heard.append(Heard(title, one.clip, one.problem))
        before = now
    return heard


def hear_seeds(
    policies: Mapping[int, AugmentationPolicy], clip: Clip, bank_dirs: Mapping[str, str]
) -> list[Heard]:
    """Make the first copy under several seeds."""
    return [
        _hear(Augmenter(policy, bank_dirs), clip, 1, f"seed {seed}")
        for seed, policy in policies.items()
    ]


def _hear(augmenter: Augmenter, clip: Clip, copy_index: int, title: str) -> Heard:
    try:
        return Heard(title, augmenter.augment(clip, copy_index))
    except AugmentationFailed as error:
        return Heard(title, None, f"{error.transform}: {error.detail} ({error.reason})")
