"""Builds audiomentations' transforms from a policy's steps, and records what each one did."""

import functools
import importlib
import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from audiomentations.core.utils import convert_frequency_to_mel

from tfx_audio.components.audio.augment.bank_files import SoundBankFiles, install_sounds
from tfx_audio.components.audio.augment.failure import AugmentationFailed, ready_output
from tfx_audio.components.audio.augment.plain_floats import install_plain_floats
from tfx_audio.components.audio.augment.random_streams import Scaled, install_generators
from tfx_audio.components.audio.augment.repairs import (
    keep_peaking_filter_below_nyquist,
    transform_class,
)
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.check import transform_schemas
from tfx_audio.components.audio.policy.steps import DISTRIBUTION_KEY, SOUNDS_KEY, TransformSpec
from tfx_audio.components.audio.policy.yaml_document import Document

Applied = dict[str, Any]
_Scale = Callable[[float], float]
_JSON_TYPES = frozenset({int, bool, type(None)})
_FILE_PARAMETERS = ("noise_file_path", "ir_file_path", "file_path")


@dataclass
class Chain:
    """The steps of one policy for one label, ready to run; it belongs to one thread.

    Attributes:
      run: Applies all steps to ``(waveform, sample_rate)``.
      applied: What the last run applied, in order.
      times: Applied count and seconds by transform, over all runs.
    """

    run: Callable[[np.ndarray, int], np.ndarray] = lambda samples, sample_rate: samples
    applied: list[Applied] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)


def build_chain(
    specs: tuple[TransformSpec, ...], banks: SoundBankFiles, document: Document
) -> Chain:
    """Build a chain.

    Raises:
      InvalidInput: If a transform refuses its parameters, a package or a sound bank is missing.
    """
    install_generators()
    install_sounds()
    keep_peaking_filter_below_nyquist()
    install_plain_floats()
    chain = Chain()
    if specs:
        chain.run = transform_class("Compose")(
            [_build(spec, chain, banks, document) for spec in specs]
        )
    return chain


def _build(
    spec: TransformSpec, chain: Chain, banks: SoundBankFiles, document: Document
) -> Callable[..., np.ndarray]:
    """Build one step and what is inside it."""
    parameters = dict(spec.parameters)
    if spec.is_composition:
        children = [_build(child, chain, banks, document) for child in spec.transforms]
        if "num_transforms" in parameters and not isinstance(parameters["num_transforms"], int):
            least, most = parameters["num_transforms"]
            parameters["num_transforms"] = (least or 0, most)
        make = transform_class(spec.name)
        return _construct(spec, document, lambda: make(transforms=children, **parameters))
    schema = transform_schemas()[spec.name]
    make = _load(spec, schema.get("x-needs-package"), document)
    if SOUNDS_KEY in parameters:
        name = schema["properties"][SOUNDS_KEY]["x-parameter"]
        parameters[name] = banks.paths(parameters.pop(SOUNDS_KEY))
        if spec.name == "ApplyImpulseResponse":
            parameters["lru_cache_size"] = 0  # they are kept once for all threads and labels
    is_log = parameters.pop(DISTRIBUTION_KEY, "") == "log"
    transform = _construct(spec, document, lambda: make(**parameters))
    ranges = schema["x-log-ranges"] if is_log else ()
    return _Step(spec, transform, _log_scales(transform, ranges), chain, banks)


def _log_scales(transform: Any, ranges: Sequence[str]) -> dict[tuple[float, float], _Scale]:
    """Return how to draw log-uniformly from ``min_X`` to ``max_X``.

    Audiomentations draws some uniformly, frequencies uniformly in mel.
    """
    scales: dict[tuple[float, float], _Scale] = {}
    for name in ranges:
        low, high = getattr(transform, f"min_{name}"), getattr(transform, f"max_{name}")
        in_mel = (convert_frequency_to_mel(low), convert_frequency_to_mel(high))
        scales[low, high] = functools.partial(_between, low, high)
        scales[in_mel] = functools.partial(_between_in_mel, low, high)
    return scales


def _between(low: float, high: float, share: float) -> float:
    first, last = math.log(low), math.log(high)
    return min(high, max(low, math.exp(first + share * (last - first))))


def _between_in_mel(low: float, high: float, share: float) -> float:
    return float(convert_frequency_to_mel(_between(low, high, share)))


def _construct(spec: TransformSpec, document: Document, make: Callable[[], Any]) -> Any:
    """Call a constructor; its refusal is the policy's fault."""
    try:
        return make()
    except Exception as error:
        problem = str(error) or _failed_assertion(error)
        raise InvalidInput(
            f"{document.place(spec.at)}: {spec.name} refuses its parameters: {problem}"
        ) from error


def _failed_assertion(error: BaseException) -> str:
    """Return the source line of an assertion without a message."""
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    lines = frames[-1].code_context if frames else None
    return " ".join(lines[0].split()) if lines else type(error).__name__


def _load(spec: TransformSpec, package: str | None, document: Document) -> Any:
    """Return a step's class, once the package that it needs is there."""
    try:
        if package:
            importlib.import_module(package)
        return transform_class(spec.name)
    except Exception as error:  # whatever an installed package does
        name = package if package and "." in package else (package or "").replace("_", "-")
        raise InvalidInput(
            f"{document.place(spec.at)}: {spec.name} needs the package {name}: {error}"
        ) from None


class _Step:
    """One transform: run with nothing stale, checked, timed and recorded."""

    def __init__(
        self,
        spec: TransformSpec,
        transform: Any,
        scales: Mapping[tuple[float, float], _Scale],
        chain: Chain,
        banks: SoundBankFiles,
    ) -> None:
        self._name = spec.name
        self._head: Applied = {"name": spec.name, "path": spec.path}
        if spec.id:
            self._head["id"] = spec.id
        self._transform = transform
        self._scaled = Scaled(scales)
        self._inner = _inner_transforms(transform)
        self._applied = chain.applied
        self._banks = banks
        self._bank = spec.parameters.get(SOUNDS_KEY, "")
        self._times = chain.times.setdefault(spec.name, [0, 0.0])

    def __call__(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        transform = self._transform
        transform.parameters = {"should_apply": None}
        start = time.perf_counter()
        try:
            with self._scaled:
                result = transform(samples, sample_rate)
        except Exception as error:
            raise _failed(self._name, error) from error
        if not transform.parameters["should_apply"]:
            return samples
        times = self._times
        times[0] += 1
        times[1] += time.perf_counter() - start
        result = ready_output(self._name, result, samples, sample_rate)
        self._applied.append({**self._head, "parameters": self._parameters()})
        return result

    def _parameters(self) -> Applied:
        """Return what was drawn, in transforms inside the transform as well, as JSON values."""
        drawn = self._drawn(self._transform)
        for key, inner in self._inner.items():
            if isinstance(inner, list):
                drawn[key] = [self._drawn(item) for item in inner]
            else:
                drawn[key] = self._drawn(inner)
        return drawn

    def _drawn(self, transform: Any) -> Applied:
        return {
            key: value if type(value) in _JSON_TYPES else self._plain(key, value)
            for key, value in transform.parameters.items()
            if key != "should_apply"
        }

    def _plain(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._banks.relative(self._bank, value) if key in _FILE_PARAMETERS else value
        if isinstance(value, Mapping):
            return {str(name): self._plain(str(name), item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(key, item) for item in value]
        if isinstance(value, (np.generic, np.ndarray)):
            return self._plain(key, value.tolist())
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value


def _failed(name: str, error: Exception) -> AugmentationFailed:
    mono_only = type(error).__name__ == "MultichannelAudioNotSupportedException"
    reason = "mono_only" if mono_only else "raised"
    return AugmentationFailed(name, reason, f"{type(error).__name__}: {error}")


def _inner_transforms(transform: Any) -> dict[str, Any]:
    """Return the transforms that a transform is made of, singly or in lists, by attribute."""

    def is_transform(item: Any) -> bool:
        return hasattr(item, "parameters") and hasattr(item, "randomize_parameters")

    return {
        name: value
        for name, value in vars(transform).items()
        if is_transform(value)
        or (isinstance(value, list) and value and all(map(is_transform, value)))
    }
