"""Seeded random generators for audiomentations, one set a thread.

audiomentations draws from the global `random` and `np.random`, which any other code in the
process draws from and seeds as well: another thread, Beam itself, a user's DoFn. So the names
`random` and `np` inside audiomentations' modules are replaced by stand-ins that look up the
current thread's generators. The streams are those that seeding the global generators would
give; the global generators stay untouched; a thread that has seeded nothing draws from them as
before. The native libraries below it (signalsmith, pyroomacoustics) get seeds of their own.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import types
from typing import Any

import numpy as np

_LOCK = threading.Lock()
_ROOM_LOCK = threading.Lock()
_LIBRARY = "audiomentations"


class _Generators(threading.local):
    """This thread's generators; `key` is None while nothing is seeded."""

    def __init__(self) -> None:
        self.random = random.Random()
        self.numpy = np.random.RandomState()
        self.key: bytes | None = None


_generators = _Generators()


class Seeded:
    """Context in which audiomentations draws from a stream of its own in this thread.

    Args:
      *identity: What the stream is a function of: plain numbers and strings.
    """

    def __init__(self, *identity: int | str) -> None:
        self._key = hashlib.sha512(json.dumps(identity).encode()).digest()

    def __enter__(self) -> None:
        key = self._key
        # Both are Mersenne Twisters and take 256 bits each; the same bits would give the same
        # numbers twice.
        _generators.random.seed(int.from_bytes(key[:32], "little"))
        _generators.numpy.seed(np.frombuffer(key[32:], dtype="<u4"))
        _generators.key = key

    def __exit__(self, *exception: object) -> None:
        _generators.key = None


def native_seed() -> int | None:
    """Return a 62 bit seed of the current stream for a native library, None outside one."""
    key = _generators.key
    return None if key is None else int.from_bytes(key[28:36], "little") >> 2


class _Random:
    """Stands in for the module `random`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(random if _generators.key is None else _generators.random, name)


class _NumpyRandom:
    """Stands in for `np.random`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np.random if _generators.key is None else _generators.numpy, name)


def _numpy_module() -> types.ModuleType:
    """Return a module that is numpy but for `random`."""
    module = types.ModuleType("numpy")
    module.__dict__.update(vars(np))
    module.__dict__["random"] = _NumpyRandom()
    module.__dict__["__getattr__"] = lambda name: getattr(np, name)
    return module


_RANDOM = _Random()
_NUMPY = _numpy_module()


def install_generators() -> None:
    """Replace the generators inside audiomentations' modules; a second call changes nothing."""
    import audiomentations  # noqa: F401

    with _LOCK:
        for name, module in list(sys.modules.items()):
            if name != _LIBRARY and not name.startswith(f"{_LIBRARY}."):
                continue
            if getattr(module, "random", None) is random:
                module.random = _RANDOM  # type: ignore[attr-defined]
            if getattr(module, "np", None) is np:
                module.np = _NUMPY  # type: ignore[attr-defined]
        _seed_signalsmith()


def _seed_signalsmith() -> None:
    """Have PitchShift and TimeStretch construct their stretcher with a seed.

    Unseeded it takes one from the operating system, which is audible at rates below 0.5.
    """
    import python_stretch
    from audiomentations.augmentations import pitch_shift, time_stretch

    def stretch() -> Any:
        seed = native_seed()
        make = python_stretch.Signalsmith.Stretch
        return make() if seed is None else make(seed)

    seeded = types.SimpleNamespace(Signalsmith=types.SimpleNamespace(Stretch=stretch))
    for module in (pitch_shift, time_stretch):
        if module.python_stretch is python_stretch:
            module.python_stretch = seeded


class SeededRoom:
    """Context in which pyroomacoustics draws from the current stream.

    Its generators belong to the process, so one room is simulated at a time.
    """

    def __enter__(self) -> None:
        import pyroomacoustics

        seed = native_seed()
        _ROOM_LOCK.acquire()
        pyroomacoustics.random.seed(numpy=seed, libroom=seed)

    def __exit__(self, *exception: object) -> None:
        _ROOM_LOCK.release()
