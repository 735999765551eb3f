"""Figures out of a model's answers, against closed forms."""

import math

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.evaluation_report.evaluated_clips import (
    MAX_OF_A_CELL,
    EvaluatedClip,
    calibration_error,
    choose_shown,
    count_right,
    evaluate_clips,
    reliability,
    wilson_interval,
)


def evaluated(clip_id, label, predicted, score, condition="clean", label_score=0.1, group=""):
    own = score if label == predicted else label_score
    return EvaluatedClip(clip_id, condition, label, group, 1.0, own, {predicted: score})


def test_every_record_gets_its_own_answer_in_batches():
    rows = {f"{n}.wav": np.roll([0.7, 0.2, 0.1], n) for n in range(70)}
    records = [
        clip_to_example(
            Clip(name, np.full(2_000, 0.1, np.float32), 1_000, label="b", group="g",
                 condition="noise_0db")
        )
        for name in rows
    ]  # fmt: skip
    order, sizes = iter(rows.values()), []

    def ask(batch):
        sizes.append(len(batch))
        return ["a", "b", "c"], np.array([next(order) for _ in batch])

    clips = list(evaluate_clips(records, ask))
    assert sizes == [32, 32, 6]
    assert [clip.predicted for clip in clips[:4]] == ["a", "b", "c", "a"]
    assert [clip.label_score for clip in clips[:3]] == pytest.approx([0.2, 0.7, 0.1])
    assert clips[0] == EvaluatedClip(
        "0.wav", "noise_0db", "b", "g", 2.0, 0.2, {"a": 0.7, "b": 0.2, "c": 0.1}
    )


def test_a_label_that_the_model_does_not_know_scores_nothing():
    record = clip_to_example(Clip("a", np.zeros(9, np.float32), 1_000, label="new"))
    (clip,) = evaluate_clips([record], lambda batch: (["a", "b"], np.array([[0.4, 0.6]])))
    assert (clip.predicted, clip.score, clip.label_score) == ("b", 0.6, 0.0)
    assert not clip.is_right


def test_wilsons_interval_is_the_solution_of_his_equation():
    """Both ends p fulfil (share - p)^2 = z^2 p (1 - p) / n."""
    for right, clips in ((7, 10), (1, 3), (90, 200)):
        for p in wilson_interval(right, clips):
            z = 1.959963984540054
            assert (right / clips - p) ** 2 == pytest.approx(z * z * p * (1 - p) / clips)
    assert wilson_interval(0, 5)[0] == 0.0
    assert wilson_interval(5, 5) == pytest.approx((5 / (5 + 1.959963984540054**2), 1.0))


def test_right_answers_are_counted_by_row_and_condition():
    clips = [
        evaluated("1", "a", "a", 0.9),
        evaluated("2", "a", "b", 0.9),
        evaluated("3", "b", "b", 0.9),
        evaluated("4", "a", "b", 0.9, "noise"),
    ]
    assert count_right(clips, lambda clip: clip.label) == {
        "a": {"clean": (1, 2), "noise": (0, 1)},
        "b": {"clean": (1, 1)},
    }


def test_each_cells_worst_clip_comes_before_any_second():
    clips = [
        *(evaluated(f"many{n}", "a", "b", 0.8, label_score=0.01 * n) for n in range(9)),
        evaluated("few", "b", "a", 0.6, label_score=0.3),
        evaluated("noisy", "a", "b", 0.8, "noise", label_score=0.0),
        evaluated("sure", "a", "a", 0.9),
        evaluated("unsure", "a", "a", 0.4),
    ]
    shown = [clip.clip_id for clip in choose_shown(clips, ["clean", "noise"])]
    assert shown == ["many0", "few", "noisy", "unsure", "many1", "many2", "many3", "many4"]
    assert shown.count("sure") == 0
    assert sum(name.startswith("many") for name in shown) == MAX_OF_A_CELL


def test_reliability_by_bins_and_the_calibration_error():
    clips = [evaluated(str(n), "a", "a", 0.95) for n in range(3)]
    clips += [
        evaluated("x", "a", "b", 0.95),
        evaluated("y", "a", "b", 0.25),
        evaluated("z", "a", "a", 1.0),
    ]
    curve = reliability(clips)
    assert [n for *_, n in curve] == [1, 5]
    assert curve[0][:2] == pytest.approx((0.25, 0.0))
    assert curve[1][:2] == pytest.approx(((4 * 0.95 + 1.0) / 5, 0.8))
    assert calibration_error(curve) == pytest.approx((0.25 + 5 * abs(0.96 - 0.8)) / 6)
    assert math.isclose(calibration_error([]), 0.0)
