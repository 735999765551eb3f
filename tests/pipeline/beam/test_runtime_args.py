import os

import pytest
from tfx.components import SchemaGen, StatisticsGen
from tfx.dsl.compiler.placeholder_utils import ResolutionContext, resolve_placeholder_expression
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.types.channel_utils import as_channel
from tfx.types.standard_artifacts import Examples

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_augmenter.executor import Executor
from tfx_audio.pipeline.beam import runtime_args
from tfx_audio.pipeline.beam.options import BeamConfig, beam_args
from tfx_audio.pipeline.beam.runtime_args import by_environment, set_beam_args


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))


def encoded(args):
    spec = BeamExecutorSpec(Executor)
    spec.add_beam_pipeline_args(by_environment("AudioAugmenter", args))
    return spec.encode()


def test_the_executor_spec_that_enters_the_cache_key_stays_the_same():
    few = encoded(["--runner=DirectRunner"])
    many = encoded(["--runner=DirectRunner", "--direct_num_workers=2", "--streaming"])

    assert few.SerializeToString() == many.SerializeToString()


def test_the_arguments_arrive_in_order_and_the_first_fills_the_slots(monkeypatch):
    monkeypatch.setattr(runtime_args, "SLOTS", 4)
    spec = encoded(["--runner=DirectRunner", "--direct_num_workers=2"])

    context = ResolutionContext(exec_info=ExecutionInfo())
    arrived = [
        resolve_placeholder_expression(one, context) for one in spec.beam_pipeline_args_placeholders
    ]
    assert arrived == [*["--runner=DirectRunner"] * 3, "--direct_num_workers=2"]


def test_more_arguments_than_slots_are_refused():
    with pytest.raises(InvalidInput, match="at most 24 arguments"):
        by_environment("X", ["--a=1"] * 25)


def test_an_unknown_component_is_refused_with_the_nearest_name() -> None:
    statistics = StatisticsGen(examples=as_channel([Examples()]))
    config = BeamConfig(components={"StatisticGen": {"workers": 2}})
    with pytest.raises(InvalidInput, match="Did you mean 'StatisticsGen'"):
        set_beam_args([statistics], config)


def test_every_beam_component_gets_its_own_arguments() -> None:
    statistics = StatisticsGen(examples=as_channel([Examples()]))
    schema = SchemaGen(statistics=statistics.outputs["statistics"])
    config = BeamConfig(components={"StatisticsGen": {"workers": 2}})
    set_beam_args([statistics, schema], config)
    assert statistics.executor_spec.beam_pipeline_args == beam_args(BeamConfig(workers=2))
