"""Quotes in CSV manifests: legal ones are read, open ones lose no row."""

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio_augmenter.wav_files import write_wav_files
from tfx_audio.components.audio_example_gen.listing.manifest import read_manifest


def numbered(count):
    return [f"{number}.wav,{'dog' if number % 2 else 'cat'},x" for number in range(2, count + 2)]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize(
    "row", ['190.wav,"dog', '190.wav,"', '190.wav,dog,"he said', '"190.wav,dog', '190.wav,dog,"""']
)
def test_a_quote_that_is_closed_nowhere_is_an_error_with_its_line(tmp_path, row, end):
    lines = ["path,label,note", *numbered(199)]
    lines[189] = row
    text = (end or "\n").join(lines) + end
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode())
    with pytest.raises(InvalidInput, match=r"m\.csv', line 190: a quote opens here"):
        list(read_manifest(str(path)))


def test_a_quote_that_opens_below_the_rows_first_line_or_on_the_last_is_found(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('path,note,label\na.wav,"two\nlines","dog\nb.wav,x,cat\n')
    with pytest.raises(InvalidInput, match="line 3: a quote opens here"):
        list(read_manifest(str(path)))
    path.write_text('path,label\na.wav,dog\nb.wav,"')
    with pytest.raises(InvalidInput, match="line 3: a quote opens here"):
        list(read_manifest(str(path)))


def test_a_quote_that_is_open_for_longer_than_any_field_is_told_by_its_first_line(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('path,label,note\na.wav,"dog,x\n' + "\n".join(numbered(20_000)) + "\n")
    with pytest.raises(InvalidInput, match=r"line 2, open up to line \d+: field larger"):
        list(read_manifest(str(path)))


@pytest.mark.parametrize(
    "rows",
    [
        ['b.wav,"dog,x', "c.wav,cat,x", 'd.wav,"dog",x'],  # ends at the next quote that opens
        ['b.wav,dog,"x', "c.wav,cat,x", 'd.wav,dog,"x"'],  # the same in a column nobody reads
        ['b.wav,"dog', "c.wav,cat", 'd.wav,dog",x'],
        ['"b.wav,dog,x', "c.wav,cat,x", 'd.wav",dog,x'],
        ['b.wav,"dog', "", '",x'],
        ['b.wav,dog,"x', "y", '",more,values'],
    ],
)
def test_each_line_that_a_quote_swallows_is_rejected(
    tmp_path, rows, write, listed, all_rows, reasons
):
    for name in "abcde":
        write(tmp_path / f"{name}.wav")
    lines = ["path,label,note", "a.wav,cat,x", *rows, "e.wav,dog,x"]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    listing = listed(tmp_path, manifest="m.csv")
    assert set(all_rows(listing)) == {"a.wav", "e.wav"}
    assert reasons(listing) == {f"m.csv:{line}": "bad_row" for line in (3, 4, 5)}


def test_quoted_commas_quotes_and_line_ends_are_legal(tmp_path, write, listed, all_rows):
    for name in ("a.wav", "b, c.wav", "d.wav"):
        write(tmp_path / name)
    (tmp_path / "m.csv").write_bytes(
        b'path,label,note,\r\n"a.wav","dog","one\r\ntwo ""three""\nfour","\n"\r\n'
        b'"b, c.wav","a ""cat""",x\r\nd.wav,"dog"gy,5" long\r\n'
    )
    listing = listed(tmp_path, manifest="m.csv", fields=("note",))
    assert {name: (row.label, row.fields["note"]) for name, row in all_rows(listing).items()} == {
        "a.wav": ("dog", 'one\r\ntwo "three"\nfour'),
        "b, c.wav": ('a "cat"', "x"),
        "d.wav": ("doggy", '5" long'),
    }
    assert listing.rejections == []


def test_the_apostrophe_of_our_own_manifest_is_taken_off_and_others_stay(tmp_path):
    texts = {"label": "=sum", "group": "-1", "fields": {"who": "'ann", "x": "'=a"}}
    clip = Clip("@me.wav", np.zeros(8, np.float32), 8000, **texts)
    write_wav_files({"train": [clip_to_example(clip)]}, tmp_path)
    assert ",'=sum," in (tmp_path / "manifest.csv").read_text()
    (row,) = read_manifest(str(tmp_path / "manifest.csv"))
    found = {name: row.values[name] for name in ("clip_id", "label", "group", "who")}
    assert found == {"clip_id": "@me.wav", "label": "=sum", "group": "-1", "who": "'ann"}
    (tmp_path / "other.csv").write_text("path,label\na.wav,'=sum\n")
    (row,) = read_manifest(str(tmp_path / "other.csv"))
    assert row.values["label"] == "'=sum"
