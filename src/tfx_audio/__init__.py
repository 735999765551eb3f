"""A TFX pipeline for audio classification: ingest, reproducible augmentation on Beam, a model.

What is named here is the public API; `import tfx_audio` costs nothing, and each name loads what it
needs when it is first used: `Augmenter` loads no Beam, `AugmentClips` no TFX, `SpecAugment` no TFX.

    from tfx_audio import AudioAugmenter, load_policy

The packages beside this file are links to the repository's top-level folders.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
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

_MODULES = {
    "AudioAugmenter": "components.audio_augmenter.component",
    "AudioExampleGen": "components.audio_example_gen.component",
    "AudioSchemaGen": "components.audio_schema_gen.component",
    "AugmentClips": "components.audio_augmenter.transforms",
    "AugmentationFailed": "components.audio.augment.augmenter",
    "AugmentationHtml": "components.artifacts",
    "AugmentationReport": "components.augmentation_report.component",
    "Augmenter": "components.audio.augment.augmenter",
    "Clip": "components.audio.clip",
    "ClipNormalisation": "pipeline.model.frontend",
    "EvaluationHtml": "components.artifacts",
    "EvaluationReport": "components.evaluation_report.component",
    "Frontend": "components.audio.features",
    "LogMel": "pipeline.model.frontend",
    "ReadExamples": "components.audio_augmenter.transforms",
    "RejectedClips": "components.artifacts",
    "SoundBank": "components.sound_bank.component",
    "SoundBanks": "components.artifacts",
    "SpecAugment": "pipeline.model.spec_augment",
    "augment_dataset": "pipeline.model.on_the_fly",
    "clip_to_example": "components.audio.records.examples",
    "create_pipeline": "pipeline.definition",
    "example_to_clip": "components.audio.records.examples",
    "load_policy": "components.audio.policy.augmentation_policy",
    "read_records": "components.audio.records.tfrecord",
}
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("tfx-audio")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
