"""What is found in folders, and what must not be read."""

import os

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
from tfx_audio.components.audio_example_gen.listing.inventory import scan
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings


def write(path, rate=8000, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, rate // 10)
    soundfile.write(path, noise, rate, format="WAV")
    return path


def listed(root, **changes):
    return list_recordings(IngestConfig(path=str(root), **changes))


def rows(listing):
    return {row.clip_id: row.label for recording in listing.recordings for row in recording.rows}


def reasons(listing):
    return {rejection.path: rejection.reason for rejection in listing.rejections}


def test_folders_are_labels_with_any_name(tmp_path):
    write(tmp_path / "two words" / "a 1.wav")
    write(tmp_path / "dög" / "ü.WAV")
    write(tmp_path / "dög" / "session 1" / "no suffix")
    (tmp_path / "dög" / "README.md").write_text("read me")
    write(tmp_path / ".hidden" / "a.wav")
    listing = listed(tmp_path)
    assert rows(listing) == {
        "two words/a 1.wav": "two words",
        "dög/ü.WAV": "dög",
        "dög/session 1/no suffix": "dög",
    }
    assert listing.ignored == ["dög/README.md"]
    assert listing.rejections == []


def test_the_last_folder_may_be_the_label(tmp_path):
    write(tmp_path / "animals" / "cat" / "a.wav")
    write(tmp_path / "animals" / "dog" / "a.wav")
    assert set(rows(listed(tmp_path, label_folder="last")).values()) == {"cat", "dog"}
    assert set(rows(listed(tmp_path)).values()) == {"animals"}


def test_folders_named_after_splits_say_the_split(tmp_path):
    for split in ("train", "validation", "test"):
        write(tmp_path / split / "cat" / "a.wav")
    listing = listed(tmp_path)
    assert listing.given_splits == {"train", "eval", "test"}
    assert rows(listing)["validation/cat/a.wav"] == "cat"
    write(tmp_path / "other" / "cat" / "a.wav")
    assert listed(tmp_path).given_splits == frozenset()


def test_a_pattern_reads_labels_and_fields(tmp_path):
    write(tmp_path / "x" / "7_theo_3.wav")
    write(tmp_path / "x" / "odd.wav")
    listing = listed(tmp_path, label_from="{label}_{speaker}_{index}")
    (recording,) = listing.recordings
    assert recording.rows[0].fields == {"speaker": "theo", "index": "3"}
    assert reasons(listing) == {"x/odd.wav": "missing_label"}


def test_a_file_beside_the_class_folders_has_no_label(tmp_path):
    write(tmp_path / "a" / "1.wav")
    write(tmp_path / "stray.wav")
    assert reasons(listed(tmp_path)) == {"stray.wav": "missing_label"}


def test_links_out_of_the_root_are_not_followed(tmp_path):
    outside = write(tmp_path / "outside" / "secret.wav")
    root = tmp_path / "root"
    write(root / "a" / "real.wav")
    (root / "a" / "link.wav").symlink_to(outside)
    (root / "a" / "inside.wav").symlink_to(root / "a" / "real.wav")
    (root / "a" / "dangling.wav").symlink_to(root / "nothing.wav")
    (root / "b").symlink_to(outside.parent)
    (root / "c").symlink_to(root / "a")
    (root / "a" / "loop").symlink_to(root)
    listing = listed(root)
    assert reasons(listing) == {
        "a/link.wav": "outside_roots",
        "b": "outside_roots",
        "a/dangling.wav": "missing_file",
    }
    assert set(rows(listing)) == {"a/real.wav", "a/inside.wav"}
    allowed = listed(root, roots=(str(outside.parent),))
    assert set(rows(allowed)) == {"a/real.wav", "a/inside.wav", "a/link.wav", "b/secret.wav"}


def test_names_that_are_not_utf8_are_rejected(tmp_path):
    write(tmp_path / "a" / "1.wav")
    os.rename(os.fsencode(tmp_path / "a" / "1.wav"), os.fsencode(tmp_path) + b"/a/\xff.wav")
    write(tmp_path / "a" / "2.wav")
    listing = listed(tmp_path)
    assert reasons(listing) == {"a/\\udcff.wav": "name_not_utf8"}
    assert set(rows(listing)) == {"a/2.wav"}
    assert listing.rejections[0].to_json()


def test_a_pipe_is_not_opened(tmp_path):
    write(tmp_path / "a" / "1.wav")
    os.mkfifo(tmp_path / "a" / "2.wav")
    assert reasons(listed(tmp_path)) == {"a/2.wav": "not_a_file"}


def test_a_huge_file_is_not_read(tmp_path):
    write(tmp_path / "a" / "1.wav")
    with open(tmp_path / "a" / "2.wav", "wb") as file:
        file.truncate(2**31)
    assert reasons(listed(tmp_path)) == {"a/2.wav": "too_large"}


def test_of_rates_that_tie_the_lowest_counts(tmp_path):
    for i, rate in enumerate([192000, 16000, 44100]):
        write(tmp_path / str(i % 2) / f"{i}.wav", rate)
    assert scan(IngestConfig(path=str(tmp_path))).sample_rate == 16000


def test_the_rate_is_what_most_headers_say(tmp_path):
    for i, rate in enumerate([8000, 16000, 16000, 44100]):
        write(tmp_path / str(i % 2) / f"{i}.wav", rate)
    found = scan(IngestConfig(path=str(tmp_path)))
    assert found.sample_rate == 16000
    assert (found.n_clips, found.labels) == (4, ("0", "1"))
    assert found.splits == ("train", "eval", "test")
    assert scan(IngestConfig(path=str(tmp_path), sample_rate=22050)).sample_rate == 22050


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (lambda root: None, {"path": "missing"}, "does not exist"),
        (lambda root: write(root / "f.wav"), {"path": "f.wav"}, "is a file"),
        (lambda root: None, {}, "no audio under"),
        (lambda root: (root / "a.txt").write_text("x"), {}, "no audio under"),
        (lambda root: write(root / "a" / "1.wav"), {}, "two labels at least"),
        (lambda root: write(root / "1.wav"), {}, "nothing says the label"),
        (lambda root: write(root / "a" / "1.wav"), {"label_from": "{label}-{x}"}, "fits none of 1"),
        (lambda root: write(root / "a_1.wav"), {"label_from": "{label}_*.wav"}, "its ending"),
        (lambda root: write(root / "a" / "1.wav"), {"label_from": "{x}"}, "needs a part"),
        (lambda root: write(root / "a" / "1.wav"), {"manifest": "m.csv"}, "can't be read"),
        (lambda root: write(root / "a" / "1.wav"), {"records": "*.tfrecord"}, "no file under"),
    ],
)
def test_what_can_not_work_is_refused_before_anything_runs(tmp_path, make, changes, message):
    make(tmp_path)
    path = tmp_path / changes.pop("path", "")
    with pytest.raises(InvalidInput, match=message):
        scan(IngestConfig(path=str(path), **changes))


def test_a_split_by_a_feature_that_no_clip_has_is_refused(tmp_path):
    write(tmp_path / "a" / "1_x.wav")
    write(tmp_path / "a" / "2_x.wav")
    config = IngestConfig(path=str(tmp_path), label_from="{label}_{speaker}")
    with pytest.raises(InvalidInput, match="Did you mean 'speaker'"):
        scan(config, SplitConfig(by="speakr"))
    with pytest.raises(InvalidInput, match="'indx'"):
        scan(config, SplitConfig(select={"test": "indx in 0-4"}))


def test_split_folders_count_under_a_name_pattern_as_well(tmp_path):
    write(tmp_path / "train" / "7_theo_0.wav")
    write(tmp_path / "test" / "7_lucas_0.wav")
    listing = listed(tmp_path, label_from="{label}_{speaker}_{index}")
    splits = {row.clip_id: row.split for one in listing.recordings for row in one.rows}
    assert splits == {"train/7_theo_0.wav": "train", "test/7_lucas_0.wav": "test"}


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    write(tmp_path / "cat" / "a.wav")
    write(tmp_path / "dog" / "a.wav")
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # root may list any folder
    listing = listed(tmp_path)
    assert rows(listing) == {"cat/a.wav": "cat"}
    assert reasons(listing) == {"dog": "unreadable"}


def test_size_is_limited_without_a_label_too(tmp_path):
    with (tmp_path / "big.wav").open("wb") as file:
        file.truncate(2 * 2**20)
    config = IngestConfig(path=str(tmp_path), max_recording_mb=1)
    assert reasons(list_recordings(config, unlabelled=True)) == {"big.wav": "too_large"}
