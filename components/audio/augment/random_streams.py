"""Seeded random generators for audiomentations, one set a thread.

audiomentations draws from the global `random` and `np.random`, which any other code in the
process draws from and seeds as well: another thread, Beam itself, a user's DoFn. So the names
`random` and `np` inside audiomentations' modules are replaced by stand-ins that look up the
current thread's generators. The global generators stay untouched; a thread that has seeded
nothing draws from them as before. In place of `np.random`'s Mersenne Twister stands a
`RandomState` on numpy's SFC64: the same methods and distributions from a generator that is seeded
ten times as fast and draws noise in half the time. The native libraries below it (signalsmith,
pyroomacoustics) get seeds of their own.
"""

import hashlib
import random
import sys
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_LOCK = threading.Lock()
_ROOM_LOCK = threading.Lock()
_LIBRARY = "audiomentations"
_OUR_OWN = "tfx_audio.components.audio.augment.speed_perturb"


class _Generators(threading.local):
    """This thread's generators; `key` is None while nothing is seeded."""

    def __init__(self) -> None:
        self.random = random.Random()
        self.key: bytes | None = None
        self.scales: Mapping[tuple[float, float], Callable[[float], float]] = {}
        self._bits = np.random.SFC64(0)
        self._numpy = np.random.RandomState(self._bits)
        self._normal = np.random.Generator(self._bits).standard_normal
        self._numpy_key: bytes | None = None

    @property
    def numpy(self) -> np.random.RandomState:
        """The generator behind `np.random`, seeded when first used."""
        self._seed_numpy()
        return self._numpy

    def randn(self, *shape: int) -> np.ndarray:
        """Draw what `np.random.randn` does, by the ziggurat method, which is faster.

        AddGaussianNoise, the commonest of all, draws by this name; other transforms by ``normal``,
        whose legacy stream numpy keeps for ever.
        """
        self._seed_numpy()
        return self._normal(shape)

    def default_rng(self, seed: Any = None) -> np.random.Generator:
        """Return a generator on the same stream; one with a seed of its own stays what it is."""
        self._seed_numpy()
        return np.random.Generator(self._bits) if seed is None else np.random.default_rng(seed)

    def _seed_numpy(self) -> None:
        if self._numpy_key is not self.key and self.key is not None:
            # SFC64's state: three words, and a counter that starts at 1.
            words = np.append(np.frombuffer(self.key[32:56], dtype="<u8"), np.uint64(1))
            self._bits.state = {
                "bit_generator": "SFC64",
                "state": {"state": words},
                "has_uint32": 0,
                "uinteger": 0,
            }
            # A new one has no second half of a pair of normal numbers left over.
            self._numpy = np.random.RandomState(self._bits)
            self._numpy_key = self.key


_generators = _Generators()


class Seeded:
    """Context in which audiomentations draws from a stream of its own in this thread.

    Args:
      seed: The policy's.
      kind: ``copy`` or ``condition``.
      which: The copy's number or the condition's name.
      clip_id: The clip.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int, kind: str, which: int | str, clip_id: str) -> None:
        identity = f"{seed}\0{kind}\0{which}\0{clip_id}"
        self._key = hashlib.sha512(identity.encode("utf-8", "surrogatepass")).digest()

    def __enter__(self) -> None:
        _generators.random.seed(int.from_bytes(self._key[:32], "little"))
        _generators.key = self._key

    def __exit__(self, *exception: object) -> None:
        _generators.key = None


def native_seed() -> int | None:
    """Return a 62 bit seed of the current stream for a native library, None outside one."""
    key = _generators.key
    return None if key is None else int.from_bytes(key[28:36], "little") >> 2


class Scaled:
    """Context in which this thread draws from some ranges other than uniformly.

    Args:
      scales: By the range's ends, as the transform hands them to `uniform`: the value for a
        number that is uniform from 0 to 1.
    """

    def __init__(self, scales: Mapping[tuple[float, float], Callable[[float], float]]) -> None:
        self._scales = scales

    def __enter__(self) -> None:
        self._before = _generators.scales
        _generators.scales = self._scales

    def __exit__(self, *exception: object) -> None:
        _generators.scales = self._before


def _scaled(draw: Callable[..., Any]) -> Callable[..., Any]:
    def uniform(low: float, high: float, *size: Any) -> Any:
        scale = _generators.scales.get((low, high))
        return draw(low, high, *size) if scale is None else scale(draw(0.0, 1.0))

    return uniform


class _Random:
    """Stands in for the module `random`."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(random if _generators.key is None else _generators.random, name)
        return _scaled(function) if name == "uniform" and _generators.scales else function


class _NumpyRandom:
    """Stands in for `np.random`."""

    def __getattr__(self, name: str) -> Any:
        if _generators.key is None:
            return getattr(np.random, name)
        if name == "uniform" and _generators.scales:
            return _scaled(_generators.numpy.uniform)
        own = name in ("randn", "default_rng")
        return getattr(_generators if own else _generators.numpy, name)


def _numpy_module() -> types.ModuleType:
    """Return a module that is numpy but for `random`."""
    module = types.ModuleType("numpy")
    module.__dict__.update(vars(np))
    module.__dict__["random"] = _NumpyRandom()
    module.__dict__["__getattr__"] = lambda name: getattr(np, name)
    return module


_RANDOM = _Random()
_NUMPY = _numpy_module()


def install_generators(*packages: str) -> None:
    """Replace `random` and `numpy` in the loaded modules of audiomentations, and of packages.

    Whatever they are called there. A second call changes nothing.
    """
    import audiomentations  # noqa: F401

    with _LOCK:
        for name, module in list(sys.modules.items()):
            if name != _OUR_OWN and name.partition(".")[0] not in (_LIBRARY, *packages):
                continue
            for variable, value in list(vars(module).items()):
                if value is random or value is np:
                    setattr(module, variable, _RANDOM if value is random else _NUMPY)
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
    """Context in which pyroomacoustics draws from the current stream, on one thread.

    Its generators and its thread count belong to the process, and the sum over threads depends
    on how many there are; so one room is simulated at a time, and what was set is put back.
    """

    def __enter__(self) -> None:
        import pyroomacoustics
        from pyroomacoustics.random import generator

        _ROOM_LOCK.acquire()
        self._before = (generator._rng, pyroomacoustics.constants.get("num_threads"))
        seed = native_seed()
        pyroomacoustics.random.seed(numpy=seed, libroom=seed)
        pyroomacoustics.constants.set("num_threads", 1)

    def __exit__(self, *exception: object) -> None:
        import pyroomacoustics
        from pyroomacoustics.random import generator

        generator._rng, threads = self._before
        pyroomacoustics.constants.set("num_threads", threads)
        _ROOM_LOCK.release()
