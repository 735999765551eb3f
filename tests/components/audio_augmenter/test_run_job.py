import dataclasses

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import load_policy, parse_policy
from tfx_audio.components.audio_augmenter.job import AugmentationJob
from tfx_audio.components.audio_augmenter.run_job import average_copies, run_job

CLASSIC = load_policy("classic")


def make_pipeline(args):
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(args))


def make_job(inputs, out, policy=CLASSIC, **changes):
    return AugmentationJob(
        policy=policy,
        inputs=inputs,
        split_uri=lambda split: str(out / f"Split-{split}"),
        rejected_dir=str(out / "rejected"),
        progress_dir=str(out / ".progress"),
        **changes,
    )


def of(splits, *names):
    return {name: [f"{splits}/Split-{name}/*"] for name in names}


def test_the_test_split_is_judged_where_there_is_one_else_eval(tmp_path):
    inputs = {"train": [], "eval": [], "test": []}

    assert make_job(inputs, tmp_path).judged_split == "test"
    assert make_job({"train": [], "eval": []}, tmp_path).judged_split == "eval"
    assert make_job({"train": []}, tmp_path).output_splits == ["train"]
    assert make_job(inputs, tmp_path, evaluation_split="eval").output_splits == [
        "train",
        "eval",
        "eval_clean",
        "eval_noise_20db",
        "eval_noise_10db",
        "eval_noise_0db",
    ]


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"needs a split 'train'; the examples have eval"):
        make_job({"eval": []}, tmp_path).check()


def test_a_missing_sound_bank_is_named(tmp_path):
    policy = parse_policy("{transforms: [{name: AddBackgroundNoise, sounds: street}]}")

    with pytest.raises(InvalidInput, match=r"sound bank 'street', which .* given: none"):
        make_job({"train": []}, tmp_path, policy).check()


def test_labels_that_the_data_lacks_are_found_before_anything_is_written(splits, tmp_path):
    policy = dataclasses.replace(CLASSIC, labels={"siren": {"PitchShift": "off"}})

    with pytest.raises(InvalidInput, match="the data has no label 'siren'"):
        run_job(make_job(of(splits, "train"), tmp_path / "out", policy), make_pipeline)
    assert not list((tmp_path / "out").glob("Split-*"))


def test_balance_counts_the_labels_first(write_records, make_example, tmp_path):
    records = [make_example(f"c{i}.wav", "common") for i in range(3)]
    write_records(tmp_path / "in/data", [*records, make_example("r.wav", "rare")])
    policy = dataclasses.replace(CLASSIC, balance="by_label", copies_per_clip=0)

    counts = run_job(
        make_job({"train": [f"{tmp_path}/in/*"]}, tmp_path / "out", policy), make_pipeline
    )

    assert (counts.kept, counts.augmented) == (4, 2)
    assert average_copies(policy, {"common": 3, "rare": 1}) == 0.5


def test_the_average_clip_gets_the_policys_copies_unless_labels_differ():
    assert average_copies(CLASSIC, None) == 2
