"""Audio for a page: short excerpts, encoded so that a browser plays them without the network."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import soundfile

from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.reading.resample import resample

MAX_LOSSLESS_BYTES = 2_000_000
MAX_EXCERPT_S = 10.0
MIN_EXCERPT_S = 2.0
BUDGET_S = 600.0
MAX_RATE = 96_000  # Hz; far beyond hearing, and what WAV, Vorbis and browsers all take
_OGG_BLOCK_SAMPLES = 65_536
_MIME = {"WAV": "audio/wav", "OGG": "audio/ogg"}


@dataclass(frozen=True)
class SoundSettings:
    """How all sounds of one page are embedded.

    Attributes:
      codec: ``WAV`` (lossless) or ``OGG`` (Vorbis, a tenth of the size). Not FLAC: Chromium can't
        seek in a small one, and plays nothing of it after it tried.
      excerpt_s: The longest stretch that is embedded; longer clips are cut.
    """

    codec: str = "WAV"
    excerpt_s: float = MAX_EXCERPT_S


def choose_sound_settings(durations_s: list[float], sample_rate: int) -> SoundSettings:
    """Return WAV while the page stays small, else OGG, and an excerpt that bounds many clips."""
    excerpt_s = MAX_EXCERPT_S
    if durations_s:
        excerpt_s = min(MAX_EXCERPT_S, max(MIN_EXCERPT_S, BUDGET_S / len(durations_s)))
    seconds = sum(min(duration, excerpt_s) for duration in durations_s)
    lossless = 2 * seconds * sample_rate <= MAX_LOSSLESS_BYTES
    return SoundSettings("WAV" if lossless else "OGG", excerpt_s)


def excerpt(waveform: np.ndarray, sample_rate: int, settings: SoundSettings) -> np.ndarray:
    """Return the first `settings.excerpt_s` seconds of a waveform."""
    return waveform[..., : round(settings.excerpt_s * sample_rate)]


def encode_sound(waveform: np.ndarray, sample_rate: int, codec: str) -> bytes:
    """Encode as a WAV (16 bit) or OGG Vorbis file, at most `MAX_RATE` Hz.

    Args:
      waveform: float32, ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Hz.
      codec: ``WAV`` or ``OGG``.
    """
    if sample_rate > MAX_RATE:
        waveform, sample_rate = resample(waveform, sample_rate, MAX_RATE), MAX_RATE
    if codec == "WAV":
        return encode_wav(waveform, sample_rate)
    frames = np.clip(waveform.T, -1.0, 1.0)
    channels = 1 if frames.ndim == 1 else frames.shape[1]
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", sample_rate, channels, subtype="VORBIS", format=codec
    ) as sound:
        # libsndfile's Vorbis encoder needs stack space in proportion to what it gets at once
        for start in range(0, len(frames), _OGG_BLOCK_SAMPLES):
            sound.write(frames[start : start + _OGG_BLOCK_SAMPLES])
    return buffer.getvalue()


def data_uri(content: bytes, mime: str) -> str:
    """Return bytes as a ``data:`` URI."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def sound_uri(waveform: np.ndarray, sample_rate: int, codec: str) -> str:
    """Return a waveform as a ``data:`` URI that an ``<audio>`` element plays."""
    return data_uri(encode_sound(waveform, sample_rate, codec), _MIME[codec])
