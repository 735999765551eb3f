"""`EvaluationReport`: a page to see and hear what the model gets wrong."""

import json
import os

import numpy as np
import tensorflow as tf
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model, ModelEvaluation
from tfx.utils import path_utils

from tfx_audio.components.artifacts import EvaluationHtml
from tfx_audio.components.augmentation_report.page import PAGE_FILE, render_page
from tfx_audio.components.evaluation_report.blessing import missed_thresholds
from tfx_audio.components.evaluation_report.evaluation_page import PAGE, build_evaluation


@component
def EvaluationReport(
    examples: InputArtifact[Examples],
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    report: OutputArtifact[EvaluationHtml],
    example_splits: Parameter[str],
    frontend: Parameter[str] = "{}",
    code_digest: Parameter[str] = "",
) -> None:
    """Score held-out clips once more and write ``index.html``.

    Args:
      examples: Examples of the data contract.
      model: A SavedModel whose ``serving_default`` takes serialised examples and answers with
        ``labels`` and ``scores``.
      evaluation: What Evaluator found, for the thresholds that were missed.
      report: The page.
      example_splits: A JSON list of the splits that judge the model; the first decides.
      frontend: The configuration's ``model.frontend`` as JSON, for the pictures.
      code_digest: Digest of the code that runs, for the cache key.
    """
    folders = [artifact_utils.get_split_uri([examples], s) for s in json.loads(example_splits)]
    loaded = tf.saved_model.load(path_utils.serving_model_path(model.uri))
    serve = loaded.signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]

    def ask(records: list[bytes]) -> tuple[list[str], np.ndarray]:
        answer = serve(**{name: tf.constant(records)})
        return [s.decode("utf-8") for s in answer["labels"].numpy()[0]], answer["scores"].numpy()

    missed = missed_thresholds(evaluation.uri)
    page = render_page(build_evaluation(folders, ask, missed, json.loads(frontend)), PAGE)
    fileio.makedirs(report.uri)
    with fileio.open(os.path.join(report.uri, PAGE_FILE), "wb") as file:
        file.write(page)
