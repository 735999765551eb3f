"""`Recording`, one file to ingest, and the clips that are cut from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tfx_audio.components.audio import decode as decoding
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.decode import Unusable
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio.resample import mix_to_mono, resample

STAGE = "ingest"


@dataclass(frozen=True)
class Row:
    """One clip that a recording is said to hold.

    Attributes:
      clip_id: Unique and stable.
      label: Class name.
      group: Speaker, recording or fold, empty if none.
      split: The split that a manifest or a folder says, empty if none.
      start_s: Where the clip starts in the recording, in seconds.
      end_s: Where it ends; None for the recording's end.
      fields: Further named values.
    """

    clip_id: str
    label: str
    group: str = ""
    split: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_piece(self) -> bool:
        """Whether this is a part of the recording and not all of it."""
        return self.start_s > 0 or self.end_s is not None


@dataclass(frozen=True)
class Recording:
    """One audio file and the clips in it.

    Attributes:
      uri: What opens it.
      path: Its name for people: relative to the data root where it lies in it.
      rows: The clips.
      size: Bytes, 0 if unknown.
      surely_audio: Whether it must be audio (a manifest or its suffix says so); else a file that
        is no audio is passed over, as a README in a class folder is.
    """

    uri: str
    path: str
    rows: tuple[Row, ...]
    size: int = 0
    surely_audio: bool = True


@dataclass(frozen=True)
class ClipFormat:
    """What clips are made into.

    Attributes:
      sample_rate: Hz.
      keep_channels: Whether channels are kept; else they are mixed to one.
      min_duration_s: Shortest clip.
      max_duration_s: Longest clip, None for any.
      max_samples: The most samples one decoded recording may have.
    """

    sample_rate: int
    keep_channels: bool = False
    min_duration_s: float = 0.0
    max_duration_s: float | None = None
    max_samples: int = 2**28


def cut_clips(
    recording: Recording, data: bytes, clip_format: ClipFormat
) -> Iterator[Clip | Rejection]:
    """Decode a recording and yield each of its clips, or why it can't be used.

    Args:
      recording: What is said of it.
      data: The file's bytes.
      clip_format: What clips are made into.

    Yields:
      A clip or a rejection for each row; nothing for a file that was never said to be audio and
      isn't.
    """
    if not recording.surely_audio and not decoding.looks_like_audio(data[:64]):
        return
    try:
        waveform, rate = decoding.decode(data, clip_format.max_samples)
        if not clip_format.keep_channels:
            waveform = mix_to_mono(waveform)
        waveform = resample(waveform, rate, clip_format.sample_rate)
    except Unusable as problem:
        for row in recording.rows:
            yield Rejection(recording.path, problem.reason, STAGE, problem.detail, row.label)
        return
    for row in recording.rows:
        try:
            yield _clip(row, waveform, clip_format)
        except Unusable as problem:
            yield Rejection(row.clip_id, problem.reason, STAGE, problem.detail, row.label)


def _clip(row: Row, waveform: np.ndarray, clip_format: ClipFormat) -> Clip:
    seconds = waveform.shape[-1] / clip_format.sample_rate
    if seconds < clip_format.min_duration_s:
        raise Unusable(
            "too_short", f"{seconds:.3f} s; data.min_duration_s is {clip_format.min_duration_s:g}"
        )
    if clip_format.max_duration_s is not None and seconds > clip_format.max_duration_s:
        raise Unusable(
            "too_long", f"{seconds:.3f} s; data.max_duration_s is {clip_format.max_duration_s:g}"
        )
    return Clip(
        clip_id=row.clip_id,
        waveform=waveform,
        sample_rate=clip_format.sample_rate,
        label=row.label,
        group=row.group,
        fields=row.fields,
    )
