"""Sound banks for audiomentations: each file is read once, at the clips' sample rate.

The library lists folders in the file system's order and reads (and resamples) a file again on
every call. Here the files of a bank are listed in sorted order, so that what is drawn depends on
their relative names alone, and the last ones used stay in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.resample import mix_to_mono, resample

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
CACHE_BYTES = 256 * 1024 * 1024
MAX_SOUND_SAMPLES = 100_000_000
_LOCK = threading.Lock()


class SoundBankFiles:
    """The files of the banks that a policy names.

    Args:
      bank_dirs: Local folder by bank name, searched recursively; None stands for banks that are
        not looked at, to check a policy without them.
    """

    def __init__(self, bank_dirs: Mapping[str, str] | None) -> None:
        self._unknown = bank_dirs is None
        self._roots = {name: Path(path).resolve() for name, path in (bank_dirs or {}).items()}
        self._names: dict[tuple[str, str], str] = {}
        self._paths: dict[str, list[str]] = {}

    def paths(self, name: str) -> list[str]:
        """Return a bank's files, sorted by relative name.

        Raises:
          InvalidInput: If there is no sound in it.
        """
        if self._unknown:
            return [f"/{name}/sound.wav"]
        if name not in self._paths:
            self._paths[name] = self._list(name)
        return self._paths[name]

    def _list(self, name: str) -> list[str]:
        root = self._roots[name]
        files = {
            path.relative_to(root).as_posix(): str(path)
            for path in root.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
        }
        if not files:
            raise InvalidInput(f"the sound bank '{name}' has no sounds: {root}")
        self._names.update({(name, files[relative]): f"{name}/{relative}" for relative in files})
        return [files[relative] for relative in sorted(files)]

    def relative(self, name: str, path: str) -> str:
        """Return ``bank/relative/file.wav`` for a bank's file."""
        return self._names[name, path]


class _Cache:
    """The last sounds read, up to `CACHE_BYTES`."""

    def __init__(self) -> None:
        self._sounds: OrderedDict[tuple[Any, ...], tuple[np.ndarray, int]] = OrderedDict()
        self._bytes = 0

    def get(self, path: str, sample_rate: int | None, mono: bool) -> tuple[np.ndarray, int]:
        """Return a whole file as ``(samples,)`` or ``(channels, samples)``, and its rate."""
        stat = Path(path).stat()
        key = (path, stat.st_mtime_ns, stat.st_size, sample_rate, mono)
        with _LOCK:
            if key in self._sounds:
                self._sounds.move_to_end(key)
                return self._sounds[key]
        sound = _read(path, sample_rate, mono)
        with _LOCK:
            if key not in self._sounds:
                self._sounds[key] = sound
                self._bytes += sound[0].nbytes
            while self._bytes > CACHE_BYTES and len(self._sounds) > 1:
                self._bytes -= self._sounds.popitem(last=False)[1][0].nbytes
        return sound


_CACHE = _Cache()


def _read(path: str, sample_rate: int | None, mono: bool) -> tuple[np.ndarray, int]:
    """Read one file; resample where its rate is another."""
    samples, rate = decode(Path(path).read_bytes(), MAX_SOUND_SAMPLES)
    samples = mix_to_mono(samples) if mono else samples
    if sample_rate is not None:
        samples, rate = resample(samples, rate, sample_rate), sample_rate
    samples.flags.writeable = False
    return samples, rate


def load_sound(
    file_path: str,
    sample_rate: int | None,
    mono: bool = True,
    resample_type: str = "auto",
    offset: float = 0.0,
    duration: float | None = None,
) -> tuple[np.ndarray, int]:
    """Stand in for audiomentations' ``load_sound_file``: same arguments, read once, read-only."""
    samples, rate = _CACHE.get(str(file_path), sample_rate, mono)
    if offset or duration is not None:
        start = int(offset * rate)
        stop = None if duration is None else start + max(1, int(duration * rate))
        samples = samples[..., start:stop]
    return samples, rate


def install_sounds() -> None:
    """Have the transforms that mix in files read them through the cache."""
    from audiomentations.augmentations import (
        add_background_noise,
        add_short_noises,
        apply_impulse_response,
    )

    for module in (add_background_noise, add_short_noises, apply_impulse_response):
        module.load_sound_file = load_sound
