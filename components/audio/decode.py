"""Bytes of any audio file that libsndfile reads, found by content, to a waveform."""

from __future__ import annotations

import io
import math
import struct

import numpy as np
import soundfile

from tfx_audio.components.audio.clip import from_pcm16
from tfx_audio.components.audio.containers import missing_part

MIN_SAMPLE_RATE = 100
MAX_SAMPLE_RATE = 1_000_000
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"}
    | {".snd", ".caf", ".w64", ".rf64", ".m4a", ".wma", ".aac"}
)


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
    if missing := missing_part(data):
        raise Unusable("truncated", missing)
    if plain := _decode_plain_wav(data, max_samples):
        return plain
    claimed = None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check_claims(file.samplerate, file.frames, file.channels, max_samples)
            claimed, rate = file.frames, file.samplerate
            waveform = file.read(claimed, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        if claimed is None:
            raise Unusable("unreadable", f"libsndfile: {error.error_string}") from error
        detail = f"{claimed} frames are claimed, not all can be read: {error.error_string}"
        raise Unusable("truncated", detail) from error
    if len(waveform) < claimed:
        raise Unusable("truncated", f"{claimed} frames are claimed, {len(waveform)} are there")
    check_waveform(waveform)
    if waveform.shape[1] == 1:
        return waveform.reshape(-1), rate
    return np.ascontiguousarray(waveform.T), rate


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
