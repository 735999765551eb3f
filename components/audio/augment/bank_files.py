"""Sound banks for audiomentations: each file is read once, at the clips' sample rate.

The library lists folders in the file system's order and reads (and resamples) a file again on
every call. Here the files of a bank are listed in sorted order, so that what is drawn depends on
their relative names alone, and the last ones used stay in memory.
"""

import threading
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import cachetools
import numpy as np

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.clip_format import ClipFormat, read_waveform
from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES

MAX_SOUND_SAMPLES = 100_000_000  # 400 MB as float32: over half an hour at 48 kHz
CACHE_BYTES = 4 * MAX_SOUND_SAMPLES  # the longest sound fits


def is_sound(relative: str) -> bool:
    """Return whether a file of a bank is a sound: by its suffix, and never a hidden one."""
    path = PurePosixPath(relative)
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden


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
            relative: str(path)
            for path in root.rglob("*")
            if is_sound(relative := path.relative_to(root).as_posix()) and path.is_file()
        }
        if not files:
            raise InvalidInput(f"the sound bank '{name}' has no sounds: {root}")
        self._names.update({(name, files[relative]): f"{name}/{relative}" for relative in files})
        return [files[relative] for relative in sorted(files)]

    def relative(self, name: str, path: str) -> str:
        """Return ``bank/relative/file.wav`` for a bank's file."""
        return self._names[name, path]


def _key(path: str, sample_rate: int | None, mono: bool) -> tuple[object, ...]:
    """Return what a sound is kept under; a file that changes is another sound."""
    stat = Path(path).stat()
    return path, stat.st_mtime_ns, stat.st_size, sample_rate, mono


@cachetools.cached(
    cachetools.LRUCache(CACHE_BYTES, getsizeof=lambda sound: sound[0].nbytes),
    key=_key,
    lock=threading.Lock(),
)
def _read(path: str, sample_rate: int | None, mono: bool) -> tuple[np.ndarray, int]:
    """Return a whole file as ``(samples,)`` or ``(channels, samples)``, and its rate."""
    sound_format = ClipFormat(
        sample_rate or 0, keep_channels=not mono, max_samples=MAX_SOUND_SAMPLES
    )
    sound = read_waveform(Path(path).read_bytes(), sound_format)
    sound.waveform.flags.writeable = False
    return sound.waveform, sound.sample_rate


def load_sound(
    file_path: str,
    sample_rate: int | None,
    mono: bool = True,
    resample_type: str = "auto",
    offset: float = 0.0,
    duration: float | None = None,
) -> tuple[np.ndarray, int]:
    """Stand in for audiomentations' ``load_sound_file``: same arguments, read once, read-only."""
    samples, rate = _read(str(file_path), sample_rate, mono)
    if offset or duration is not None:
        start = int(offset * rate)
        stop = None if duration is None else start + max(1, int(duration * rate))
        samples = samples[..., start:stop]
    return samples, rate


def install_sounds() -> None:
    """Have the transforms that mix in files read them through the cache.

    They take the files of a bank as they are listed here: the library's own search leaves out
    suffixes that it does not know.
    """
    from audiomentations.augmentations import (
        add_background_noise,
        add_short_noises,
        apply_impulse_response,
    )

    for module in (add_background_noise, add_short_noises, apply_impulse_response):
        module.load_sound_file = load_sound
        module.find_audio_files_in_paths = list
