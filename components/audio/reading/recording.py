"""`Recording`, one file to ingest, and the clips that are cut from it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from tfx_audio.components.audio.clip import Clip, from_pcm16, original_id, to_pcm16
from tfx_audio.components.audio.reading.clip_format import (
    MAX_CLIP_SAMPLES,
    ClipFormat,
    Formatted,
    clip_too_long,
    read_waveform,
)
from tfx_audio.components.audio.reading.formats import HEAD_BYTES, looks_like_audio
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.reading.windows import trim_bounds, window_bounds
from tfx_audio.components.audio.rejection import Rejection

STAGE = "ingest"
MAX_LABEL_CHARS = 200
_END_TOLERANCE_S = 0.05  # manifests round


@dataclass(frozen=True, slots=True)
class Row:
    """One clip of a recording, as the listing has it.

    Attributes:
      clip_id: Unique and stable.
      label: Class name.
      group: Speaker, recording or fold, empty if none.
      split: The split that a manifest or a folder gives, empty if none.
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


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file and the clips in it, or one file of records.

    Attributes:
      uri: What opens it.
      path: Its name for people: relative to the data root where it lies in it.
      rows: The clips; none for all that a file of records has.
      size: Bytes, 0 if unknown.
      keep_together: Whether its clips go into one split because they overlap.
      surely_audio: Whether it must be audio (a manifest or its suffix says so); else a file that
        is not audio is passed over, as a README in a class folder is.
      split: Of a file of records: the split that its name says, empty if none.
      features: Of a file of records: what their features mean.
      roots: The folders that it may lie in when it is read; none for anywhere.
    """

    uri: str
    path: str
    rows: tuple[Row, ...]
    size: int = 0
    surely_audio: bool = True
    keep_together: bool = False
    split: str = ""
    features: RecordFeatures | None = None
    roots: tuple[str, ...] = ()


class CutClip(NamedTuple):
    """A clip as it is stored.

    Attributes:
      clip: The clip; its waveform is exactly `pcm`.
      pcm: Its 16 bit steps, ``(samples,)`` or ``(channels, samples)``.
      audio_digest: Digest of `pcm`.
      split_key: Digest of the audio that decides the split: its own, or the whole recording's
        where clips of one recording have audio in common.
      given_split: The split that a manifest or a folder gives, empty if none.
      note: What was done to the recording's level, empty for nothing.
    """

    clip: Clip
    pcm: np.ndarray
    audio_digest: bytes
    split_key: bytes
    given_split: str
    note: str = ""


def single_file(uri: str, path: str) -> Recording:
    """Return a file as a recording of one clip without a label, under its name."""
    return Recording(uri, path, (Row(path, ""),))


def label_problem(label: str) -> tuple[str, str] | None:
    """Return why a label can't be used, as reason and detail."""
    if not label:
        return "missing_label", "nothing says its label"
    if len(label) > MAX_LABEL_CHARS:
        return "bad_label", f"a label of {len(label)} characters; {MAX_LABEL_CHARS} at most"
    if not label.isprintable():
        return "bad_label", f"the label {label!r} has characters that can't be printed"
    return None


def piece_id(clip_id: str, start_s: float, end_s: float | None) -> str:
    """Return the id of a piece of a recording."""
    return f"{clip_id}#{start_s:.3f}-{'' if end_s is None else f'{end_s:.3f}'}"


def cut_recording(
    recording: Recording, data: bytes, clip_format: ClipFormat
) -> Iterator[CutClip | Rejection]:
    """Decode a recording and yield each of its clips, or why it can't be used.

    Yields:
      A clip or a rejection for each row, or for each window of it; nothing for a file that
      is not audio and need not be.
    """
    if not recording.surely_audio and not looks_like_audio(data[:HEAD_BYTES]):
        return
    is_clip = not clip_format.window_s and not any(row.is_piece for row in recording.rows)
    try:
        are_silent = {row.label for row in recording.rows} <= set(clip_format.silent_labels)
        formatted = read_waveform(data, clip_format, is_clip, may_cancel=are_silent)
    except Unusable as problem:
        for row in recording.rows:
            yield rejection(row, problem)
        return
    whole = _digest(to_pcm16(formatted.waveform)) if recording.keep_together else b""
    for row in recording.rows:
        yield from cut_row(row, formatted, clip_format, whole)


def rejection(row: Row, problem: Unusable) -> Rejection:
    """Return the record of a clip that can't be used."""
    return Rejection(row.clip_id, problem.reason, STAGE, problem.detail, row.label)


def cut_row(
    row: Row, formatted: Formatted, clip_format: ClipFormat, split_key: bytes = b""
) -> Iterator[CutClip | Rejection]:
    """Yield the clips of one row of a recording at hand, or why there are none.

    Args:
      row: The row.
      formatted: The recording, in the format of clips.
      clip_format: What clips are made into.
      split_key: What decides the split of all of the recording's clips; empty for each its own
        audio. Windows of a row always stay together.
    """
    rate, waveform = formatted.sample_rate, formatted.waveform
    clip_format = replace(clip_format, sample_rate=rate)
    try:
        start, end = _bounds(row, waveform, clip_format)
    except Unusable as problem:
        yield rejection(row, problem)
        return
    windows = [(start, end)]
    if clip_format.window_s:
        window = round(clip_format.window_s * rate)
        hop = round((clip_format.hop_s or clip_format.window_s) * rate)
        found = window_bounds(end - start, max(1, window), max(1, hop))
        windows = [(start + first, start + last) for first, last in found]
        split_key = split_key or _digest(to_pcm16(waveform[..., start:end]))
    for first, last in windows:
        piece = row
        if (first, last) != (start, end):  # windows of a recording share its group
            clip_id = piece_id(row.clip_id, first / rate, last / rate)
            piece = replace(row, clip_id=clip_id, group=row.group or row.clip_id)
        try:
            _check_duration(waveform[..., first:last], clip_format)
            pcm = to_pcm16(waveform[..., first:last])
            _check_sound(pcm, row.label, clip_format)
        except Unusable as problem:
            yield rejection(piece, problem)
            continue
        digest = _digest(pcm)
        name = original_id(piece.clip_id)
        clip = Clip(name, from_pcm16(pcm), rate, piece.label, piece.group, fields=piece.fields)
        yield CutClip(clip, pcm, digest, split_key or digest, row.split, formatted.note)


def _bounds(row: Row, waveform: np.ndarray, clip_format: ClipFormat) -> tuple[int, int]:
    """Return where a row's clip starts and ends, in samples."""
    rate, n_samples = clip_format.sample_rate, waveform.shape[-1]
    if not n_samples:
        raise Unusable("empty", f"too short for one sample at {rate} Hz")
    start = round(row.start_s * rate)
    end = n_samples if row.end_s is None else round(row.end_s * rate)
    if start >= n_samples or end > n_samples + round(_END_TOLERANCE_S * rate):
        raise Unusable(
            "out_of_range",
            f"the clip lies at {row.start_s:g} to {end / rate:g} s of a recording of "
            f"{n_samples / rate:g} s",
        )
    end = min(end, n_samples)
    if clip_format.trim_silence_db is None:
        return start, end
    trimmed = trim_bounds(waveform[..., start:end], rate, clip_format.trim_silence_db)
    return start + trimmed[0], start + trimmed[1]


def _check_duration(waveform: np.ndarray, clip_format: ClipFormat) -> None:
    seconds = waveform.shape[-1] / clip_format.sample_rate
    shortest, longest = clip_format.min_duration_s, clip_format.max_duration_s
    if not seconds:
        raise Unusable("empty", "the clip has no audio")
    if seconds < shortest:
        raise Unusable("too_short", f"{seconds:.3f} s; data.min_duration_s is {shortest:g}")
    if longest is not None and seconds > longest:
        raise Unusable("too_long", f"{seconds:.3f} s; data.max_duration_s is {longest:g}")
    if waveform.size > MAX_CLIP_SAMPLES:
        raise clip_too_long(waveform.size)


def _check_sound(pcm: np.ndarray, label: str, clip_format: ClipFormat) -> None:
    """Check that a clip is not digital silence, unless its label is for silence."""
    if not pcm.any() and label not in clip_format.silent_labels:
        raise Unusable(
            "silent",
            "digital silence: every sample is zero; data.silent_labels names the labels whose "
            "clips may be silent",
        )


def _digest(pcm: np.ndarray) -> bytes:
    """Return a digest of 16 bit steps (SHA-256, which processors have instructions for)."""
    return hashlib.sha256(np.ascontiguousarray(pcm).data).digest()
