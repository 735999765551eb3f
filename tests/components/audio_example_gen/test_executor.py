"""AudioExampleGen's executor, its judgement, and what it leaves behind."""

import json

import numpy as np
import pytest
import soundfile
from tfx.types import artifact_utils, standard_artifacts

from tfx_audio.components.artifacts import RejectedClips
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.components.audio_example_gen.component import AudioExampleGen
from tfx_audio.components.audio_example_gen.config import (
    IngestConfig,
    SplitConfig,
    ingest_config_json,
    parse_ingest_config,
    statistics_features,
)
from tfx_audio.components.audio_example_gen.content_digest import data_digest
from tfx_audio.components.audio_example_gen.executor import Executor

SELECT = {"test": "index in 0-1", "eval": "index in 2-3"}


def write(root, label, index, seconds=0.05):
    path = root / "data" / f"{label}_{index}.wav"
    path.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng([ord(label), index])
    soundfile.write(path, rng.uniform(-0.5, 0.5, int(8000 * seconds)), 8000)
    return path


@pytest.fixture
def root(tmp_path):
    for label in "ab":
        for index in range(10):
            write(tmp_path, label, index)
    return tmp_path


def config(root, **changes):
    return IngestConfig(path=str(root / "data"), **{"label_from": "{label}_{index}", **changes})


def run(
    root, max_rejected_fraction=0.01, select=SELECT, digest="digest", failed_dir=None, **changes
):
    component = AudioExampleGen(
        str(root / "data"),
        {"select": select},
        data_digest=digest,
        max_rejected_fraction=max_rejected_fraction,
        failed_dir=str(root / "failed") if failed_dir is None else failed_dir,
        **{"label_from": "{label}_{index}", **changes},
    )
    examples, rejected = standard_artifacts.Examples(), RejectedClips()
    examples.uri, rejected.uri = str(root / "examples"), str(root / "rejected")
    outputs = {"examples": [examples], "rejected": [rejected]}
    Executor().Do({}, outputs, dict(component.exec_properties))
    return examples, rejected


def reasons(folder):
    lines = [line for path in folder.glob("*rejected*") for line in path.read_text().splitlines()]
    return sorted((json.loads(line)["path"], json.loads(line)["reason"]) for line in lines)


def test_splits_counts_and_table(root):
    (root / "data" / "odd.wav").write_bytes(b"")
    (root / "data" / "a_99.wav").write_bytes(b"no audio")
    examples, rejected = run(root, max_rejected_fraction=0.1)
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval", "test"]
    for artifact in (examples, rejected):
        assert artifact.get_int_custom_property("rejected") == 2
        assert artifact.get_int_custom_property("rejected:unreadable") == 1
        assert artifact.get_int_custom_property("rejected:missing_label") == 1
        assert artifact.get_int_custom_property("clips:train") == 12
        assert artifact.get_int_custom_property("clips:test") == 4
        assert artifact.get_float_custom_property("seconds:eval") == pytest.approx(0.2)
        assert artifact.get_int_custom_property("sample_rate") == 8000
    assert reasons(root / "rejected") == [("a_99.wav", "unreadable"), ("odd.wav", "missing_label")]
    assert not (root / "failed").exists()


def test_what_the_run_started_from_is_published(root):
    (root / "data" / "odd.wav").write_bytes(b"")
    (root / "data" / "a_99.wav").write_bytes(b"no audio")
    run(root, max_rejected_fraction=0.1, digest=data_digest(config(root)))


@pytest.mark.parametrize("label", ["a", "b"])
def test_audio_that_is_in_no_file_of_the_cache_key_is_not_published(root, label):
    """A file that changes for ingest and changes back would be cached for ever."""
    digest = data_digest(config(root))
    path = write(root, label, 5)
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(InvalidInput, match=r"data': files changed after the run began"):
        run(root, digest=digest)
    path.write_bytes(before)
    run(root, digest=digest)


def test_too_many_rejected_fails_and_keeps_the_table(root):
    (root / "data" / "a_99.wav").write_bytes(b"no audio")
    with pytest.raises(TooManyRejected, match=r"1 of 21 .*unreadable: 1.*failed"):
        run(root)
    assert reasons(root / "failed") == [("a_99.wav", "unreadable")]


def test_a_label_that_loses_all_its_clips_fails(root):
    (root / "data" / "c_5.wav").write_bytes(b"")
    with pytest.raises(TooManyRejected, match="every clip of the label 'c'"):
        run(root, max_rejected_fraction=0.5)
    assert reasons(root / "failed") == [("c_5.wav", "empty")]


def test_an_empty_split_fails(root):
    with pytest.raises(InvalidInput, match="no clip comes into test"):
        run(root, select={**SELECT, "test": "index in 77"})


def test_a_label_missing_from_train_fails_and_from_eval_only_warns(root, caplog):
    write(root, "c", 0)
    with pytest.raises(InvalidInput, match="train has no clip of the label 'c'"):
        run(root)
    write(root, "c", 7)
    run(root)
    assert "eval has no clip of the label 'c'" in caplog.text
    assert "test has no clip" not in caplog.text


def test_one_label_only_fails(root):
    for path in (root / "data").glob("b_*"):
        path.unlink()
    with pytest.raises(InvalidInput, match="two labels at least"):
        run(root)


def test_the_configuration_round_trip():
    data = IngestConfig(path="x", label_from="{label}_{speaker}", window_s=1.5, roots=("y",))
    split = SplitConfig(by="speaker", select={"test": "speaker in z"})
    assert parse_ingest_config(ingest_config_json(data, split)) == (data, split)


def test_statistics_look_at_everything_but_the_audio():
    names = statistics_features(IngestConfig(path="x", label_from="{label}_{speaker}"))
    assert "audio" not in names
    assert {"label", "peak_dbfs", "speaker"} <= set(names)


def test_the_parameters_hold_content_and_code(root):
    component = AudioExampleGen(str(root / "data"), label_from="{label}_{index}")
    before = component.exec_properties
    assert before["data_digest"].startswith("content:")
    assert len(before["code_digest"]) == 64
    write(root, "a", 0, seconds=0.3)
    after = AudioExampleGen(str(root / "data"), label_from="{label}_{index}", code_digest="c")
    assert after.exec_properties["data_digest"] != before["data_digest"]
    assert after.exec_properties["code_digest"] == "c"


def test_a_field_that_there_is_not_is_named_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"data\.label_form: .*Did you mean 'label_from'\?"):
        AudioExampleGen("x", label_form="{label}")
    with pytest.raises(InvalidInput, match=r"split\.buy: .*Did you mean 'by'\?"):
        AudioExampleGen("x", {"buy": "speaker"})


def test_a_table_survives_without_a_folder_for_it(root):
    (root / "data" / "a_99.wav").write_bytes(b"no audio")
    with pytest.raises(TooManyRejected, match="rejected-failed"):
        run(root, failed_dir="")
    assert reasons(root / "rejected-failed") == [("a_99.wav", "unreadable")]
