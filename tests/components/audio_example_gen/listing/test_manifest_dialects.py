"""Tables as programs write them: codings, delimiters, quotes, blank rows, paths."""

import gzip

import pytest

from tfx_audio.components.audio.errors import InvalidInput

ROWS = "filename,label\nclips/a.wav,ape\nclips/b.wav,bee\n"
TABLES = {
    "semicolons.csv": ROWS.replace(",", ";").encode(),
    "tabs.csv": ROWS.replace(",", "\t").encode(),
    "bars.txt": ROWS.replace(",", "|").encode(),
    "spaced.csv": b'filename, label\nclips/a.wav, "ape"\nclips/b.wav, "bee"\n',
    "empty_columns.csv": ROWS.replace("\n", ",,\n").encode() + b",,,\n\n,,,\n",
    "excel.csv": b"sep=;\r\n" + ROWS.replace(",", ";").replace("\n", "\r\n").encode(),
    "bom.csv": b"\xef\xbb\xbf" + ROWS.encode(),
    "utf16.csv": ROWS.encode("utf-16"),
    "utf16be.csv": ROWS.encode("utf-16-be"),
    "backslashes.csv": ROWS.replace("clips/", "clips\\").encode(),
    "packed.csv.gz": gzip.compress(ROWS.encode()),
    "quoted.tsv": b'"filename"\t"label"\n"clips/a.wav"\t"ape"\n"clips/b.wav"\t"bee"\n',
    "open_quotes.tsv": b'filename\tlabel\tsaid\nclips/a.wav\tape\t"go\nclips/b.wav\tbee\tgo"\n',
    "commas.tsv": b"filename\tlabel\tsaid\nclips/a.wav\tape\ta,b,c,d\nclips/b.wav\tbee\t,,,\n",
    "cp1252.csv": "filename,label,place\nclips/a.wav,ape,Café\nclips/b.wav,bee,Köln\n".encode(
        "cp1252"
    ),
}


@pytest.fixture
def clips(tmp_path, write):
    for name in "ab":
        write(tmp_path / "clips" / f"{name}.wav")
    return tmp_path


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_whatever_wrote_it(clips, name, listed, all_rows):
    (clips / name).write_bytes(TABLES[name])
    listing = listed(clips, manifest=name)
    assert {key: row.label for key, row in all_rows(listing).items()} == {
        "clips/a.wav": "ape", "clips/b.wav": "bee",
    }  # fmt: skip
    assert listing.rejections == []


def test_a_code_page_is_said_and_can_be_named(clips, listed, all_rows):
    (clips / "m.csv").write_bytes("path,label\nclips/a.wav,Café\n".encode("cp1252"))
    listing = listed(clips, manifest="m.csv")
    assert [row.label for row in all_rows(listing).values()] == ["Café"]
    assert "is no UTF-8; read as cp1252" in listing.notes[0]
    (clips / "m.csv").write_bytes("path,label\nclips/a.wav,собака\n".encode("cp1251"))
    with pytest.raises(InvalidInput, match=r"line 2: .*data\.encoding names the coding"):
        listed(clips, manifest="m.csv")
    (row,) = all_rows(listed(clips, manifest="m.csv", encoding="cp1251")).values()
    assert row.label == "собака"
    with pytest.raises(InvalidInput, match="there is no coding 'cp0'"):
        listed(clips, manifest="m.csv", encoding="cp0")


def test_several_labels_a_clip(clips, listed, all_rows):
    rows = "path,label\nclips/a.wav,\"dog, bark,dog\"\nclips/b.wav,\"['x', 'w']\"\n"
    (clips / "m.csv").write_text(rows)
    several = all_rows(listed(clips, manifest="m.csv", labels="several"))
    assert [row.label for row in several.values()] == ["bark\ndog", "w\nx"]
    one = all_rows(listed(clips, manifest="m.csv"))
    assert one["clips/a.wav"].label == "dog, bark,dog"


def test_labels_alike_are_an_anomaly(clips, listed):
    (clips / "m.csv").write_text("path,label\nclips/a.wav,Dog\nclips/b.wav,dog\n")
    (anomaly,) = listed(clips, manifest="m.csv").anomalies
    assert anomaly == "labels_alike in label: 'Dog', 'dog' differ only in case or Unicode form"


def test_files_that_are_passed_over_are_counted_and_a_lost_class_is_named(tmp_path, write, listed):
    write(tmp_path / "ape" / "a.wav")
    write(tmp_path / "bee" / "b.wav")
    (tmp_path / "ape" / "notes.txt").write_text("words")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "c.xyz").write_text("no audio")
    with pytest.raises(InvalidInput, match=r"folder 'cat' would be a class.*'cat/c\.xyz'"):
        listed(tmp_path)
    listing = listed(tmp_path, exclude="cat/*")
    assert listing.ignored_counts == {".txt": 1, "excluded": 1}
