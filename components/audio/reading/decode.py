"""Bytes of any audio file that libsndfile reads, found by content, to a waveform."""

from __future__ import annotations

import io
import math
import struct

import numpy as np
import soundfile

from tfx_audio.components.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, from_pcm16
from tfx_audio.components.audio.reading.containers import close_stream, missing_part

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"}
    | {".snd", ".caf", ".w64", ".rf64", ".m4a", ".wma", ".aac"}
)


_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for a FLAC header that says no length
_BLOCK_FRAMES = 2**16
_PLAIN_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")


class Unusable(ValueError):
    """Audio that can't be used.

    Attributes:
      reason: The name that is counted.
      detail: One sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def looks_like_audio(head: bytes) -> bool:
    """Return whether a file that starts with `head` (12 bytes or more) may be audio."""
    if head[:4] in (b"fLaC", b"OggS", b".snd", b"caff", b"riff", b"RF64", b"RIFX"):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    is_mpeg_frame = (
        len(head) >= 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2  # sync, layer III
        and head[1] & 0x18 != 0x08
        and head[2] & 0xF0 != 0xF0
        and head[2] & 0x0C != 0x0C
    )
    return head[:3] == b"ID3" or is_mpeg_frame


def decode(data: bytes, max_samples: int) -> tuple[np.ndarray, int]:
    """Decode an audio file.

    Args:
      data: The file's bytes.
      max_samples: The most samples (of all channels together) that may come out.

    Returns:
      ``(waveform, sample_rate)``: float32, ``(samples,)`` for one channel, else
      ``(channels, samples)``.

    Raises:
      Unusable: With the reason ``empty``, ``unreadable``, ``truncated``, ``too_long``,
        ``bad_sample_rate`` or ``non_finite``.
    """
    if not data:
        raise Unusable("empty", "the file has no bytes")
    data = close_stream(data)
    if missing := missing_part(data):
        raise Unusable("truncated", missing)
    if plain := _decode_plain_wav(data, max_samples):
        return plain
    try:
        with _OneWayFile(io.BytesIO(data)) as file:
            rate = file.samplerate
            waveform = _read_all(file, max_samples)
    except soundfile.LibsndfileError as error:
        raise Unusable("unreadable", f"libsndfile: {error.error_string}") from error
    check_waveform(waveform)
    if waveform.shape[1] == 1:
        return waveform.reshape(-1), rate
    return np.ascontiguousarray(waveform.T), rate


class _OneWayFile(soundfile.SoundFile):
    """A file that is never sought in without a length: soundfile does so after each read."""

    def seekable(self) -> bool:
        """Return whether soundfile may seek."""
        return bool(self.frames != _UNKNOWN_FRAMES and super().seekable())


def _read_all(file: soundfile.SoundFile, max_samples: int) -> np.ndarray:
    """Return ``(frames, channels)``: as many as the header claims, or all where it doesn't say."""
    if file.frames == _UNKNOWN_FRAMES:
        _check_claims(file.samplerate, 0, file.channels, max_samples)
        return _read_to_the_end(file, max_samples)
    claimed = file.frames
    _check_claims(file.samplerate, claimed, file.channels, max_samples)
    try:
        waveform = file.read(claimed, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        detail = f"{claimed} frames are claimed, not all can be read: {error.error_string}"
        raise Unusable("truncated", detail) from error
    if len(waveform) < claimed:
        raise Unusable("truncated", f"{claimed} frames are claimed, {len(waveform)} are there")
    return waveform


def _read_to_the_end(file: soundfile.SoundFile, max_samples: int) -> np.ndarray:
    """Read a file whose header doesn't say its length, a block at a time."""
    blocks = [np.empty((0, file.channels), np.float32)]
    n_samples = 0
    try:
        while len(block := file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
            n_samples += block.size
            if n_samples > max_samples:
                raise Unusable(
                    "too_long", f"data.max_recording_mb allows {max_samples} samples; it has more"
                )
            blocks.append(block)
    except soundfile.LibsndfileError as error:
        detail = f"the file ends in the middle of its audio: {error.error_string}"
        raise Unusable("truncated", detail) from error
    return np.concatenate(blocks)


def _decode_plain_wav(data: bytes, max_samples: int) -> tuple[np.ndarray, int] | None:
    """Decode PCM 16 WAV with the header that nearly all have, at a tenth of the usual cost.

    Returns None for every other file; what is read is what libsndfile reads.
    """
    if len(data) <= _PLAIN_WAV.size:
        return None
    (
        riff, _, wave, fmt, fmt_size, tag, channels, rate, _, align, bits, chunk, size
    ) = _PLAIN_WAV.unpack_from(data)  # fmt: skip
    if (riff, wave, fmt, chunk) != (b"RIFF", b"WAVE", b"fmt ", b"data"):
        return None
    if (fmt_size, tag, bits) != (16, 1, 16) or not channels or align != 2 * channels:
        return None
    n_frames = size // align
    _check_claims(rate, n_frames, channels, max_samples)
    pcm = np.frombuffer(data, "<i2", n_frames * channels, _PLAIN_WAV.size)
    waveform = from_pcm16(pcm)
    check_waveform(waveform)
    if channels > 1:
        waveform = np.ascontiguousarray(waveform.reshape(-1, channels).T)
    return waveform, rate


def check_waveform(waveform: np.ndarray) -> None:
    """Check that a float waveform has samples, all of them finite.

    Raises:
      Unusable: If it hasn't.
    """
    if not waveform.size:
        raise Unusable("empty", "there is no audio")
    flat = waveform.reshape(-1)
    # A finite sum of squares is quickly had and has no other cause than finite values.
    if not math.isfinite(float(np.dot(flat, flat))) and not np.isfinite(waveform).all():
        raise Unusable("non_finite", "the audio has values that are not finite")


def _check_claims(rate: int, frames: int, channels: int, max_samples: int) -> None:
    """Refuse what a header claims before anything of that size is made."""
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise Unusable("bad_sample_rate", f"the header claims {rate} Hz")
    if frames * channels > max_samples:
        raise Unusable(
            "too_long",
            f"the header claims {frames} frames of {channels} channels; data.max_recording_mb "
            f"allows {max_samples} samples",
        )
