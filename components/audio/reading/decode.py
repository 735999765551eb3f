"""Bytes of an audio file or of a video's sound track, found by content, to a waveform.

A clip is what a player would play, to its end, or a rejection by name.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from tfx_audio.components.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from tfx_audio.components.audio.reading.blocks import Blocks, bounded, channels_first, join
from tfx_audio.components.audio.reading.containers import close_stream, missing_part
from tfx_audio.components.audio.reading.ffmpeg import media_rate, mixed_formats, open_media
from tfx_audio.components.audio.reading.formats import (
    HEAD_BYTES,
    Kind,
    after_tags,
    id3_size,
    kind_of,
)
from tfx_audio.components.audio.reading.joined import split_joined
from tfx_audio.components.audio.reading.levels import check_finite
from tfx_audio.components.audio.reading.libsndfile import (
    open_plain_wav,
    open_sound_file,
    sound_file_rate,
)
from tfx_audio.components.audio.reading.unusable import Unusable

_HOW_TO_CONVERT = "`ffmpeg -i FILE FILE.flac` may convert it"


def decode(data: bytes, max_samples: int) -> tuple[np.ndarray, int]:
    """Decode an audio file.

    Args:
      data: The file's bytes.
      max_samples: The most samples (of all channels together) that may come out.

    Returns:
      ``(waveform, sample_rate)``: float32, ``(samples,)`` for one channel, else
      ``(channels, samples)``.

    Raises:
      Unusable: See `open_audio`; also ``too_long`` and ``non_finite``.
    """
    audio = open_audio(data)
    frames = join(bounded(audio, max_samples))
    if not audio.is_bounded:
        check_finite(frames)
    return channels_first(frames), audio.sample_rate


def open_audio(data: bytes) -> Blocks:
    """Open an audio file; streams that stand one behind the other are one.

    Raises:
      Unusable: With the reason ``empty``, ``unreadable``, ``no_audio``, ``truncated``,
        ``damaged``, ``mixed_formats`` or ``bad_sample_rate``, here or while blocks are read.
    """
    if not data:
        raise Unusable("empty", "the file has no bytes")
    data = after_tags(data)
    kind = kind_of(data[:HEAD_BYTES])
    parts = split_joined(data, kind.demuxer) if kind else [data]
    first = _open_one(parts[0], kind)
    if len(parts) == 1:
        return first
    return Blocks(
        first.sample_rate,
        first.channels,
        _one_after_the_other(first, parts[1:]),
        is_bounded=first.is_bounded,
    )


def header_rate(file: BinaryIO) -> int | None:
    """Return the sample rate that a file's header says, in Hz; None if it has no usable one."""
    head = file.read(HEAD_BYTES)
    if head[:3] == b"ID3" and len(head) >= 10:
        file.seek(id3_size(head, 0))
        head = file.read(HEAD_BYTES)
    kind = kind_of(head)
    file.seek(0)
    rate = sound_file_rate(file) if not kind or kind.libsndfile else None
    if kind and rate is None:
        file.seek(0)
        rate = media_rate(file, kind.demuxer)
    return rate if rate and MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE else None


def _one_after_the_other(first: Blocks, parts: list[bytes]) -> Iterator[np.ndarray]:
    yield from first.frames
    for part in parts:
        part = after_tags(part)
        audio = _open_one(part, kind_of(part[:HEAD_BYTES]))
        one, other = (first.sample_rate, first.channels), (audio.sample_rate, audio.channels)
        if one != other:
            raise mixed_formats(one, other)
        yield from audio.frames


def _open_one(data: bytes, kind: Kind | None) -> Blocks:
    """Open one stream with the decoder that is right for it."""
    data = close_stream(data)
    if missing := missing_part(data):
        raise Unusable("truncated", missing)
    if plain := open_plain_wav(data):
        return plain
    problems = []
    if not kind or kind.libsndfile:
        try:
            return open_sound_file(data)
        except Unusable as problem:
            problems.append(problem)
    if kind and not (problems and problems[0].reason != "unreadable"):
        try:
            return open_media(data, kind.demuxer)
        except Unusable as problem:
            problems.append(problem)
    first, last = problems[0], problems[-1]
    if "unreadable" not in (first.reason, last.reason) or last.reason == "damaged":
        raise last
    said = "; ".join(problem.detail for problem in problems)
    raise Unusable("unreadable", f"{said}. {_HOW_TO_CONVERT}")
