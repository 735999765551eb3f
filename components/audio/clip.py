"""`Clip`, one labelled recording in memory, and its bytes."""

from __future__ import annotations

import io
import math
import re
import struct
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

CLEAN = "clean"
FLOOR_DBFS = -120.0
MIN_SAMPLE_RATE = 100
MAX_SAMPLE_RATE = 1_000_000
PCM16_SCALE = 32768.0
CLIPPED_LEVEL = 32767.0 / PCM16_SCALE
WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LIKE_A_COPYS = re.compile(r"(~[0-9]+|@[^@/~]+)\Z")
_BETWEEN_LABELS = "\n"  # no label has one: they are printable
_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


def join_labels(names: Iterable[str]) -> str:
    """Return the label of a clip that has all of these names, sorted and each once."""
    return _BETWEEN_LABELS.join(sorted({name.strip() for name in names} - {""}))


def label_names(label: str) -> tuple[str, ...]:
    """Return the names in a label: one, or several where the data has several a clip.

    The one way to read a label; of one name it is that name.
    """
    return tuple(label.split(_BETWEEN_LABELS)) if label else ()


@dataclass(frozen=True, eq=False)
class Clip:
    """One labelled recording, or one augmented copy of it.

    Attributes:
      clip_id: Unique and stable. A path relative to the data root or a manifest's id;
        ``<id>#<start>-<end>`` for a piece of a recording, ``<source>~<n>`` for its n-th
        augmented copy, ``<source>@<condition>`` for a condition of the test split (see
        `original_id`). It is an identifier: what it is made of stands in fields of its own and is
        never parsed back.
      waveform: float32 in [-1, 1], shape ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Samples per second and channel.
      label: Class name, empty if none; several as `join_labels` writes them.
      group: Speaker, recording or fold, empty if none.
      source_clip_id: The clip this one was made from; itself for an original.
      copy_index: 0 for an original, 1..n for its augmented copies.
      augmentation: JSON of the transforms applied; ``{}`` for an original.
      condition: ``clean`` or the name of a robustness condition.
      fields: Further named values, kept as features: a text, or a list of bytes or numbers.
    """

    clip_id: str
    waveform: np.ndarray
    sample_rate: int
    label: str = ""
    group: str = ""
    source_clip_id: str = ""
    copy_index: int = 0
    augmentation: str = "{}"
    condition: str = CLEAN
    fields: Mapping[str, Any] = field(default_factory=lambda: _NO_FIELDS)

    def __post_init__(self) -> None:
        if not self.source_clip_id:
            object.__setattr__(self, "source_clip_id", self.clip_id)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.waveform.shape[-1] / self.sample_rate

    def replace(self, **changes: object) -> Clip:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Levels:
    """How loud a waveform is: peak and RMS in dB relative to full scale, and how much clips.

    Silence is reported as `FLOOR_DBFS`, never as minus infinity, so that statistics stay finite.
    """

    peak_dbfs: float
    rms_dbfs: float
    clipped_fraction: float


def copy_id(clip_id: str, copy_index: int) -> str:
    """Return the id of a clip's n-th copy."""
    return f"{clip_id}~{copy_index}"


def condition_id(clip_id: str, condition: str) -> str:
    """Return the id of a clip under a condition."""
    return f"{clip_id}@{condition}"


def original_id(given: str) -> str:
    """Return the id of an original for what it is called: another one for every name.

    A name that ends as the id of a copy or of a condition does gets ``~0``, which no copy has:
    else the original ``x~1`` and the first copy of ``x`` would share an id.
    """
    return copy_id(given, 0) if _LIKE_A_COPYS.search(given) else given


def is_original_id(clip_id: str) -> bool:
    """Return whether no copy and no clip under a condition can have this id."""
    return clip_id.endswith("~0") or not _LIKE_A_COPYS.search(clip_id)


def levels(waveform: np.ndarray) -> Levels:
    """Measure a float waveform of any shape; an empty one counts as silent.

    The sum of squares is taken in float64, block by block, without BLAS: its kernels, chosen by the
    processor and by the environment, add in different orders. Of 16 bit steps the sum is exact, in
    any order, up to 2^23 samples: a step squared is a multiple of 2^-30, and float64 holds 53 bits.
    """
    if waveform.size == 0:
        return Levels(FLOOR_DBFS, FLOOR_DBFS, 0.0)
    flat = waveform.reshape(-1)
    peak = max(float(flat.max()), -float(flat.min()))
    rms = math.sqrt(float(np.einsum("i,i->", flat, flat, dtype=np.float64)) / flat.size)
    clipped = 0.0
    if peak >= CLIPPED_LEVEL:
        clipped = float(np.count_nonzero(np.abs(flat) >= CLIPPED_LEVEL)) / flat.size
    return Levels(to_dbfs(peak), to_dbfs(rms), clipped)


def to_dbfs(amplitude: float) -> float:
    """Return ``20·log10(amplitude)``, at least `FLOOR_DBFS`."""
    return max(FLOOR_DBFS, 20.0 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS


def encode_wav(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Encode as RIFF WAV, PCM 16 bit, rounding to the nearest step and saturating.

    Args:
      waveform: float, ``(samples,)`` or ``(channels, samples)``.
      sample_rate: Hz.

    Returns:
      The file's bytes. `decode_wav` gives back exactly the quantised waveform.
    """
    return pcm16_to_wav(to_pcm16(waveform), sample_rate)


def to_pcm16(waveform: np.ndarray) -> np.ndarray:
    """Return a float waveform as int16 steps of the same shape, rounded and saturating."""
    steps = np.multiply(waveform, np.float32(PCM16_SCALE), dtype=np.float32)
    np.rint(steps, out=steps)
    np.clip(steps, -32768, 32767, out=steps)
    return steps.astype("<i2")


def from_pcm16(pcm: np.ndarray) -> np.ndarray:
    """Return int16 steps as a float32 waveform of the same shape."""
    waveform = pcm.astype(np.float32)
    waveform *= np.float32(1.0 / PCM16_SCALE)
    return waveform


def pcm16_to_wav(pcm: np.ndarray, sample_rate: int) -> bytes:
    """Return int16 steps, ``(samples,)`` or ``(channels, samples)``, as RIFF WAV bytes."""
    channels = 1 if pcm.ndim == 1 else pcm.shape[0]
    frames = pcm if pcm.ndim == 1 else np.ascontiguousarray(pcm.T)
    data = frames.tobytes()
    return WAV_HEADER.pack(
        b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, channels, sample_rate,
        2 * channels * sample_rate, 2 * channels, 16, b"data", len(data),
    ) + data  # fmt: skip


def decode_wav(wav: bytes) -> tuple[np.ndarray, int]:
    """Decode bytes written by `encode_wav`.

    Returns:
      ``(waveform, sample_rate)``: writeable float32, ``(samples,)`` for one channel, else
      ``(channels, samples)``; values are multiples of 1/32768, as ``tf.audio.decode_wav`` gives.

    Raises:
      ValueError: If the bytes are not PCM 16 WAV.
    """
    try:
        with wave.open(io.BytesIO(wav), "rb") as reader:
            channels, width, rate, n_frames = reader.getparams()[:4]
            if width != 2:
                raise ValueError(f"expected PCM 16 bit, got {8 * width} bit")
            if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
                raise ValueError(f"the header claims {rate} Hz")
            raw = reader.readframes(n_frames)
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a RIFF WAV file: {error}") from error
    pcm = np.frombuffer(raw, dtype="<i2")
    waveform = from_pcm16(pcm)
    if channels > 1:
        waveform = np.ascontiguousarray(waveform.reshape(-1, channels).T)
    return waveform, rate
