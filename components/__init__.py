"""The public components and artifact types, loaded when first used.

``from tfx_audio.components import AudioAugmenter`` imports TFX; ``import tfx_audio.components``
does not, so that a Beam worker can import what lies below without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_audio.components.artifacts import AugmentationHtml, RejectedClips, SoundBanks
    from tfx_audio.components.audio_augmenter.component import AudioAugmenter
    from tfx_audio.components.audio_example_gen.component import AudioExampleGen
    from tfx_audio.components.audio_schema_gen.component import AudioSchemaGen
    from tfx_audio.components.augmentation_report.component import AugmentationReport
    from tfx_audio.components.sound_bank.component import SoundBank

_MODULES = {
    "AudioAugmenter": "tfx_audio.components.audio_augmenter.component",
    "AudioExampleGen": "tfx_audio.components.audio_example_gen.component",
    "AudioSchemaGen": "tfx_audio.components.audio_schema_gen.component",
    "AugmentationHtml": "tfx_audio.components.artifacts",
    "AugmentationReport": "tfx_audio.components.augmentation_report.component",
    "RejectedClips": "tfx_audio.components.artifacts",
    "SoundBank": "tfx_audio.components.sound_bank.component",
    "SoundBanks": "tfx_audio.components.artifacts",
}
__all__ = [
    "AudioAugmenter",
    "AudioExampleGen",
    "AudioSchemaGen",
    "AugmentationHtml",
    "AugmentationReport",
    "RejectedClips",
    "SoundBank",
    "SoundBanks",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
