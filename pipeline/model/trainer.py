"""`run_fn` of TFX's Trainer: augmented examples in, a SavedModel out."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import FnArgs

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.features import Frontend
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import SAMPLE_RATE_KEY
from tfx_audio.pipeline.model.checkpoint import Checkpoint
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.hyperparameters import apply_hyperparameters
from tfx_audio.pipeline.model.inputs import (
    cached,
    count,
    decoded_clips,
    eval_batches,
    fresh_clips,
    read_examples,
    window_for,
)
from tfx_audio.pipeline.model.preprocessing import VOCABULARY
from tfx_audio.pipeline.model.serving import Exporter
from tfx_audio.pipeline.model.summaries import SHOWN_CLIPS, Summaries, write_confusion
from tfx_audio.pipeline.model.training import ClipData, Trained, centred, train

MODEL, TRAIN, TUNE = "model", "train", "tune"
CHECKPOINT_DIR = "checkpoint_dir"
ON_THE_FLY_POLICY = "on_the_fly_policy"


class Inputs(NamedTuple):
    """What Trainer and Tuner read: clips, the transform graph, label names."""

    data: ClipData
    transform: Any
    labels: list[str]


def run_fn(fn_args: FnArgs) -> None:
    """Train on the `train` split, steered by `eval`, and export for serving."""
    custom = fn_args.custom_config or {}
    model_config = ModelConfig.model_validate(custom.get(MODEL, {}))
    train_config = TrainConfig.model_validate(custom.get(TRAIN, {}))
    if fn_args.hyperparameters:
        model_config, train_config = apply_hyperparameters(
            model_config, train_config, fn_args.hyperparameters["values"]
        )
    inputs = load_inputs(fn_args, model_config, train_config)
    checkpoint = Checkpoint(checkpoint_directory(fn_args))
    log_dir = fn_args.model_run_dir if train_config.tensorboard else ""
    callbacks = (Summaries(log_dir, first_windows(inputs.data)),) if log_dir else ()
    trained = train(model_config, train_config, inputs.data, checkpoint, callbacks)
    if log_dir:
        confusion, epoch = trained.result.confusion, trained.state.best_epoch
        write_confusion(log_dir, confusion, inputs.labels, epoch, "confusion on eval")
    card = model_card(model_config, inputs.data, trained)
    card["silent_labels"] = custom.get("silent_labels", [])
    Exporter(trained.model, inputs.transform, inputs.labels, card).write(fn_args.serving_model_dir)
    checkpoint.remove()


def first_windows(data: ClipData) -> tf.Tensor:
    """Return windows of a few training clips, to look at."""
    waveforms, _ = next(iter(eval_batches(data.train.take(SHOWN_CLIPS), SHOWN_CLIPS)))
    return centred(waveforms, data.window)


def load_inputs(fn_args: FnArgs, model_config: ModelConfig, train_config: TrainConfig) -> Inputs:
    """Read what a training needs: clips through the transform graph, cached."""
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    transform = transform_output.transform_features_layer()
    labels = [name.decode("utf-8") for name in transform_output.vocabulary_by_name(VOCABULARY)]
    sample_rate = schema_sample_rate(fn_args.schema_path)
    examples = read_examples(fn_args.train_files)
    window_s = model_config.window_s or window_for(examples)
    clips = decoded_clips(examples, transform)
    cache_file = os.path.join(fn_args.model_run_dir or fn_args.working_dir or "", "clips")
    train_clips = cached(clips, train_config.cache, f"{cache_file}-train")
    eval_clips = decoded_clips(read_examples(fn_args.eval_files), transform)
    data = ClipData(
        train=train_clips,
        evaluation=cached(eval_clips, train_config.cache, f"{cache_file}-eval"),
        num_train=count(train_clips),
        sample_rate=sample_rate,
        window=round(window_s * sample_rate),
        num_labels=len(labels),
        fresh=_fresh(fn_args, examples, transform, train_config),
    )
    return Inputs(data, transform, labels)


def _fresh(
    fn_args: FnArgs, examples: tf.data.Dataset, transform: Any, train_config: TrainConfig
) -> Callable[[int], tf.data.Dataset] | None:
    """Return the stream of freshly augmented clips, where a policy is to run on the fly."""
    custom = fn_args.custom_config or {}
    if not custom.get(ON_THE_FLY_POLICY):
        return None
    policy = AugmentationPolicy.from_json(custom[ON_THE_FLY_POLICY])
    return fresh_clips(examples, transform, policy, train_config.seed)


def schema_sample_rate(path: str) -> int:
    """Read the data's sample rate from its schema.

    Raises:
      InvalidInput: If the schema does not state exactly one.
    """
    with tf.io.gfile.GFile(path) as file:
        schema = text_format.Parse(file.read(), schema_pb2.Schema())
    for feature in schema.feature:
        domain = feature.int_domain
        if feature.name == SAMPLE_RATE_KEY and 0 < domain.min == domain.max:
            return int(domain.min)
    raise InvalidInput(
        f"the schema must give feature {SAMPLE_RATE_KEY!r} an int_domain with min equal to max; "
        f"{path} does not"
    )


def checkpoint_directory(fn_args: FnArgs) -> str:
    """Return this training's checkpoint folder; every other input or setting has another."""
    custom = dict(fn_args.custom_config or {})
    root = custom.pop(CHECKPOINT_DIR, "") or fn_args.model_run_dir
    if not root:
        return ""
    facts = [
        fn_args.train_files,
        fn_args.eval_files,
        fn_args.transform_graph_path,
        fn_args.hyperparameters,
        custom,
    ]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    return os.path.join(root, key)


def model_card(config: ModelConfig, data: ClipData, trained: Trained) -> dict[str, Any]:
    """Collect the facts that lie beside an exported model."""
    frontend = Frontend.derive(data.sample_rate, config.frontend)
    return {
        "sample_rate": data.sample_rate,
        "window": data.window,
        "max_windows": config.max_windows,
        "frontend": dataclasses.asdict(frontend),
        "model": config.model_dump(mode="json"),
        "parameters": int(trained.model.count_params()),
        "epochs": trained.state.epoch,
        "best_epoch": trained.state.best_epoch,
        "eval": {"accuracy": trained.result.accuracy, "loss": trained.result.loss},
    }
