"""Finds and reads single clips of a user's folder, as ingest does, labelled or not.

`preview` and `explore` look at any folder of audio, also one that has no labels yet. Listing,
clip ids, decoding and resampling are ingest's own, so that a copy made here is the copy that a
run on the same folder trains on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tfx_audio.components.audio.clip import Clip, decode_wav, encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.recording import ClipFormat, Recording, Row, cut_clips
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.inventory import sampled_rates
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.augmentation_report.sampling import rank

MAX_SAMPLES = 2**26


class Sounds(NamedTuple):
    """What a folder holds.

    Attributes:
      recordings: Audio files, sorted by path.
      rejections: What can't be used already by its name or its place.
    """

    recordings: list[Recording]
    rejections: list[Rejection]


def list_sounds(path: str, label_from: str = "") -> Sounds:
    """List the audio files of a folder, or one file.

    Args:
      path: A folder of this machine, or one audio file.
      label_from: Pattern of file names that gives the label; without it the folder does, and
        files in no folder have no label.

    Raises:
      InvalidInput: If there is nothing to list.
    """
    if os.path.isfile(path):
        name = os.path.basename(path)
        return Sounds([Recording(path, name, (Row(name, ""),))], [])
    config = IngestConfig(path=path, label_from=label_from)
    listing = list_recordings(config, unlabelled=True)
    found, rejections = listing.recordings, listing.rejections
    if listing.record_features:
        raise InvalidInput(f"{path!r} holds TFRecords in folders of it: name one of these folders")
    if not found:
        why = f" whose name fits {label_from!r}" if label_from else ""
        first = next(iter(rejections), None)
        instead = f"; {len(rejections)} can't be used: {first.detail}" if first else ""
        raise InvalidInput(f"expected audio files{why} under {path!r}; found none{instead}")
    return Sounds(sorted(found, key=lambda recording: recording.path), rejections)


def choose_sounds(recordings: Iterable[Recording], count: int) -> list[Recording]:
    """Choose some recordings, the labels in turn; the same folder gives the same choice."""
    seen: Counter[str] = Counter()
    turns = []
    for recording in sorted(recordings, key=lambda one: rank(one.path)):
        label = recording.rows[0].label
        seen[label] += 1
        turns.append((seen[label], label, recording.path, recording))
    chosen = [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:3])[:count]]
    return sorted(chosen, key=lambda one: (one.rows[0].label, one.path))


def common_sample_rate(recordings: Sequence[Recording]) -> int:
    """Return what most headers say, as a run does.

    Raises:
      InvalidInput: If no header can be read.
    """
    rates = sampled_rates(recordings)
    if not rates:
        raise InvalidInput("none of the files can be read as audio")
    return max(rates, key=lambda rate: (rates[rate], rate))


def read_clips(
    recordings: Iterable[Recording], sample_rate: int, max_samples: int = MAX_SAMPLES
) -> tuple[list[Clip], list[Rejection]]:
    """Read clips at one sample rate, rounded to 16 bit as they are stored for training.

    Args:
      recordings: What to read.
      sample_rate: Hz.
      max_samples: The most samples of one recording.

    Returns:
      The clips, and why others can't be used.
    """
    clips: list[Clip] = []
    rejections: list[Rejection] = []
    clip_format = ClipFormat(sample_rate, max_samples=max_samples)
    for recording in recordings:
        with open(recording.uri, "rb") as file:
            data = file.read()
        for result in cut_clips(recording, data, clip_format):
            if isinstance(result, Rejection):
                rejections.append(result)
            else:
                clips.append(as_stored(result))
    return clips, rejections


def as_stored(clip: Clip) -> Clip:
    """Return a clip as its PCM 16 record holds it, which is what augmentation starts from."""
    return clip.replace(waveform=decode_wav(encode_wav(clip.waveform, clip.sample_rate))[0])
