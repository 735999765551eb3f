"""`create_pipeline`: the graph, and nothing else."""

import json
import os
from collections.abc import Mapping
from typing import Any, Literal

import tensorflow_data_validation as tfdv
from tfx.components.evaluator.component import Evaluator
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.pusher.component import Pusher
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration import metadata, pipeline
from tfx.proto import pusher_pb2, trainer_pb2
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio_augmenter.component import AudioAugmenter
from tfx_audio.components.audio_example_gen.component import AudioExampleGen
from tfx_audio.components.audio_example_gen.config import statistics_features
from tfx_audio.components.audio_schema_gen.component import AudioSchemaGen
from tfx_audio.components.audio_schema_gen.strict import StrictExecutor
from tfx_audio.components.augmentation_report.component import AugmentationReport
from tfx_audio.components.augmentation_report.page import page_data
from tfx_audio.components.code_digest import import_closure_digest
from tfx_audio.components.evaluation_report.component import EvaluationReport
from tfx_audio.components.evaluation_report.evaluation_page import PAGE
from tfx_audio.components.sound_bank.component import SoundBank
from tfx_audio.pipeline.beam.runtime_args import set_beam_args
from tfx_audio.pipeline.config import PipelineConfig
from tfx_audio.pipeline.results.evaluation import build_eval_config
from tfx_audio.pipeline.run_inputs import PipelineInputs

Target = Literal["local", "kubeflow", "vertex"]
_EVALUATION_REPORT = "tfx_audio.components.evaluation_report.component"
_PREPROCESSING = "tfx_audio.pipeline.model.preprocessing"
_TRAINER = "tfx_audio.pipeline.model.trainer"
_TUNER = "tfx_audio.pipeline.model.tuner"


def create_pipeline(
    config: PipelineConfig, inputs: PipelineInputs, target: Target = "local"
) -> pipeline.Pipeline:
    """Build the pipeline of one configuration.

    Args:
      config: The run's configuration.
      inputs: What was read from disk for it: policy, data digest, sample rate, bank digests.
      target: ``local`` and ``vertex`` have a resolver for the baseline model; an open-source
        Kubeflow runs containers and importers only, so there the baseline comes by importer
        (``evaluate.baseline_model``) or not at all.
    """
    nodes = _data_nodes(config, inputs)
    nodes |= _augmentation_nodes(config, inputs, nodes)
    nodes |= _model_nodes(config, inputs, nodes)
    nodes |= _evaluation_nodes(config, inputs, nodes, target)
    ordered = list(nodes.values())
    set_beam_args(ordered, config.beam, in_this_process=target == "local")
    return pipeline.Pipeline(
        pipeline_name=config.name,
        pipeline_root=os.path.join(config.root, "artifacts"),
        components=ordered,
        enable_cache=True,
        metadata_connection_config=(
            metadata.sqlite_metadata_connection_config(config.metadata_path)
            if target == "local"
            else None
        ),
    )


def _data_nodes(config: PipelineConfig, inputs: PipelineInputs) -> dict[str, BaseNode]:
    example_gen = AudioExampleGen(
        input_base=inputs.ingest.path,
        split=inputs.split,
        data_digest=inputs.data_digest,
        failed_dir=config.failed_dir,
        max_rejected_fraction=config.max_rejected_fraction,
        **inputs.ingest.model_dump(exclude={"path"}),
    )
    examples = example_gen.outputs["examples"]
    looked_at = statistics_features(inputs.ingest)
    statistics_gen = StatisticsGen(
        examples=examples, stats_options=tfdv.StatsOptions(feature_allowlist=looked_at)
    )
    statistics = statistics_gen.outputs["statistics"]
    schema_gen = AudioSchemaGen(
        statistics=statistics, validation_config=config.validation.model_dump_json()
    )
    validator = ExampleValidator(statistics=statistics, schema=schema_gen.outputs["schema"])
    if config.validation.strict:
        validator.executor_spec = ExecutorClassSpec(StrictExecutor)
    return {
        "example_gen": example_gen,
        "statistics_gen": statistics_gen,
        "schema_gen": schema_gen,
        "validator": validator,
    }


def _augmentation_nodes(
    config: PipelineConfig, inputs: PipelineInputs, nodes: Mapping[str, BaseNode]
) -> dict[str, BaseNode]:
    added: dict[str, BaseNode] = {}
    sound_banks: Channel | None = None
    if inputs.policy.sound_banks:
        added["sound_bank"] = SoundBank(
            banks=inputs.banks,
            bank_digest=inputs.bank_digest,
            sample_rate=inputs.sample_rate,
            failed_dir=config.failed_dir,
            max_rejected_fraction=config.max_rejected_fraction,
        )
        sound_banks = added["sound_bank"].outputs["sound_banks"]
    example_gen = nodes["example_gen"]
    augmenter = added["augmenter"] = AudioAugmenter(
        examples=example_gen.outputs["examples"],
        policy=inputs.policy,
        sound_banks=sound_banks,
        evaluation_split=inputs.judged_split,
        failed_dir=config.failed_dir,
        max_rejected_fraction=config.max_rejected_fraction,
    )
    augmenter.add_upstream_node(nodes["validator"])  # nothing is made of data not yet validated
    added["report"] = AugmentationReport(
        examples=example_gen.outputs["examples"],
        augmented_examples=augmenter.outputs["augmented_examples"],
        rejected=augmenter.outputs["rejected"],
        ingest_rejected=example_gen.outputs["rejected"],
        anomalies=nodes["validator"].outputs["anomalies"],
        model=config.model.model_dump(mode="json"),
    )
    return added


def _model_nodes(
    config: PipelineConfig, inputs: PipelineInputs, nodes: Mapping[str, BaseNode]
) -> dict[str, BaseNode]:
    schema = nodes["schema_gen"].outputs["schema"]
    transform = Transform(
        examples=nodes["example_gen"].outputs["examples"],
        schema=schema,
        preprocessing_fn=f"{_PREPROCESSING}.preprocessing_fn",
        materialize=False,
        disable_statistics=True,
        custom_config={"code_digest": import_closure_digest(_PREPROCESSING)},
    )
    transform.add_upstream_node(nodes["validator"])
    channels: dict[str, Any] = {
        "examples": nodes["augmenter"].outputs["augmented_examples"],
        "schema": schema,
        "transform_graph": transform.outputs["transform_graph"],
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["eval"]),
    }
    added: dict[str, BaseNode] = {"transform": transform}
    hyperparameters = None
    if config.tune.trials:
        tuner = added["tuner"] = Tuner(
            tuner_fn=f"{_TUNER}.tuner_fn",
            custom_config=_custom_config(config, inputs.policy, _TUNER),
            **channels,
        )
        hyperparameters = tuner.outputs["best_hyperparameters"]
    added["trainer"] = Trainer(
        run_fn=f"{_TRAINER}.run_fn",
        hyperparameters=hyperparameters,
        custom_config=_custom_config(config, inputs.policy, _TRAINER),
        **channels,
    )
    return added


def _custom_config(
    config: PipelineConfig, policy: AugmentationPolicy, module: str
) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
        "on_the_fly_policy": policy.to_json() if config.augment.on_the_fly else "",
        "code_digest": import_closure_digest(module),
    }
    if config.data.silent_labels:
        tree["silent_labels"] = list(config.data.silent_labels)
    if module == _TUNER:
        tree["tune"] = config.tune.model_dump(mode="json")
    elif "://" not in config.root:  # a later run finds what a killed one left
        tree["checkpoint_dir"] = os.path.join(config.root, "checkpoints")
    return json.loads(json.dumps(tree, sort_keys=True))


def _evaluation_nodes(
    config: PipelineConfig, inputs: PipelineInputs, nodes: Mapping[str, BaseNode], target: Target
) -> dict[str, BaseNode]:
    added: dict[str, BaseNode] = {}
    baseline = _baseline(config, target)
    if baseline is not None:
        added["baseline"] = baseline
    key = "result" if isinstance(baseline, Importer) else "model"
    conditions = list(inputs.policy.conditions)
    splits = [f"{inputs.judged_split}_{condition}" for condition in conditions]
    augmented = nodes["augmenter"].outputs["augmented_examples"]
    trainer = nodes["trainer"]
    evaluator = added["evaluator"] = Evaluator(
        examples=augmented,
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs[key] if baseline is not None else None,
        example_splits=splits,
        schema=nodes["schema_gen"].outputs["schema"],
        eval_config=build_eval_config(
            config.evaluate, conditions, has_baseline=baseline is not None
        ),
    )
    added["pusher"] = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=config.push_dir)
        ),
    )
    added["evaluation_report"] = EvaluationReport(
        examples=augmented,
        model=trainer.outputs["model"],
        evaluation=evaluator.outputs["evaluation"],
        example_splits=json.dumps(splits),
        frontend=config.model.frontend.model_dump_json(),
        code_digest=import_closure_digest(_EVALUATION_REPORT, data=page_data(PAGE)),
    )
    return added


def _baseline(config: PipelineConfig, target: Target) -> BaseNode | None:
    if target == "kubeflow":
        if not config.evaluate.baseline_model:
            return None
        return Importer(
            source_uri=config.evaluate.baseline_model, artifact_type=standard_artifacts.Model
        ).with_id("baseline_model")
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model")
