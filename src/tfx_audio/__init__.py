"""A TFX pipeline for audio classification: ingest, reproducible augmentation on Beam, a model.

What is named here is the public API; `import tfx_audio` costs nothing, and each name loads what it
needs when it is first used: `Augmenter` loads no Beam, `AugmentClips` no TFX, `SpecAugment` no TFX.

    from tfx_audio import AudioAugmenter, load_policy

The packages beside this file are links to the repository's top-level folders.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_audio.components.artifacts import AugmentationHtml as AugmentationHtml
    from tfx_audio.components.artifacts import EvaluationHtml as EvaluationHtml
    from tfx_audio.components.artifacts import RejectedClips as RejectedClips
    from tfx_audio.components.artifacts import SoundBanks as SoundBanks
    from tfx_audio.components.audio.augment.augmenter import (
        AugmentationFailed as AugmentationFailed,
    )
    from tfx_audio.components.audio.augment.augmenter import Augmenter as Augmenter
    from tfx_audio.components.audio.clip import Clip as Clip
    from tfx_audio.components.audio.features import Frontend as Frontend
    from tfx_audio.components.audio.policy.augmentation_policy import load_policy as load_policy
    from tfx_audio.components.audio.records.examples import clip_to_example as clip_to_example
    from tfx_audio.components.audio.records.examples import example_to_clip as example_to_clip
    from tfx_audio.components.audio.records.tfrecord import read_records as read_records
    from tfx_audio.components.audio_augmenter.component import AudioAugmenter as AudioAugmenter
    from tfx_audio.components.audio_augmenter.transforms import AugmentClips as AugmentClips
    from tfx_audio.components.audio_augmenter.transforms import ReadExamples as ReadExamples
    from tfx_audio.components.audio_example_gen.component import AudioExampleGen as AudioExampleGen
    from tfx_audio.components.audio_schema_gen.component import AudioSchemaGen as AudioSchemaGen
    from tfx_audio.components.augmentation_report.component import (
        AugmentationReport as AugmentationReport,
    )
    from tfx_audio.components.evaluation_report.component import (
        EvaluationReport as EvaluationReport,
    )
    from tfx_audio.components.sound_bank.component import SoundBank as SoundBank
    from tfx_audio.pipeline.definition import create_pipeline as create_pipeline
    from tfx_audio.pipeline.model.frontend import ClipNormalisation as ClipNormalisation
    from tfx_audio.pipeline.model.frontend import LogMel as LogMel
    from tfx_audio.pipeline.model.on_the_fly import augment_dataset as augment_dataset
    from tfx_audio.pipeline.model.spec_augment import SpecAugment as SpecAugment

# An extra of the package, and what it brings that another package may not have brought.
_BROUGHT_BY = {
    "beam": ("apache_beam", "pydantic"),
    "augment": ("audiomentations", "apache_beam", "cachetools", "pydantic"),
    "explore": ("streamlit", "audiomentations", "apache_beam"),
    "model": ("tensorflow", "apache_beam", "pydantic", "kapre"),
    "pipeline": ("tfx", "audiomentations", "cachetools", "tensorflow"),
}
# Where a name lives, and the extras of the package that bring what it needs.
_NAMES = {
    "AudioAugmenter": ("components.audio_augmenter.component", "pipeline"),
    "AudioExampleGen": ("components.audio_example_gen.component", "pipeline"),
    "AudioSchemaGen": ("components.audio_schema_gen.component", "pipeline"),
    "AugmentClips": ("components.audio_augmenter.transforms", "augment"),
    "AugmentationFailed": ("components.audio.augment.augmenter", "augment"),
    "AugmentationHtml": ("components.artifacts", "pipeline"),
    "AugmentationReport": ("components.augmentation_report.component", "pipeline"),
    "Augmenter": ("components.audio.augment.augmenter", "augment"),
    "Clip": ("components.audio.clip",),
    "ClipNormalisation": ("pipeline.model.frontend", "model"),
    "EvaluationHtml": ("components.artifacts", "pipeline"),
    "EvaluationReport": ("components.evaluation_report.component", "pipeline"),
    "Frontend": ("components.audio.features",),
    "LogMel": ("pipeline.model.frontend", "model"),
    "ReadExamples": ("components.audio_augmenter.transforms", "beam"),
    "RejectedClips": ("components.artifacts", "pipeline"),
    "SoundBank": ("components.sound_bank.component", "pipeline"),
    "SoundBanks": ("components.artifacts", "pipeline"),
    "SpecAugment": ("pipeline.model.spec_augment", "model"),
    "augment_dataset": ("pipeline.model.on_the_fly", "augment", "model"),
    "clip_to_example": ("components.audio.records.examples",),
    "create_pipeline": ("pipeline.definition", "pipeline"),
    "example_to_clip": ("components.audio.records.examples",),
    "load_policy": ("components.audio.policy.augmentation_policy",),
    "read_records": ("components.audio.records.tfrecord",),
}
__all__ = ["__version__", *_NAMES]


def explain_missing(what: str, *extras: str) -> str:
    """Return which of the extras it needs are missing, as one sentence; empty where none is."""
    lacking = {extra: [p for p in _BROUGHT_BY[extra] if find_spec(p) is None] for extra in extras}
    lacking = {extra: packages for extra, packages in lacking.items() if packages}
    if not lacking:
        return ""
    package, names = next(iter(lacking.values()))[0], ",".join(lacking)
    # Its own bounds exclude the TensorFlow that may be there (docs/platforms.md).
    how = "--no-deps kapre==0.4.1" if package == "kapre" else f"'tfx-audio[{names}]'"
    return f"{what} needs {package}, which is not installed: pip install {how}"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("tfx-audio")
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, *extras = _NAMES[name]
    if missing := explain_missing(f"{__name__}.{name}", *extras):
        raise ModuleNotFoundError(missing)
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
