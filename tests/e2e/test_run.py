"""`tfx-audio run` from files to a pushed model, run again from its cache, and its exit codes.

One root serves the whole module: every test builds on the runs before it, in file order.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tfx_audio.pipeline.clips.demo_data import write_demo_data
from tfx_audio.pipeline.results.metadata_store import read_runs

pytestmark = pytest.mark.e2e

QUICK = [
    "--set=train.steps=30",
    "--set=model.window_s=0.5",
    "--set=evaluate.min_accuracy=0",
    "--set=evaluate.min_noisy_accuracy=0",
    "--set=evaluate.max_regression=1",
]
BEFORE_AUGMENTER = ["AudioExampleGen", "StatisticsGen", "AudioSchemaGen", "ExampleValidator"]
POLICY = {
    "seed": 3,
    "copies_per_clip": 1,
    "transforms": [
        {"name": "PitchShift", "min_semitones": -2, "max_semitones": 2, "p": 0.5},
        {"name": "Shift", "p": 0.5},
        {"name": "AddGaussianNoise", "p": 0.5},
    ],
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A working directory with folders of its own that carry our folders' names."""
    folder = tmp_path_factory.mktemp("user's work dir")
    for name in ("components", "pipeline", "schemas"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(
            "raise ImportError('the user\\'s own package')\n"
        )
    write_demo_data(folder / "sounds", clips_per_class=14)
    (folder / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    return folder


def tfx_audio(workdir, *args, status=0):
    command = [str(Path(sys.executable).parent / "tfx-audio"), *args]
    done = subprocess.run(command, cwd=workdir, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def run(workdir, *more, status=0):
    args = ["run", "--data", "sounds", "--root", "out", "--policy", "policy.yaml", *QUICK, *more]
    return tfx_audio(workdir, *args, status=status)


def states(workdir):
    last = read_runs(workdir / "out" / "metadata.sqlite")[-1]
    return {node.node_id: node.state for node in last.nodes}


def test_a_first_run_ends_with_a_pushed_model_and_a_whole_summary(workdir):
    done = run(workdir)
    summary = json.loads((workdir / "out" / "summary.json").read_text())

    assert sum(summary["clips"].values()) == 140
    assert summary["augmented"] == summary["clips"]["train"]
    assert summary["rejected"] == {}
    assert len(summary["labels"]) == 10
    assert summary["evaluation"]["split"] == "test"
    assert next(iter(summary["evaluation"]["by_condition"])) == "clean"
    assert "noise_10db" in summary["evaluation"]["by_condition"]
    assert summary["evaluation"]["accuracy"] == summary["evaluation"]["by_condition"]["clean"]
    confusion = summary["evaluation"]["confusion"]["clean"]
    for label, accuracy in summary["evaluation"]["by_label"].items():
        clips = sum(n for true, _, n in confusion if true == label)
        right = sum(n for true, predicted, n in confusion if true == predicted == label)
        assert right / clips == pytest.approx(accuracy), label
    assert "Confusion on test, clean" in done.stdout
    assert list((workdir / "out" / "tensorboard" / summary["run_id"]).glob("events*"))
    assert summary["blessed"] is True
    assert os.path.exists(os.path.join(summary["pushed_uri"], "saved_model.pb"))
    assert os.path.exists(summary["report_uri"])
    assert os.path.exists(summary["evaluation_report_uri"])
    assert summary["missed_thresholds"] == []
    assert set(states(workdir).values()) == {"COMPLETE"}
    assert "Traceback" not in done.stderr
    assert "accuracy" in done.stdout


def test_the_second_run_evaluates_against_the_first(workdir):
    run(workdir)
    ran = {node for node, state in states(workdir).items() if state != "CACHED"}
    assert ran <= {"latest_blessed_model", "Evaluator", "Pusher", "EvaluationReport"}


def test_the_third_run_is_cached(workdir):
    run(workdir)
    ran = {node for node, state in states(workdir).items() if state != "CACHED"}
    assert ran <= {"latest_blessed_model"}  # a resolver only looks things up
    summary = json.loads((workdir / "out" / "summary.json").read_text())
    assert summary["pushed_uri"]
    assert summary["augmented"] > 0


def test_a_changed_policy_runs_the_augmenter_and_what_follows(workdir):
    changed = POLICY | {"seed": 4}
    (workdir / "policy.yaml").write_text(yaml.safe_dump(changed))
    run(
        workdir,
        "--beam-arg=--direct_running_mode=multi_processing",
        "--beam-arg=--direct_num_workers=2",
    )
    after = states(workdir)
    assert [after[node] for node in (*BEFORE_AUGMENTER, "Transform")] == ["CACHED"] * 5
    assert after["AudioAugmenter"] == after["Trainer"] == "COMPLETE"


def test_metadata_is_a_real_sqlite_database(workdir):
    with sqlite3.connect(workdir / "out" / "metadata.sqlite") as database:
        (count,) = database.execute("select count(*) from Execution").fetchone()
    assert count == sum(len(r.nodes) for r in read_runs(workdir / "out" / "metadata.sqlite"))


def test_predict_answers_for_another_rate_and_length(workdir):
    import numpy as np
    import soundfile

    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(44_100 * 2) / 44_100)
    soundfile.write(workdir / "two seconds.flac", tone, 44_100)
    soundfile.write(workdir / "short.wav", tone[:2_000], 22_050)
    done = tfx_audio(workdir, "predict", "--model", "out/pushed", "two seconds.flac", "short.wav")
    lines = [line for line in done.stdout.splitlines() if "short.wav" in line or "two sec" in line]
    assert len(lines) == 2


def test_two_roots_do_not_touch_each_other(workdir):
    assert not (workdir / "metadata.sqlite").exists()
    assert sorted(p.name for p in workdir.iterdir() if p.is_dir()) == [
        "components",
        "out",
        "pipeline",
        "schemas",
        "sounds",
    ]


def empty_folder(workdir):
    (workdir / "empty").mkdir(exist_ok=True)
    return ["--data", "empty"], "empty"


def one_class(workdir):
    shutil.copytree(workdir / "sounds/sine", workdir / "one/sine", dirs_exist_ok=True)
    return ["--data", "one"], "class"


def unknown_transform(workdir):
    (workdir / "bad.yaml").write_text("transforms: [{name: PichShift}]\n")
    return ["--data", "sounds", "--policy", "bad.yaml"], "PitchShift"


def unknown_parameter(workdir):
    (workdir / "bad.yaml").write_text("transforms: [{name: PitchShift, min_semitone: 2}]\n")
    return ["--data", "sounds", "--policy", "bad.yaml"], "min_semitones"


def not_yaml(workdir):
    (workdir / "bad.yaml").write_text("transforms: [\n")
    return ["--data", "sounds", "--policy", "bad.yaml"], "bad.yaml"


def unwritable_root(workdir):
    (workdir / "a file").write_text("")
    return ["--data", "sounds", "--root", "a file"], "a file"


@pytest.mark.parametrize(
    "case",
    [
        lambda workdir: (["--data", "no such folder"], "no such folder"),
        empty_folder,
        one_class,
        lambda workdir: (["--data", "sounds", "--label-from", "{label}+{x}"], "{label}+{x}"),
        lambda workdir: (["--data", "sounds", "--set=split.select={test: x in 1}"], "x"),
        unknown_transform,
        unknown_parameter,
        not_yaml,
        unwritable_root,
        lambda workdir: (["--data", "sounds", "--set=train.step=3"], "train.steps"),
        lambda workdir: (["--data", "sounds", "--sound-bank=rain"], "NAME=VALUE"),
        lambda workdir: ([], "--data"),
    ],
)
def test_bad_input_is_one_message_and_status_2(workdir, case):
    args, expected = case(workdir)
    if "--root" not in args:
        args = [*args, "--root", "bad"]
    done = tfx_audio(workdir, "run", *args, *QUICK, status=2)
    assert "Traceback" not in done.stderr + done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tfx-audio run: ")
    assert expected in last


def test_the_tuners_best_values_are_in_the_exported_model(workdir):
    run(workdir, "--tune=trials=2", "--set=tune.steps=5")
    node = read_runs(workdir / "out" / "metadata.sqlite")[-1].node("Tuner")
    (best,) = node.outputs["best_hyperparameters"]
    values = json.loads((Path(best.uri) / "best_hyperparameters.txt").read_text())["values"]
    summary = json.loads((workdir / "out" / "summary.json").read_text())
    card = Path(summary["pushed_uri"]) / "assets.extra" / "model.json"
    frontend = json.loads(card.read_text())["frontend"]
    assert {name: frontend[name] for name in ("n_fft", "hop_length", "n_mels")} == {
        name: values[name] for name in ("n_fft", "hop_length", "n_mels")
    }
