"""Configurations that can't be meant: refused before anything runs, in one sentence."""

import os
import time

import pytest

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean, explain_system
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.reading.name_pattern import parse_name_pattern
from tfx_audio.components.audio.regular_file import open_regular
from tfx_audio.components.audio.splits import parse_selection
from tfx_audio.pipeline.config import load_config

MANY_DIGITS = "9" * 5000


def load(text, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    return load_config(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: 2001-99-99\ndata: 2001-99-99", "data"),
        ("data: " + "[" * 3000 + "]" * 3000, "nested|deep"),
        ("data: " + "{a: " * 3000 + "1" + "}" * 3000, "nested|deep"),
        (f"data: {{path: a}}\ntrain: {{steps: {MANY_DIGITS}}}", "can't be read|not YAML"),
        ("data: {path: a}\ndata: {path: b}", "'data' is given twice"),
        ("data: {path: a, path: b}", "'path' is given twice"),
        ("data: &a {path: *a}", "alias"),
        ("data: !!python/object/apply:os.system [ls]", "plain data|tag"),
        ("data: {path: a, window_s: 1e-300}", "data.window_s"),
        ("data: {path: a}\ntrain: {batch_size: 100000000000000000000}", "train.batch_size"),
        ("data: {path: a}\ntrain: {learning_rate: .inf}", "train.learning_rate"),
        ("data: {path: a}\ntune: {n_mels: [0]}", "tune.n_mels"),
        ("data: {path: a}\naugment: {seed: 100000000000000000000}", "augment.seed"),
        ("data: {path: a}\nmodel: {backbone: resnet_smal}", "Did you mean 'resnet_small'"),
        ("data: {path: a}\nmodel: {backbone: 'no module:f'}", "module:function"),
        ("- 1", "mapping"),
        ("\0", "not YAML"),
    ],
)
def test_a_configuration_is_refused_in_one_sentence(text, said, tmp_path):
    begin = time.monotonic()
    with pytest.raises(InvalidInput, match=said) as refused:
        load(text, tmp_path)
    assert len(str(refused.value)) < 1000
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("value", ["[" * 3000, MANY_DIGITS, "2001-99-99"])
def test_so_is_a_value_of_the_command_line(value):
    with pytest.raises(InvalidInput):
        load_config(None, {"data.path": "a"}, [f"train.steps={value}"])


def test_a_selection_has_numbers_of_a_size(tmp_path):
    with pytest.raises(InvalidInput, match="18 digits"):
        parse_selection(f"index in 0-{MANY_DIGITS}")


@pytest.mark.parametrize("name", ["/dev/zero", "fifo", "folder"])
@pytest.mark.parametrize("load", [load_policy, load_config])
def test_what_is_no_file_is_neither_waited_for_nor_read_without_end(tmp_path, name, load):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    path = tmp_path / name if name != "/dev/zero" else name
    with pytest.raises(InvalidInput, match="not a regular file"):
        load(path)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(path)


def test_a_name_is_held_against_a_pattern_in_no_time():
    pattern = parse_name_pattern("{label}_{a}_{b}_{c}_{d}-x")
    begin = time.monotonic()
    assert pattern.match("_" * 250) is None
    assert did_you_mean("x" * 1_000_000, ["x" * 1_000_000]) == ""
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/data/x"), "No space left on device: /data/x"),
        (RuntimeError("x\nOSError: [Errno 28] No space left on device [while"), "Make room"),
        (RuntimeError("[Errno 2] No such file or directory: '/a b'"), "directory: /a b."),
        (MemoryError(), "more memory"),
        (RuntimeError("a bug"), ""),
        (ValueError("[Errno 28] in a text"), ""),
    ],
)
def test_what_the_system_refuses_is_one_sentence(error, said):
    told = explain_system(error)
    assert said in told
    assert bool(told) == bool(said)
    assert "\n" not in told
