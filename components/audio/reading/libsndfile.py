"""Files that libsndfile reads, and plain WAV without its help."""

import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from tfx_audio.components.audio.clip import WAV_HEADER, from_pcm16
from tfx_audio.components.audio.reading.blocks import BLOCK_SAMPLES, Blocks
from tfx_audio.components.audio.reading.unusable import Unusable

_UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for a FLAC header that says no length
_FLAC_MD5 = slice(26, 42)
_BOUNDED = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW", "ALAC_16"})


def open_plain_wav(data: bytes) -> Blocks | None:
    """Open PCM 16 WAV with the header that nearly all have, at a tenth of the usual cost.

    Returns None for every other file; what is read is what libsndfile reads.
    """
    if len(data) <= WAV_HEADER.size:
        return None
    (
        riff, _, wave, fmt, fmt_size, tag, channels, rate, _, align, bits, chunk, size
    ) = WAV_HEADER.unpack_from(data)  # fmt: skip
    if (riff, wave, fmt, chunk) != (b"RIFF", b"WAVE", b"fmt ", b"data"):
        return None
    if (fmt_size, tag, bits) != (16, 1, 16) or not channels or align != 2 * channels:
        return None
    n_frames = size // align
    pcm = np.frombuffer(data, "<i2", n_frames * channels, WAV_HEADER.size).reshape(-1, channels)
    step = max(1, BLOCK_SAMPLES // channels)
    blocks = (from_pcm16(pcm[start : start + step]) for start in range(0, n_frames, step))
    return Blocks(rate, channels, blocks, n_frames, is_bounded=True)


def open_sound_file(data: bytes) -> Blocks:
    """Open what libsndfile knows.

    Raises:
      Unusable: If it does not, with the reason ``unreadable``.
    """
    try:
        file = _OneWayFile(_ForgivingFile(io.BytesIO(data)))
    except soundfile.LibsndfileError as error:
        raise Unusable("unreadable", f"libsndfile: {error.error_string}") from error
    claimed = 0 if file.frames == _UNKNOWN_FRAMES else file.frames
    is_bounded = file.subtype in _BOUNDED
    if file.format == "FLAC" and file.subtype in ("PCM_16", "PCM_24"):
        blocks = _checked_flac(file, data[_FLAC_MD5])
    else:
        blocks = (block for block in _read(file, "float32"))
    return Blocks(file.samplerate, file.channels, blocks, claimed, is_bounded)


def sound_file_rate(file: BinaryIO) -> int | None:
    """Return the sample rate in a header, in Hz; None where libsndfile finds none."""
    try:
        with soundfile.SoundFile(_ForgivingFile(file)) as opened:
            return int(opened.samplerate)
    except soundfile.LibsndfileError:
        return None


class _ForgivingFile:
    """A file in which damaged headers may seek before its start, which is its start then.

    An error in soundfile's callbacks would print a traceback and raise nothing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self.readinto = file.readinto  # type: ignore[attr-defined]
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place within the file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        return self._file.seek(min(max(0, base + offset), self._size))


class _OneWayFile(soundfile.SoundFile):
    """A file that is never sought in without a length: soundfile does so after each read."""

    def seekable(self) -> bool:
        """Return whether soundfile may seek."""
        return bool(self.frames != _UNKNOWN_FRAMES and super().seekable())


def _read(file: soundfile.SoundFile, dtype: str) -> Iterator[np.ndarray]:
    """Yield ``(frames, channels)``: as many as the header claims, or all where it doesn't say."""
    unknown = file.frames == _UNKNOWN_FRAMES
    claimed, there = file.frames, 0
    step = max(1, BLOCK_SAMPLES // file.channels)
    with file:
        while unknown or there < claimed:
            wanted = step if unknown else min(step, claimed - there)
            try:
                block = file.read(wanted, dtype=dtype, always_2d=True)
            except soundfile.LibsndfileError as error:
                detail = f"not all of the audio can be read: {error.error_string}"
                raise Unusable("truncated", detail) from error
            if not len(block):
                break
            there += len(block)
            yield block
    if not unknown and there < claimed:
        raise Unusable("truncated", f"{claimed} frames are claimed, {there} are there")


def _checked_flac(file: soundfile.SoundFile, expected: bytes) -> Iterator[np.ndarray]:
    """Yield the samples of a FLAC file, and hold them against the MD5 in its header, if any."""
    digest = hashlib.md5(usedforsecurity=False)
    bits = int(file.subtype.removeprefix("PCM_"))
    for steps in _read(file, "int16" if bits == 16 else "int32"):
        if bits == 16:
            digest.update(steps.data)
            yield from_pcm16(steps)
        else:  # 24 bits lie in the upper three bytes of 32
            three = steps.view(np.uint8).reshape(-1, 4)[:, 1:]
            digest.update(np.ascontiguousarray(three).data)
            yield np.multiply(steps, np.float32(2.0**-31), dtype=np.float32)
    if any(expected) and digest.digest() != expected:
        raise Unusable("damaged", "the audio is not what the MD5 in the FLAC header says")
