"""Manifests: every convention as it is, every hostile row by name."""

import json
import os

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.manifest import read_manifest
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings


def test_hugging_face_audiofolder(tmp_path, write, listed, all_rows):
    write(tmp_path / "data" / "a.wav")
    write(tmp_path / "data" / "b.wav")
    (tmp_path / "metadata.csv").write_text(
        'file_name,label,transcription\ndata/a.wav,dog,"hello, you"\ndata/b.wav,cat,x\n'
    )
    rows = all_rows(listed(tmp_path, fields=("transcription",)))
    assert {clip_id: row.label for clip_id, row in rows.items()} == {
        "data/a.wav": "dog", "data/b.wav": "cat",
    }  # fmt: skip
    assert rows["data/a.wav"].fields == {"transcription": "hello, you"}


def test_hugging_face_audiofolder_by_split(tmp_path, write, listed, all_rows):
    for split, label in (("train", "dog"), ("validation", "cat"), ("test", "dog")):
        write(tmp_path / split / "a.wav")
        line = json.dumps({"file_name": "a.wav", "label": label})
        (tmp_path / split / "metadata.jsonl").write_text(line + "\n")
    listing = listed(tmp_path)
    assert listing.given_splits == {"train", "eval", "test"}
    row = all_rows(listing)["validation/a.wav"]
    assert (row.label, row.split) == ("cat", "eval")


def test_esc50(tmp_path, write, listed, all_rows):
    write(tmp_path / "audio" / "1-100-A-0.wav")
    write(tmp_path / "audio" / "5-101-A-1.wav")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100-A-0.wav,1,0,dog,True,100,A\n5-101-A-1.wav,5,1,cat,False,101,A\n"
    )
    rows = all_rows(listed(tmp_path))
    assert {(row.label, row.group) for row in rows.values()} == {("dog", "1"), ("cat", "5")}
    assert set(rows) == {"audio/1-100-A-0.wav", "audio/5-101-A-1.wav"}


def test_nemo(tmp_path, write, listed, all_rows, reasons):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    inside, outside = write(root / "wavs" / "a.wav", 1.0), write(elsewhere / "b.wav")
    lines = [
        {"audio_filepath": str(inside), "offset": 0.25, "duration": 0.5, "command": "go"},
        {"audio_filepath": "wavs/a.wav", "duration": 1.0, "command": "stop"},
        {"audio_filepath": str(outside), "duration": 0.1, "command": "go"},
    ]
    manifest = root / "train_manifest.json"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    listing = listed(root, manifest=str(manifest))
    rows = all_rows(listing)
    piece = rows["wavs/a.wav#0.250-0.750"]
    assert (piece.label, piece.start_s, piece.end_s) == ("go", 0.25, 0.75)
    assert (rows["wavs/a.wav"].label, rows["wavs/a.wav"].is_piece) == ("stop", False)
    assert reasons(listing) == {str(outside): "outside_roots"}
    allowed = listed(root, manifest="train_manifest.json", roots=(str(elsewhere),))
    assert str(outside) in all_rows(allowed)


def test_start_and_end_split_and_id(tmp_path, write, listed):
    write(tmp_path / "a.wav", 1.0)
    (tmp_path / "m.tsv").write_text(
        "path\tlabel\tstart\tend\tsplit\tid\tspeaker\n"
        "a.wav\tx\t0\t0.5\ttrain\tone\tanna\n"
        "a.wav\ty\t0.5\t\tdev\ttwo\tben\n"
    )
    listing = listed(tmp_path, manifest="m.tsv")
    (recording,) = listing.recordings
    one, two = recording.rows
    assert (one.clip_id, one.start_s, one.end_s, one.split, one.group) == (
        "one", 0.0, 0.5, "train", "anna",
    )  # fmt: skip
    assert (two.clip_id, two.start_s, two.end_s, two.split) == ("two", 0.5, None, "eval")
    assert listing.given_splits == {"train", "eval"}
    assert not recording.keep_together


def test_rows_that_overlap_stay_together(tmp_path, write, listed):
    write(tmp_path / "a.wav", 1.0)
    (tmp_path / "m.csv").write_text("path,label,start,end\na.wav,x,0,0.6\na.wav,y,0.5,1\n")
    (recording,) = listed(tmp_path, manifest="m.csv").recordings
    assert recording.keep_together


def test_dcase_offset_beside_onset_is_the_end(tmp_path, write, listed, all_rows):
    write(tmp_path / "a.wav", 1.0)
    (tmp_path / "m.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0.2\t0.4\tx\n")
    (row,) = all_rows(listed(tmp_path, manifest="m.tsv")).values()
    assert (row.start_s, row.end_s, row.label) == (0.2, 0.4, "x")


def test_labels_come_from_folders_where_the_manifest_has_none(tmp_path, write, listed, all_rows):
    write(tmp_path / "dog" / "a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,who\ndog/a.wav,anna\n")
    (row,) = all_rows(listed(tmp_path)).values()
    assert row.label == "dog"


def test_a_table_that_names_no_audio_is_no_manifest(tmp_path, write, listed, all_rows):
    write(tmp_path / "dog" / "a.wav")
    (tmp_path / "metadata.csv").write_text("author,year\nme,2020\n")
    assert set(all_rows(listed(tmp_path))) == {"dog/a.wav"}


def test_bad_rows_are_rejected_by_name_and_the_others_are_not(tmp_path, write, listed, all_rows):
    root = tmp_path / "root"
    write(root / "a.wav")
    write(root / "b.wav")
    write(tmp_path / "secret.wav")
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    rows = [
        {"path": "a.wav", "label": "x"},
        {"path": "a.wav", "label": "y"},
        {"path": "../secret.wav", "label": "x"},
        {"path": "/etc/passwd", "label": "x"},
        {"path": "link.wav", "label": "x"},
        {"path": "gs://bucket/a.wav", "label": "x"},
        {"path": "missing.wav", "label": "x"},
        {"path": "b.wav", "label": "l" * 10**6},
        {"path": "b.wav", "label": "a\x00b", "id": "nul"},
        {"path": "b.wav", "label": "", "id": "unlabelled"},
        {"path": "b.wav", "label": "x", "id": "i" * 10**5},
        {"path": "", "label": "x"},
        {"path": "b.wav", "label": "x", "split": "tests"},
        {"path": "b.wav", "label": "x", "start": "-1"},
        {"path": "b.wav", "label": "x", "start": "1e999"},
        {"path": "b.wav", "label": "x", "start": 2, "end": 1},
        {"path": "p" * 10**6, "label": "x"},
        ["no", "object"],
    ]
    lines = [json.dumps(row) for row in rows] + ["[" * 10**5, "{broken"]
    (root / "m.jsonl").write_text("\n".join(lines) + "\n")
    listing = listed(root, manifest="m.jsonl")
    assert {clip_id: row.label for clip_id, row in all_rows(listing).items()} == {"a.wav": "x"}
    assert [rejection.reason for rejection in listing.rejections] == [
        *("duplicate_id", "outside_roots", "outside_roots", "outside_roots", "outside_roots"),
        *("missing_file", "bad_label", "bad_label", "missing_label", "bad_row", "bad_row"),
        *("bad_row", "bad_row", "bad_row", "bad_row", "missing_file", "bad_row", "bad_row"),
        "bad_row",
    ]
    assert all(len(rejection.to_json()) < 5000 for rejection in listing.rejections)


def test_rows_that_are_not_utf8_are_rejected(tmp_path, write, listed, all_rows, reasons):
    write(tmp_path / "a.wav")
    rows = "path,label\na.wav,hélène\nb.wav,".encode() + b"\xff\xfe\n"
    (tmp_path / "m.csv").write_bytes(rows)
    listing = listed(tmp_path, manifest="m.csv")
    assert set(all_rows(listing)) == {"a.wav"}
    assert reasons(listing) == {"m.csv:3": "bad_row"}


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path, write, listed, all_rows):
    write(tmp_path / "a.wav")
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbfpath,label\r\na.wav,x\r\n")
    assert set(all_rows(listed(tmp_path, manifest="m.csv"))) == {"a.wav"}


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (b"path,label\na.wav,x\0y\n", {}, "line 2 has a NUL"),
        (b"path,label\na.wav," + b"x" * 10**6, {}, "line 2: field larger"),
        (b"", {}, "needs a first line"),
        (b"path,path\n", {}, "a different name for each column"),
        (b"path,label\n", {}, "no row"),
        (b"who,label\na.wav,x\n", {}, "names the audio"),
        (b"path,label\na.wav,x\n", {"columns": {"label": "lable"}}, "Did you mean 'label'"),
        (b"path,label,who\na.wav,x,y\n", {"fields": ("whom",)}, "Did you mean 'who'"),
    ],
)
def test_a_manifest_that_can_not_be_one_is_refused(
    tmp_path, content, changes, message, write, listed
):
    write(tmp_path / "a.wav")
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        listed(tmp_path, manifest="m.csv", **changes)


def test_a_field_may_not_have_the_name_of_a_feature_that_every_clip_has():
    with pytest.raises(ValueError, match="'audio'"):
        IngestConfig(path="x", fields=("audio",))


def test_the_index_column_that_pandas_writes_means_nothing(tmp_path, write, listed, all_rows):
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name)
    (tmp_path / "metadata.csv").write_text(",file_name,label\n0,a.wav,cat\n1,b.wav,dog\n")
    listing = listed(tmp_path)
    assert {clip_id: row.label for clip_id, row in all_rows(listing).items()} == {
        "a.wav": "cat", "b.wav": "dog",
    }  # fmt: skip
    assert listing.rejections == []


@pytest.mark.parametrize("name", ["http://host/a.wav", "xyz://a", "s3://bucket/a.wav"])
def test_a_name_on_another_file_system_is_refused_and_not_looked_up(
    tmp_path, name, write, listed, all_rows, reasons
):
    write(tmp_path / "b.wav")
    lines = [{"audio_filepath": name, "label": "x"}, {"audio_filepath": "b.wav", "label": "x"}]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    listing = listed(tmp_path)
    assert list(all_rows(listing)) == ["b.wav"]
    assert list(reasons(listing).values()) == ["outside_roots"]


def test_a_pipe_of_a_manifests_name_is_no_manifest(tmp_path, write, listed, all_rows):
    write(tmp_path / "cat" / "a.wav")
    os.mkfifo(tmp_path / "metadata.csv")
    assert list(all_rows(listed(tmp_path))) == ["cat/a.wav"]


def test_a_manifest_that_a_link_finds_elsewhere_is_no_manifest(tmp_path, write, listed, all_rows):
    write(tmp_path / "data" / "cat" / "a.wav")
    (tmp_path / "secret.csv").write_text("file_name,label\ncat/a.wav,secret\n")
    (tmp_path / "data" / "metadata.csv").symlink_to(tmp_path / "secret.csv")
    (row,) = all_rows(listed(tmp_path / "data")).values()
    assert row.label == "cat"


def test_json_nested_too_deeply_is_a_bad_row(tmp_path, monkeypatch, write):
    """What `json.loads` just accepts, `json.dumps` may refuse: where, depends on the stack."""

    def refuse(value):
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(
        "tfx_audio.components.audio_example_gen.listing.manifest_json._as_text", refuse
    )
    write(tmp_path / "a.wav")
    (tmp_path / "clips.jsonl").write_text('{"audio_filepath": "a.wav", "label": [[]]}\n')
    (row,) = read_manifest(str(tmp_path / "clips.jsonl"))
    assert "maximum recursion depth" in row.problem


def test_rows_without_a_label_are_listed_on_request(tmp_path, write):
    write(tmp_path / "a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,clip_id\na.wav,one\n")
    (recording,) = list_recordings(IngestConfig(path=str(tmp_path)), unlabelled=True).recordings
    assert recording.uri == str(tmp_path / "a.wav")
