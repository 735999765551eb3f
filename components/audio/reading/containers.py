"""Whether an audio file is all there: what its container claims against what it has.

Decoders read a file that was cut short without a word, as far as it goes. Sources: RIFF and RF64
(EBU Tech 3306), AIFF 1.3, AU (Sun), Wave64 (Sony), CAF (Apple), ISO 14496-12 (MP4), RFC 8794
(EBML: WebM, Matroska), ASF (Microsoft), the Xing header of MP3.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

_MAX_CHUNKS = 1000
_UNKNOWN_SIZE = 0xFFFFFFFF
_UNKNOWN_LONG_SIZE = 2**63 - 1
_LARGEST_SIZES = (2**31, 2**32 - 1, 2**63, 2**64 - 1)
_STREAM_SIZE_SLACK = 2**16
_TOP_BOXES = (b"ftyp", b"moov", b"mdat", b"wide")
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_XING_SEARCH_BYTES = 200
_XING_HAS_FRAMES, _XING_HAS_BYTES = 1, 2


def missing_part(data: bytes) -> str:
    """Return what a container claims beyond its bytes, as a sentence; empty if all is there."""
    magic = data[:4]
    if magic == b"RIFF" and data[8:12] == b"AVI ":
        (size,) = struct.unpack_from("<I", data, 4)
        return "" if _is_stream_size(size) else _claim(size, len(data) - 8)
    if magic in (b"RIFF", b"RF64", b"BW64"):
        return _missing_chunk(data, "<", b"data")
    if magic == b"RIFX":
        return _missing_chunk(data, ">", b"data")
    if magic == b"FORM":
        return _missing_chunk(data, ">", b"SSND")
    if magic in (b".snd", b"dns."):
        return _missing_au(data, ">" if magic == b".snd" else "<")
    if magic == b"\x1aE\xdf\xa3":
        return _missing_element(data)
    if parts := _PARTS.get(magic) or (_BOXES if data[4:8] in _TOP_BOXES else None):
        return _missing_in(data, parts)
    if magic[:1] == b"\xff":
        return _missing_frames(data)
    return ""


def close_stream(data: bytes) -> bytes:
    """Give a WAV that was streamed its size; return every other file as it is.

    Who writes to a pipe can't go back to the header: its `data` chunk claims no bytes, or nearly
    as many as 31, 32, 63 or 64 bits can say, and its audio goes to the end of the file. (None with
    chunks behind it is an empty WAV.)
    """
    order = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}.get(data[:4])
    chunk = _find_chunk(data, order, b"data") if order else None
    if not order or not chunk:
        return data
    there, claimed = len(data) - chunk.start, chunk.claimed
    if there <= 0 or not (claimed == 0 or (claimed > there and _is_stream_size(claimed))):
        return data
    if not claimed and _only_chunks(data, chunk.start, order):
        return data
    if chunk.long_size is not None and chunk.size == _UNKNOWN_SIZE:
        field, size = chunk.long_size_at, struct.pack("<Q", there)
    elif there < _UNKNOWN_SIZE:
        field, size = chunk.start - 4, struct.pack(f"{order}I", there)
    else:
        return data
    return b"".join((data[:field], size, memoryview(data)[field + len(size) :]))


def _is_stream_size(claimed: int) -> bool:
    """Return whether a size is what is left of a largest one, headers and rounding taken off."""
    return any(-_STREAM_SIZE_SLACK <= claimed - limit <= 0 for limit in _LARGEST_SIZES)


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
    long_size_at: int

    @property
    def claimed(self) -> int:
        """The size that counts."""
        if self.long_size is not None and self.size == _UNKNOWN_SIZE:
            return self.long_size
        return self.size


def _missing_chunk(data: bytes, order: str, audio_chunk: bytes) -> str:
    """Check the chunk with the audio of a RIFF or AIFF file."""
    chunk = _find_chunk(data, order, audio_chunk)
    if chunk is None:
        return ""
    return _claim(chunk.claimed, len(data) - chunk.start)


def _find_chunk(data: bytes, order: str, audio_chunk: bytes) -> _Chunk | None:
    """Walk the chunks of a RIFF or AIFF file to the one with the audio."""
    position, long_size, long_size_at = 12, None, 0
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return None
        name = data[position : position + 4]
        (size,) = struct.unpack_from(f"{order}I", data, position + 4)
        position += 8
        if name == b"ds64" and position + 16 <= len(data):
            long_size_at = position + 8
            (long_size,) = struct.unpack_from("<Q", data, long_size_at)
        if name == audio_chunk:
            return _Chunk(position, size, long_size, long_size_at)
        position += size + size % 2
    return None


def _missing_au(data: bytes, order: str) -> str:
    """Check the size in the header of an AU file, if it says one."""
    if len(data) < 12:
        return ""
    start, size = struct.unpack_from(f"{order}2I", data, 4)
    return "" if size == _UNKNOWN_SIZE else _claim(size, len(data) - start)


class _Parts(NamedTuple):
    """How a file is divided into parts, each with its size in front.

    Attributes:
      first: Where the first part starts.
      header: Bytes of a part's header.
      size: Returns a part's bytes, its header included; fewer than that where it does not say.
      audio: The name of the part with the audio; empty where all parts must be there.
      align: What sizes are rounded up to.
    """

    first: int
    header: int
    size: Callable[[bytes, int], int]
    audio: bytes = b""
    align: int = 1


def _missing_in(data: bytes, parts: _Parts) -> str:
    """Walk the parts of a file; the last may go to its end."""
    position = parts.first
    for _ in range(_MAX_CHUNKS):
        if position + parts.header > len(data):
            break
        size = parts.size(data, position)
        if data[position : position + 4] == parts.audio or not parts.audio:
            if size < parts.header:
                break
            problem = _claim(size, len(data) - position)
            if problem or parts.audio:
                return problem
        position += max(parts.header, size + -size % parts.align)
    return ""


def _long_size(data: bytes, position: int) -> int:
    (size,) = struct.unpack_from("<Q", data, position + 16)
    return size if size < _UNKNOWN_LONG_SIZE else 0


def _caf_size(data: bytes, position: int) -> int:
    return 12 + struct.unpack_from(">q", data, position + 4)[0]


def _box_size(data: bytes, position: int) -> int:
    (size,) = struct.unpack_from(">I", data, position)
    if size == 1 and position + 16 <= len(data):
        (size,) = struct.unpack_from(">Q", data, position + 8)
    return size


_BOXES = _Parts(0, 8, _box_size)
_PARTS = {
    b"riff": _Parts(40, 24, _long_size, b"data", 8),
    b"caff": _Parts(8, 12, _caf_size, b"data"),
    b"0&\xb2u": _Parts(0, 24, _long_size),  # ASF
}


def _missing_element(data: bytes) -> str:
    """Walk the EBML elements of a WebM or Matroska file, into those that don't say their size."""
    position = 0
    while position < len(data):
        name, start = _ebml_number(data, position, keep_marker=True)
        size, start = _ebml_number(data, start, keep_marker=False)
        if start > len(data):
            return "the last element's header is cut short"
        if name in (_SEGMENT, _CLUSTER) and size is None:
            position = start
            continue
        if name is None or size is None:
            return ""  # for the decoder to judge
        if problem := _claim(size, len(data) - start):
            return problem
        position = start + size
    return ""


def _ebml_number(data: bytes, position: int, keep_marker: bool) -> tuple[int | None, int]:
    """Return a number of EBML's variable length, None if all its bits are set, and its end."""
    first = data[position] if position < len(data) else 0
    length = 9 - first.bit_length()
    end = position + min(length, 8)
    bits = 7 * length
    value = int.from_bytes(data[position:end], "big")
    plain = value & (1 << bits) - 1
    if length > 8 or plain == (1 << bits) - 1:
        return None, end
    return (value if keep_marker else plain), end


def _missing_frames(data: bytes) -> str:
    """Check an MP3 file's length against its Xing header, if it has one."""
    head = data[:_XING_SEARCH_BYTES]
    found = max(head.find(b"Xing"), head.find(b"Info"))
    if found < 0 or len(head) < found + 16:
        return ""
    (flags,) = struct.unpack_from(">I", head, found + 4)
    if not flags & _XING_HAS_BYTES:
        return ""
    offset = found + 8 + (4 if flags & _XING_HAS_FRAMES else 0)
    return _claim(struct.unpack_from(">I", head, offset)[0], len(data))


def _claim(claimed: int, there: int) -> str:
    return "" if claimed <= there else f"{claimed} bytes of audio are claimed, {there} are there"
