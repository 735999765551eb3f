"""The command's frame: help, versions, exit statuses."""

import pytest

import tfx_audio
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.pipeline import cli
from tfx_audio.pipeline.commands import doctor


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"tfx-audio {command}" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("tfx-audio 0.")


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["run", "--no-such-flag"]])
def test_wrong_arguments_exit_with_2(arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "there is no command 'rnu'. Did you mean 'run'?"),
        (["run", "--polcy=x"], "run does not take --polcy=x. Did you mean '--policy'?"),
        (["run", "--zzz", "y"], "run does not take --zzz y."),
    ],
)
def test_a_wrong_word_gets_the_nearest_right_one(capsys, arguments, said):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert capsys.readouterr().err.endswith(f"tfx-audio: error: {said}\n")


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (InvalidInput("expected a, got b"), 2, "tfx-audio doctor: expected a, got b\n"),
        (TooManyRejected("3 of 4"), 1, "tfx-audio doctor: 3 of 4\n"),
        (KeyboardInterrupt(), 130, "tfx-audio: interrupted\n"),
    ],
)
def test_what_a_command_raises_becomes_a_message_and_a_status(
    monkeypatch, capsys, raised, status, said
):
    def fail(args):
        raise raised

    monkeypatch.setattr(doctor, "run", fail)
    assert cli.main(["doctor"]) == status
    assert capsys.readouterr().err == said


def test_a_missing_extra_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(tfx_audio, "find_spec", lambda package: None)
    assert cli.main(["run", "--data", "x"]) == 2
    said = "needs tfx, which is not installed: pip install 'tfx-audio[pipeline]'"
    assert capsys.readouterr().err == f"tfx-audio run {said}\n"


def test_every_command_but_doctor_names_its_extra():
    named = [command for commands in cli._EXTRAS.values() for command in commands]
    assert sorted(named) == sorted(set(cli.COMMANDS) - {"doctor"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("no-such-scheme://x/y", "Unable to get filesystem"),
        ("s3://bucket/audio", "s3:// is opened on Kubeflow only"),
    ],
)
def test_a_store_that_can_not_be_opened_is_one_sentence(capsys, tmp_path, data, words):
    out = str(tmp_path / "out.html")
    assert cli.main(["preview", "--data", data, "--out", out]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tfx-audio preview: ")
    assert words in said
    assert said.count("\n") == 1


def test_doctor_warns_of_what_an_extra_leaves_out(monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(doctor, "_release", lambda package: ())
    findings = list(doctor.examine())
    text = "not installed: the extra pipeline brings it"
    assert doctor.Finding("warning", "no-such-package", text) in findings
    assert not [finding for finding in findings if finding.level == "error"]


def test_doctor_finds_the_stack_sound(capsys):
    assert cli.main(["doctor", "--quick"]) == 0
    assert "audiomentations" in capsys.readouterr().out
    codecs = [f.text for f in doctor.examine(load_tensorflow=False) if f.subject == "codecs"]
    assert len(codecs) == 1
    assert ": WAV, WAVEX, FLAC, OGG, MP3, AIFF; FFmpeg by PyAV " in codecs[0]


def test_doctor_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    findings = list(doctor.examine(load_tensorflow=False))
    assert doctor.Finding("error", "no-such-package", "not installed") in findings
