"""Artifact types of this project.

``TYPE_NAME`` is ``namespace.Class`` with a single dot, all that TFX's compiler for Kubeflow
Pipelines v2 accepts; the pods' entry point (`tfx_audio.pipeline.kubeflow.entrypoint`) tells TFX
which class is meant. What an artifact says of itself goes into custom properties; declared
properties fail there.
"""

from tfx.types import artifact


class RejectedClips(artifact.Artifact):
    """What a component set aside: JSON lines of `audio.rejection.Rejection`."""

    TYPE_NAME = "tfx_audio.RejectedClips"


class SoundBanks(artifact.Artifact):
    """Checked and resampled sounds, one subfolder a bank."""

    TYPE_NAME = "tfx_audio.SoundBanks"


class AugmentationHtml(artifact.Artifact):
    """One self-contained HTML page to see and hear what the augmentation did."""

    TYPE_NAME = "tfx_audio.AugmentationHtml"


class EvaluationHtml(artifact.Artifact):
    """One self-contained HTML page to see and hear what the model gets wrong."""

    TYPE_NAME = "tfx_audio.EvaluationHtml"
