"""Shows a report artifact inline in a notebook (``context.show(report.outputs['report'])``)."""

import html
import os

from tfx.dsl.io import fileio
from tfx.orchestration.experimental.interactive import visualizations
from tfx.types import Artifact

from tfx_audio.components.artifacts import AugmentationHtml
from tfx_audio.components.augmentation_report.page import PAGE_FILE


class AugmentationHtmlVisualization(visualizations.ArtifactVisualization):
    """Draws the page in a frame of its own, so that its style and the notebook's stay apart."""

    ARTIFACT_TYPE = AugmentationHtml

    def display(self, artifact: Artifact) -> None:
        """Display the page below the cell."""
        from IPython.display import HTML, display

        with fileio.open(os.path.join(artifact.uri, PAGE_FILE), "rb") as file:
            page = file.read().decode("utf-8")
        display(HTML(frame(page)))


def frame(page: str) -> str:
    """Return an `iframe` that holds a page; its scripts can't reach the notebook."""
    return (
        '<iframe title="Augmentation report" sandbox="allow-scripts" width="100%" height="800" '
        f'srcdoc="{html.escape(page, quote=True)}"></iframe>'
    )


def register() -> None:
    """Tell TFX's registry, once, how to show an `AugmentationHtml`."""
    registry = visualizations.get_registry()
    if registry.get_visualization(AugmentationHtml.TYPE_NAME) is None:
        registry.register(AugmentationHtmlVisualization)
