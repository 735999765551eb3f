"""Files that FFmpeg's libraries read, through PyAV: AAC, MP3, WebM, MP4, AMR, AC-3, WMA and more.

FFmpeg is given bytes in memory and the name of one demuxer: it opens no other file, no playlist
and no network address, whatever the bytes say.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import numpy as np

from tfx_audio.components.audio.reading.blocks import BLOCK_SAMPLES, Blocks
from tfx_audio.components.audio.reading.joined import xing_frame
from tfx_audio.components.audio.reading.unusable import Unusable

_OPTIONS = {"protocol_whitelist": "", "enable_drefs": "0", "use_absolute_path": "0"}
# Tags in another coding are no error: newer releases of PyAV have no such setting.
_TAGS: dict[str, Any] = (
    {"metadata_errors": "replace"}
    if hasattr(av.container.InputContainer, "metadata_errors")
    else {}
)
_LENGTH_IS_GUESSED = frozenset(
    {"mp3", "aac", "ac3", "eac3", "dts", "amr", "mpeg", "mpegts", "truehd", "flv", "ogg"}
)
_MAX_BAD_PACKETS = 3
_MP3_DECODER_DELAY = 529  # samples that any decoder of layer III puts first
_XING_PLACES = (36, 21, 13)
_TOLERANCE_S, _TOLERANCE = 0.2, 0.02
_SCALES = {"u1": 128.0, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}

av.logging.set_level(None)  # no chatter on the terminal


def open_media(data: bytes, demuxer: str) -> Blocks:
    """Open the sound track of a file.

    Raises:
      Unusable: ``unreadable``, or ``no_audio`` for a file without a sound track.
    """
    try:
        container = _open(io.BytesIO(data), demuxer)
    except (av.FFmpegError, ValueError) as error:
        raise Unusable("unreadable", f"FFmpeg ({demuxer}): {_words(error)}") from error
    track = container.streams.best("audio")
    if not isinstance(track, av.AudioStream):
        container.close()
        raise Unusable("no_audio", "the file has no sound track")
    coder = track.codec_context
    if coder is None:
        container.close()
        raise Unusable("unreadable", "FFmpeg has no decoder for the sound track")
    coder.thread_count = 1
    skip = _MP3_DECODER_DELAY if coder.name.startswith("mp3") and not _says_delay(data) else 0
    decoding = _Decoding(container, track, demuxer, skip)
    try:
        first = next(decoding.frames, None)
    except Unusable:
        container.close()
        raise
    if first is None:
        container.close()
        raise Unusable("empty", "the sound track has no audio")
    return Blocks(decoding.sample_rate, decoding.channels, decoding.blocks(first))


def media_rate(file: BinaryIO, demuxer: str) -> int | None:
    """Return the sample rate of a file's sound track, in Hz; None where FFmpeg finds none."""
    try:
        with _open(file, demuxer) as container:
            track = container.streams.best("audio")
            return track.rate if isinstance(track, av.AudioStream) else None
    except (av.FFmpegError, ValueError):
        return None


def _open(file: BinaryIO, demuxer: str) -> av.container.InputContainer:
    return av.open(file, "r", format=demuxer, options=_OPTIONS, **_TAGS)


class _Decoding:
    """The decoding of one sound track."""

    def __init__(
        self, container: av.container.InputContainer, track: av.AudioStream, demuxer: str, skip: int
    ) -> None:
        self._container = container
        self._track = track
        self._demuxer = demuxer
        self._skip = skip
        self.sample_rate = self.channels = 0
        self._there = 0
        self.frames = self._frames()

    def blocks(self, first: np.ndarray) -> Iterator[np.ndarray]:
        """Yield blocks of many frames; the track's end is held against what the header claims."""
        gathered, n_samples = [first[self._skip :]], first.size
        late = max(0, self._skip - len(first))
        with self._container:
            for samples in self.frames:
                if late:
                    late, samples = max(0, late - len(samples)), samples[late:]
                if n_samples >= BLOCK_SAMPLES:
                    yield np.concatenate(gathered)
                    gathered, n_samples = [], 0
                gathered.append(samples)
                n_samples += samples.size
            claimed = self._claimed_samples()
        if self._there < claimed * (1 - _TOLERANCE) - _TOLERANCE_S * self.sample_rate:
            raise Unusable(
                "truncated",
                f"{claimed / self.sample_rate:.2f} s are claimed, "
                f"{self._there / self.sample_rate:.2f} s are there",
            )
        block = np.concatenate(gathered)
        # A last frame is as long as all of them; the header of an MP4 says where it ends.
        extra = self._there - claimed if self._demuxer == "mov" and claimed else 0
        yield block[: len(block) - extra] if 0 < extra < len(gathered[-1]) else block

    def _frames(self) -> Iterator[np.ndarray]:
        """Yield decoded frames, float32 ``(frames, channels)``."""
        bad: list[str] = []
        for packet in self._packets():
            try:
                decoded = self._track.decode(packet)
            except (av.FFmpegError, ValueError) as error:
                bad.append(_words(error))
                if len(bad) > _MAX_BAD_PACKETS:
                    raise self._damaged(bad[0]) from error
                continue
            if decoded and bad:
                if self._there:  # something in the middle is lost
                    raise self._damaged(bad[0])
                bad.clear()
            for frame in decoded:
                self._check_alike(frame)
                self._there += frame.samples
                yield _samples(frame)
        if bad and (not self._there or self._demuxer != "mp3"):  # tags may end an MP3
            raise self._damaged(bad[0])

    def _packets(self) -> Iterator[av.Packet]:
        packets = self._container.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError) as error:
                raise self._damaged(_words(error)) from error
            if packet is None:
                return
            if packet.is_corrupt and self._demuxer != "mp3":
                raise self._damaged("a packet is cut short")
            yield packet

    def _check_alike(self, frame: av.AudioFrame) -> None:
        """Check that a frame's rate and channels are the first one's."""
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if not self.sample_rate:
            self.sample_rate, self.channels = rate, channels
        if (rate, channels) != (self.sample_rate, self.channels):
            raise mixed_formats((self.sample_rate, self.channels), (rate, channels))

    def _damaged(self, why: str) -> Unusable:
        if not self.sample_rate:  # FFmpeg's versions differ in whether such a file can be opened
            return Unusable("unreadable", f"no audio can be decoded: {why}")
        where = self._there / self.sample_rate
        return Unusable("damaged", f"the audio can't be decoded after {where:.2f} s: {why}")

    def _claimed_samples(self) -> int:
        """Return how many samples a channel the header claims, 0 if it doesn't say."""
        if self._demuxer in _LENGTH_IS_GUESSED:
            return 0
        seconds = 0.0
        if self._track.duration and self._track.time_base:
            seconds = float(self._track.duration * self._track.time_base)
        elif self._container.duration and len(self._container.streams) == 1:
            seconds = self._container.duration / av.time_base
        return round(seconds * self.sample_rate)


def mixed_formats(first: tuple[int, int], other: tuple[int, int]) -> Unusable:
    """Return why a file can't be used that goes on at another rate or with other channels."""
    return Unusable(
        "mixed_formats",
        f"it begins at {first[0]} Hz with {first[1]} channels and goes on at {other[0]} Hz with "
        f"{other[1]}",
    )


def _says_delay(data: bytes) -> bool:
    """Return whether an MP3 file's first frame says how much of its audio is delay."""
    return any(
        data[place : place + 4] in (b"Xing", b"Info") and xing_frame(data, place) == 0
        for place in _XING_PLACES
    )


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """Return a frame's samples, float32 ``(frames, channels)``."""
    if frame.format.name == "fltp":  # MP3, AAC, Opus; PyAV's own array costs three times as much
        buffers: tuple[Any, ...] = frame.planes  # PyAV's types don't say that they are
        planes = [np.frombuffer(buffer, np.float32, frame.samples) for buffer in buffers]
        return planes[0].reshape(-1, 1) if len(planes) == 1 else np.stack(planes, axis=1)
    array = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
    scale = _SCALES.get(array.dtype.str[1:])
    if scale is None:
        return array.astype(np.float32, copy=False)
    samples = array.astype(np.float32)
    if scale == _SCALES["u1"]:
        samples -= np.float32(scale)
    samples *= np.float32(1.0 / scale)
    return samples


def _words(error: Exception) -> str:
    """Return an error of PyAV in words, without its number and place."""
    return str(getattr(error, "strerror", None) or error)
