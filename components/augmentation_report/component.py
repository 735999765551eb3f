"""`AugmentationReport`: a page to see and hear what the augmentation did."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleAnomalies, Examples

from tfx_audio.components.artifacts import AugmentationHtml, RejectedClips
from tfx_audio.components.augmentation_report import executor, visualization
from tfx_audio.components.augmentation_report.page import page_data
from tfx_audio.components.code_digest import import_closure_digest

MODEL_SECTIONS = ("frontend", "spec_augment")

visualization.register()


class AugmentationReportSpec(ComponentSpec):
    """The contract of `AugmentationReport`."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        executor.MODEL_KEY: ExecutionParameter(type=str),
        executor.CLIPS_PER_LABEL_KEY: ExecutionParameter(type=int),
        executor.MAX_COPIES_KEY: ExecutionParameter(type=int),
        executor.CODE_DIGEST_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        executor.EXAMPLES_KEY: ChannelParameter(type=Examples),
        executor.AUGMENTED_KEY: ChannelParameter(type=Examples),
        executor.REJECTED_KEY: ChannelParameter(type=RejectedClips, optional=True),
        executor.INGEST_REJECTED_KEY: ChannelParameter(type=RejectedClips, optional=True),
        executor.ANOMALIES_KEY: ChannelParameter(type=ExampleAnomalies, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {
        executor.REPORT_KEY: ChannelParameter(type=AugmentationHtml)
    }


class AugmentationReport(BaseComponent):
    """Writes one self-contained HTML page: clips and copies to hear and see, and the run's tables.

    Outputs:
      `report`: `index.html`, which a notebook shows inline (`context.show`).
    """

    SPEC_CLASS = AugmentationReportSpec
    EXECUTOR_SPEC = ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        augmented_examples: BaseChannel,
        rejected: BaseChannel | None = None,
        ingest_rejected: BaseChannel | None = None,
        anomalies: BaseChannel | None = None,
        model: Mapping[str, Any] | None = None,
        clips_per_label: int = 2,
        max_copies: int = 4,
        code_digest: str | None = None,
    ) -> None:
        """Define the component.

        Args:
          examples: What was ingested.
          augmented_examples: What AudioAugmenter made of it.
          rejected: AudioAugmenter's rejected copies.
          ingest_rejected: AudioExampleGen's rejected files.
          anomalies: What ExampleValidator found.
          model: The configuration's ``model`` section as plain values, so that the pictures are
            what the network sees; only ``frontend`` and ``spec_augment`` are read. None for the
            defaults.
          clips_per_label: Source clips shown of every label.
          max_copies: Copies shown of every source clip.
          code_digest: Digest of the code that runs; by default of this checkout's.
        """
        sections = {name: (model or {})[name] for name in MODEL_SECTIONS if name in (model or {})}
        spec = AugmentationReportSpec(
            examples=examples,
            augmented_examples=augmented_examples,
            rejected=rejected,
            ingest_rejected=ingest_rejected,
            anomalies=anomalies,
            model=json.dumps(sections, sort_keys=True) if sections else "",
            clips_per_label=clips_per_label,
            max_copies=max_copies,
            code_digest=code_digest or import_closure_digest(executor.__name__, data=page_data()),
            report=Channel(type=AugmentationHtml),
        )
        super().__init__(spec=spec)
