"""The table at the end of a run."""

import io

from rich.console import Console

from tfx_audio.pipeline.results.summary_table import print_summary

SUMMARY = {
    "clips": {"train": 80, "eval": 10, "test": 9},
    "augmented": 240,
    "rejected": {"unreadable": 1},
    "noted": {"rescaled to full scale": 3},
    "labels": ["[bold]cat", "dog"],
    "evaluation": {
        "split": "test",
        "labels": ["[bold]cat", "dog"],
        "accuracy": 0.9125,
        "by_condition": {"clean": 0.9125, "noise_10db": 0.5},
        "clips": {"clean": 80, "noise_10db": 80},
        "confusion": {
            "clean": [["[bold]cat", "[bold]cat", 41], ["[bold]cat", "dog", 7], ["dog", "dog", 32]]
        },
    },
    "blessed": True,
    "anomalies": [],
    "model_uri": "/r/Trainer/model/7",
    "pushed_uri": "/r/pushed/1",
    "report_uri": "",
    "missed_thresholds": [],
    "evaluation_report_uri": "/r/EvaluationReport/report/9/index.html",
    "components": {
        "AudioExampleGen": {"state": "CACHED", "seconds": 0.1},
        "Trainer": {"state": "COMPLETE", "seconds": 61.2},
    },
}


def test_every_figure_is_there_and_labels_are_text_not_markup():
    screen = io.StringIO()
    print_summary(SUMMARY, Console(file=screen, width=120))
    text = screen.getvalue()
    for expected in (
        "train 80, eval 10, test 9",
        "240 copies",
        "unreadable 1",
        "3 clips rescaled to full scale",
        "[bold]cat, dog",
        "0.912 on test",
        "noise_10db  0.500 of 80 clips",
        "/r/pushed/1",
        "AudioExampleGen cached, Trainer 61 s",
    ):
        assert expected in text, expected


def test_the_confusion_matrix_has_a_row_for_each_true_label():
    screen = io.StringIO()
    print_summary(SUMMARY, Console(file=screen, width=120))
    matrix = screen.getvalue().partition("Confusion on test, clean")[2].splitlines()
    assert [line.split() for line in matrix[-2:]] == [
        ["[bold]cat", "1", "41", "7"],
        ["dog", "2", "·", "32"],
    ]


def test_many_labels_show_the_largest_errors_instead():
    labels = [f"label {n}" for n in range(13)]
    confusion = [[labels[0], labels[n], n] for n in range(13)]
    evaluation = {**SUMMARY["evaluation"], "labels": labels, "confusion": {"clean": confusion}}
    screen = io.StringIO()
    print_summary({**SUMMARY, "evaluation": evaluation}, Console(file=screen))
    errors = [line for line in screen.getvalue().splitlines() if "taken for" in line]
    assert errors[0] == "label 0 taken for label 12: 12"
    assert len(errors) == 10


def test_a_model_that_is_not_blessed_says_what_was_wanted_and_what_came():
    missed = ["accuracy on clean: wanted 0.6, got 0.413"]
    screen = io.StringIO()
    summary = SUMMARY | {"blessed": False, "missed_thresholds": missed}
    print_summary(summary, Console(file=screen, width=120))
    assert "no; accuracy on clean: wanted 0.6, got 0.413" in screen.getvalue()
