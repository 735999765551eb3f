"""Streams that stand one behind the other in a file: chained Ogg, joined FLAC and MP3 files.

Decoders play the first and stop. Each is cut out here, to be decoded by itself and to be checked by
what it says of itself. Sources: RFC 3533 (Ogg), RFC 9639 (FLAC), the Xing header of MP3.
"""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from tfx_audio.components.audio.reading.formats import id3_size
from tfx_audio.components.audio.reading.unusable import Unusable

_FLAC_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_XING = re.compile(rb"Xing|Info")
_FRAME_HEADER_BYTES = 4
_FIRST_PAGE, _LAST_PAGE = 2, 4
_PAGE_HEADER_BYTES = 27
_MAX_TAG_BYTES = 2**20


def split_joined(data: bytes, demuxer: str) -> list[bytes]:
    """Return the streams of a file, one for nearly all; `data` starts behind its leading tags.

    Raises:
      Unusable: If one of several Ogg streams has no end.
    """
    if demuxer == "ogg":
        starts = _ogg_starts(data)
    elif demuxer == "flac":
        starts = [found.start() for found in _FLAC_START.finditer(data)][1:]
    elif demuxer == "mp3":
        starts = [start for start in _mp3_starts(data) if start]
    else:
        starts = []
    if not starts:
        return [data]
    bounds = [0, *starts, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


class _Page(NamedTuple):
    """An Ogg page: where it starts and ends, whose it is, whether its stream starts or ends."""

    start: int
    end: int
    stream: bytes
    is_first: bool
    is_last: bool


def _pages(data: bytes) -> Iterator[_Page]:
    """Yield the pages of an Ogg file; what lies between them is passed over, as players do."""
    position = data.find(b"OggS")
    while position >= 0:
        header = data[position : position + _PAGE_HEADER_BYTES]
        if len(header) < _PAGE_HEADER_BYTES:
            raise Unusable("truncated", "the last page's header is cut short")
        body = position + _PAGE_HEADER_BYTES + header[26]
        end = body + sum(data[position + _PAGE_HEADER_BYTES : body])
        if end > len(data):
            raise Unusable("truncated", f"a page ends {end - len(data)} bytes behind the file")
        flags = header[5]
        yield _Page(
            position, end, header[14:18], bool(flags & _FIRST_PAGE), bool(flags & _LAST_PAGE)
        )
        position = data.find(b"OggS", end)


def _ogg_starts(data: bytes) -> list[int]:
    """Return where the second and later links of a chain start; check that each stream ends."""
    starts: list[int] = []
    running: set[bytes] = set()
    were_first = True
    for page in _pages(data):
        if page.is_first and not were_first:
            _check_ended(running)
            starts.append(page.start)
        were_first = page.is_first
        if page.is_first:
            running.add(page.stream)
        if page.is_last:
            running.discard(page.stream)
    _check_ended(running)
    return starts


def _check_ended(running: set[bytes]) -> None:
    if running:
        raise Unusable("truncated", "the last page does not end the stream: its end is missing")


def _mp3_starts(data: bytes) -> Iterator[int]:
    """Yield where MP3 files start that say their length: at the Xing frame, or the tag before."""
    for found in _XING.finditer(data):
        start = xing_frame(data, found.start())
        if start is None:
            continue
        tag = data.rfind(b"ID3", max(0, start - _MAX_TAG_BYTES), start)
        yield tag if tag >= 0 and tag + id3_size(data, tag) == start else start


def xing_frame(data: bytes, name: int) -> int | None:
    """Return where the frame starts whose Xing header has its name at `name`; None for no frame.

    Nothing but zeros stands between a frame's own header and the Xing header: 9, 17 or 32 bytes.
    """
    for zeros in (32, 17, 9):
        start = name - zeros - _FRAME_HEADER_BYTES
        if start < 0 or data[start] != 0xFF or any(data[start + _FRAME_HEADER_BYTES : name]):
            continue
        version, layer = data[start + 1] >> 3 & 3, data[start + 1] >> 1 & 3
        mono = data[start + 3] >> 6 == 3
        expected = (17 if mono else 32) if version == 3 else (9 if mono else 17)
        if data[start + 1] & 0xE0 == 0xE0 and layer == 1 and zeros == expected:
            return start
    return None
