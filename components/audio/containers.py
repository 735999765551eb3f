"""Whether an audio file is all there: what its container claims against what it has.

libsndfile reads a file that was cut short without a word, as far as it goes. Sources: RIFF and
RF64 (EBU Tech 3306), AIFF 1.3, Ogg (RFC 3533), the Xing header of MP3.
"""

from __future__ import annotations

import struct

_MAX_CHUNKS = 1000
_UNKNOWN_SIZE = 0xFFFFFFFF
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
    if magic == b"OggS":
        return _missing_page(data)
    if magic[:3] == b"ID3" or magic[:1] == b"\xff":
        return _missing_frames(data)
    return ""


def _missing_chunk(data: bytes, order: str, audio_chunk: bytes) -> str:
    """Walk the chunks of a RIFF or AIFF file to the one with the audio."""
    position, long_size = 12, None
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return ""
        name = data[position : position + 4]
        (size,) = struct.unpack_from(f"{order}I", data, position + 4)
        position += 8
        if name == b"ds64" and position + 16 <= len(data):
            (long_size,) = struct.unpack_from("<Q", data, position + 8)
        if name == audio_chunk:
            claimed = long_size if long_size is not None and size == _UNKNOWN_SIZE else size
            return _claim(claimed, len(data) - position)
        position += size + size % 2
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
