"""What kind of file some bytes begin, and which decoder reads it. By content, never by name.

libsndfile reads what it reads right and fast; FFmpeg reads the rest, by the demuxer named here and
no other, so that no playlist, no list of files and no reference to another place is ever followed.
"""

from typing import NamedTuple

HEAD_BYTES = 512
_TS_PACKET = 188
_MAX_PADDING = 2**16
_IMAGE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
    | {b"crx ", b"miaf"}
)

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"}
    | {".snd", ".caf", ".w64", ".rf64", ".bw64", ".m4a", ".m4b", ".wma", ".aac", ".ac3", ".eac3"}
    | {".amr", ".awb", ".mp2", ".mpga", ".mka", ".weba", ".webm", ".mp4", ".m4v", ".mov", ".mkv"}
    | {".3gp", ".3g2", ".avi", ".wmv", ".asf", ".flv", ".mpg", ".mpeg", ".mts", ".m2ts", ".ogv"}
    | {".spx", ".wv", ".ape", ".tta", ".mpc", ".dts", ".dsf", ".thd", ".tak", ".voc", ".sph"}
)


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
      demuxer: FFmpeg's name of what reads it.
      libsndfile: Whether libsndfile is asked first.
    """

    demuxer: str
    libsndfile: bool = False


_WAV, _MP3, _AAC = Kind("wav", True), Kind("mp3"), Kind("aac")
_MAGIC: dict[bytes, Kind] = {
    b"fLaC": Kind("flac", True),
    b"OggS": Kind("ogg", True),
    b".snd": Kind("au", True),
    b"dns.": Kind("au", True),
    b"caff": Kind("caf", True),
    b"riff": Kind("w64", True),
    b"RF64": _WAV,
    b"BW64": _WAV,
    b"RIFX": _WAV,
    b"NIST_1A": Kind("nistsphere", True),
    b"Creative Voice File\x1a": Kind("voc", True),
    b"\x1aE\xdf\xa3": Kind("matroska"),
    b"0&\xb2u\x8ef\xcf\x11": Kind("asf"),
    b"FLV\x01": Kind("flv"),
    b"#!AMR": Kind("amr"),
    b"wvpk": Kind("wv"),
    b"TTA1\1\0": Kind("tta"),
    b"MPCK": Kind("mpc8"),
    b"MP+\7": Kind("mpc"),
    b"DSD \x1c": Kind("dsf"),
    b"tBaK": Kind("tak"),
    b"\x7f\xfe\x80\x01": Kind("dts"),
    b"\x00\x00\x01\xba": Kind("mpeg"),
}


def kind_of(head: bytes) -> Kind | None:
    """Return what a file is that starts with `head`; None for what no decoder is known for.

    Args:
      head: Its first `HEAD_BYTES`, or all of a shorter one.
    """
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    form = head[8:12]
    if head[:4] == b"RIFF":
        return {b"WAVE": _WAV, b"AVI ": Kind("avi")}.get(form)
    if head[:4] == b"FORM":
        return Kind("aiff", True) if form in (b"AIFF", b"AIFC") else None
    if head[4:8] == b"ftyp":
        return None if form in _IMAGE_BRANDS else Kind("mov")
    if head[:1] == b"\0" and head[4:8] in (b"moov", b"mdat", b"wide"):
        return Kind("mov")
    if head[:4] == b"MAC " and head[5:6] < b" ":  # a version behind it, and no word
        return Kind("ape")
    if head[:3] == b"ID3":
        return _MP3  # until what stands behind the tag is looked at
    if head[:1] == head[_TS_PACKET : _TS_PACKET + 1] == head[2 * _TS_PACKET :][:1] == b"\x47":
        return Kind("mpegts")
    return _kind_of_frame(head)


def _kind_of_frame(head: bytes) -> Kind | None:
    """Return the kind of a bare stream of frames: MPEG audio, AAC or AC-3."""
    if len(head) < 7:
        return None
    if head[:2] == b"\x0b\x77":
        rate_code, bit_stream = head[4] >> 6, head[5] >> 3
        if bit_stream > 16 or (bit_stream <= 10 and rate_code == 3):
            return None
        return Kind("ac3" if bit_stream <= 10 else "eac3")
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    if layer == 0:
        rate_code, length = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return _AAC if head[1] & 0xF0 == 0xF0 and rate_code < 13 and length > 7 else None
    bit_rate, rate_code = head[2] >> 4, head[2] >> 2 & 3
    is_frame = layer != 3 and version != 1 and bit_rate != 15 and rate_code != 3
    return _MP3 if is_frame else None


def looks_like_audio(head: bytes) -> bool:
    """Return whether a file that starts with `head` (`HEAD_BYTES`) may be audio."""
    return kind_of(head) is not None


def after_tags(data: bytes) -> bytes:
    """Return a file without the ID3 tags that stand before its audio."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        start += id3_size(data, start)
    if not start:
        return data
    rest = data[start:]
    padding = len(head := rest[:_MAX_PADDING]) - len(head.lstrip(b"\0"))
    return rest[padding:] if kind_of(rest[padding : padding + HEAD_BYTES]) else rest


def id3_size(data: bytes, start: int) -> int:
    """Return the bytes that an ID3v2 tag at `start` takes, its header included."""
    a, b, c, d = (byte & 0x7F for byte in data[start + 6 : start + 10])
    footer = 10 if data[start + 5] & 0x10 else 0
    return 10 + (a << 21 | b << 14 | c << 7 | d) + footer
