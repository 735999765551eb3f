"""Prepare sound banks: folders of noise or impulse responses for the augmentation.

Every sound is decoded, checked, mixed down to one channel, resampled once to the pipeline's
sample rate and stored as PCM 16 WAV, so that no worker does it again for every clip. Sounds stay
under their own relative path; what can't be used is rejected with a reason.
"""

from __future__ import annotations

import collections
import errno
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.augment.bank_files import MAX_SOUND_SAMPLES
from tfx_audio.components.audio.clip import FLOOR_DBFS, encode_wav, to_dbfs
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.clip_format import ClipFormat, read_waveform
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.rejection import Rejection, check_rejected
from tfx_audio.components.open_files import digest_as_read, open_file
from tfx_audio.components.sound_bank.digest import BankDigest, audio_files, digest_of_banks

STAGE = "sound_bank"


@dataclass(frozen=True)
class BankContents:
    """What became of one folder.

    Attributes:
      files: Sounds stored.
      duration_s: Their length together.
      digest: Hex SHA-256 over names and stored bytes.
      rejected: Sounds set aside.
      read: Digest of the files as they were read, as `digest.BankDigest` has it.
    """

    files: int
    duration_s: float
    digest: str
    rejected: tuple[Rejection, ...]
    read: str = ""


def check_sounds(
    contents: Iterable[BankContents], max_fraction: float, stage: str, table: str
) -> None:
    """Apply the common threshold to the sounds of all banks; `table` is named in the message.

    Raises:
      TooManyRejected: If more are.
    """
    contents = list(contents)
    counts = collections.Counter(record.reason for bank in contents for record in bank.rejected)
    total = sum(counts.values()) + sum(bank.files for bank in contents)
    check_rejected(dict(counts), total, max_fraction, stage, table)


def prepare_bank(
    bank: str,
    folder: str,
    out_dir: str,
    sample_rate: int,
    on_sound: Callable[[], None] = lambda: None,
) -> BankContents:
    """Check, mix down, resample and store the sounds of one bank.

    Args:
      bank: Its name, for messages.
      folder: Where the sounds are.
      out_dir: Where they are written, as ``<relative path>.wav``.
      sample_rate: Hz of what is written; 0 for each sound's own.
      on_sound: Called after every sound, for progress.

    Raises:
      InvalidInput: If the folder holds no audio file, or not one that can be used.
    """
    digest, read = BankDigest(), BankDigest()
    rejected, stored, seconds = [], 0, 0.0
    for path, relative in audio_files(bank, folder):
        try:
            data = _read(path, relative, read)
            waveform, rate = to_sound(data, sample_rate)
        except Unusable as error:
            rejected.append(Rejection(f"{bank}/{relative}", error.reason, STAGE, error.detail))
        else:
            wav = encode_wav(waveform, rate)
            target = stored_name(relative)
            with FileSystems.create(FileSystems.join(out_dir, target), "audio/wav") as file:
                file.write(wav)
            digest.add(target, hashlib.sha256(wav).hexdigest())
            stored += 1
            seconds += len(waveform) / rate
        on_sound()
    if not stored:
        first = rejected[0]
        raise InvalidInput(
            f"sound bank {bank!r}: no file of {folder} can be used; for instance {first.path}: "
            f"{first.detail}"
        )
    return BankContents(stored, seconds, digest.hexdigest(), tuple(rejected), read.hexdigest())


def _read(path: str, relative: str, read: BankDigest) -> bytes:
    """Return a sound's bytes and add their digest."""
    try:
        with open_file(path) as file:
            data = bytes(file.read())
    except OSError as error:
        read.add(relative, type(error).__name__)
        reason = "not_a_file" if error.errno == errno.EINVAL else "unreadable"
        raise Unusable(reason, f"the file: {error.strerror or error}") from error
    read.add(relative, digest_as_read(path, data))
    return data


def to_sound(data: bytes, sample_rate: int) -> tuple[np.ndarray, int]:
    """Return one sound as mono float32, turned down if it exceeds full scale, and its rate.

    Raises:
      Unusable: If it can't be decoded, has values that are not finite, or is silent.
    """
    clip_format = ClipFormat(sample_rate, max_samples=MAX_SOUND_SAMPLES)
    waveform, rate, _ = read_waveform(data, clip_format)
    peak = float(np.abs(waveform).max(initial=0.0))
    if to_dbfs(peak) <= FLOOR_DBFS:
        raise Unusable("silent", "a sound to mix in needs a signal; this one is digital silence")
    return (waveform / peak if peak > 1.0 else waveform), rate


def stored_name(relative: str) -> str:
    """Return the name of a stored sound: its own relative path, ending in ``.wav``."""
    return relative if relative.lower().endswith(".wav") else f"{relative}.wav"


def describe(contents: Mapping[str, BankContents], sample_rate: int) -> str:
    """Return the JSON text that is written beside the banks."""
    banks = {
        name: {"files": c.files, "duration_s": round(c.duration_s, 3), "digest": c.digest}
        for name, c in sorted(contents.items())
    }
    return json.dumps({"sample_rate": sample_rate, "banks": banks}, indent=2) + "\n"


def combined_digest(contents: Mapping[str, BankContents]) -> str:
    """Return one digest over all prepared banks."""
    return digest_of_banks({name: c.digest for name, c in contents.items()})
