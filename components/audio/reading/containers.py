"""Whether an audio file is all there: what its container claims against what it has.

libsndfile reads a file that was cut short without a word, as far as it goes. Sources: RIFF and
RF64 (EBU Tech 3306), AIFF 1.3, AU (Sun), Wave64 (Sony), Ogg (RFC 3533), the Xing header of MP3.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_MAX_CHUNKS = 1000
_UNKNOWN_SIZE = 0xFFFFFFFF
_UNKNOWN_LONG_SIZE = 2**63 - 1
_W64_FIRST_CHUNK, _W64_CHUNK_HEADER = 40, 24
_XING_SEARCH_BYTES = 200
_XING_HAS_FRAMES, _XING_HAS_BYTES = 1, 2


def missing_part(data: bytes) -> str:
    """Return what a container claims beyond its bytes, as a sentence; empty if all is there."""
    magic = data[:4]
    if magic in (b"RIFF", b"RF64"):
        return _missing_chunk(data, "<", b"data")
    if magic == b"RIFX":
        return _missing_chunk(data, ">", b"data")
    if magic == b"FORM":
        return _missing_chunk(data, ">", b"SSND")
    if magic in (b".snd", b"dns."):
        return _missing_au(data, ">" if magic == b".snd" else "<")
    if magic == b"riff":
        return _missing_w64(data)
    if magic == b"OggS":
        return _missing_page(data)
    if magic[:3] == b"ID3" or magic[:1] == b"\xff":
        return _missing_frames(data)
    return ""


def close_stream(data: bytes) -> bytes:
    """Give a WAV that was streamed its size; return every other file as it is.

    Who writes to a pipe can't go back to the header: its `data` chunk claims 0xFFFFFFFF bytes, or
    none, and its audio goes to the end of the file. (None with chunks behind it is an empty WAV.)
    """
    order = {b"RIFF": "<", b"RIFX": ">"}.get(data[:4])
    chunk = _find_chunk(data, order, b"data") if order else None
    if not order or not chunk or chunk.size not in (0, _UNKNOWN_SIZE):
        return data
    there = len(data) - chunk.start
    if chunk.long_size is not None or not 0 < there < _UNKNOWN_SIZE:
        return data
    if not chunk.size and _only_chunks(data, chunk.start, order):
        return data
    size = struct.pack(f"{order}I", there)
    return b"".join((data[: chunk.start - 4], size, memoryview(data)[chunk.start :]))


def _only_chunks(data: bytes, position: int, order: str) -> bool:
    """Return whether the rest of a RIFF file is whole chunks and no audio."""
    while position + 8 <= len(data):
        name = data[position : position + 4]
        if not all(0x20 <= byte < 0x7F for byte in name):
            return False
        (size,) = struct.unpack_from(f"{order}I", data, position + 4)
        position += 8 + size
        if position == len(data):
            return True
        position += size % 2
    return position == len(data)


class _Chunk(NamedTuple):
    """Where a chunk's content starts, the size it claims, and the one that a `ds64` claims."""

    start: int
    size: int
    long_size: int | None


def _missing_chunk(data: bytes, order: str, audio_chunk: bytes) -> str:
    """Check the chunk with the audio of a RIFF or AIFF file."""
    chunk = _find_chunk(data, order, audio_chunk)
    if chunk is None:
        return ""
    claimed = chunk.size
    if chunk.long_size is not None and claimed == _UNKNOWN_SIZE:
        claimed = chunk.long_size
    return _claim(claimed, len(data) - chunk.start)


def _find_chunk(data: bytes, order: str, audio_chunk: bytes) -> _Chunk | None:
    """Walk the chunks of a RIFF or AIFF file to the one with the audio."""
    position, long_size = 12, None
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return None
        name = data[position : position + 4]
        (size,) = struct.unpack_from(f"{order}I", data, position + 4)
        position += 8
        if name == b"ds64" and position + 16 <= len(data):
            (long_size,) = struct.unpack_from("<Q", data, position + 8)
        if name == audio_chunk:
            return _Chunk(position, size, long_size)
        position += size + size % 2
    return None


def _missing_au(data: bytes, order: str) -> str:
    """Check the size in the header of an AU file, if it says one."""
    if len(data) < 12:
        return ""
    start, size = struct.unpack_from(f"{order}2I", data, 4)
    return "" if size == _UNKNOWN_SIZE else _claim(size, len(data) - start)


def _missing_w64(data: bytes) -> str:
    """Walk the chunks of a Wave64 file, whose sizes count their headers, to its audio."""
    position = _W64_FIRST_CHUNK
    for _ in range(_MAX_CHUNKS):
        if position + _W64_CHUNK_HEADER > len(data):
            return ""
        (size,) = struct.unpack_from("<Q", data, position + 16)
        if data[position : position + 4] == b"data":
            unknown = size >= _UNKNOWN_LONG_SIZE
            return "" if unknown else _claim(size, len(data) - position)
        position += max(_W64_CHUNK_HEADER, size + -size % 8)
    return ""


def _missing_page(data: bytes) -> str:
    """Check that the last Ogg page has all of its bytes."""
    start = data.rfind(b"OggS")
    header = data[start : start + 27]
    if len(header) < 27 or len(data) < start + 27 + header[26]:
        return "the last page's header is cut short"
    claimed = sum(data[start + 27 : start + 27 + header[26]])
    return _claim(claimed, len(data) - start - 27 - header[26])


def _missing_frames(data: bytes) -> str:
    """Check an MP3 file's length against its Xing header, if it has one."""
    start = 0
    if data[:3] == b"ID3" and len(data) >= 10:
        a, b, c, d = (byte & 0x7F for byte in data[6:10])
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
    head = data[start : start + _XING_SEARCH_BYTES]
    found = max(head.find(b"Xing"), head.find(b"Info"))
    if found < 0 or len(head) < found + 16:
        return ""
    (flags,) = struct.unpack_from(">I", head, found + 4)
    if not flags & _XING_HAS_BYTES:
        return ""
    offset = found + 8 + (4 if flags & _XING_HAS_FRAMES else 0)
    return _claim(struct.unpack_from(">I", head, offset)[0], len(data) - start)


def _claim(claimed: int, there: int) -> str:
    return "" if claimed <= there else f"{claimed} bytes of audio are claimed, {there} are there"
