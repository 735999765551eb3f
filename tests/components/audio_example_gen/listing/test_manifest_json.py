"""JSON Lines manifests: values that are no names, and arrays that are no JSON Lines."""

import json

import pytest

from tfx_audio.components.audio.errors import InvalidInput


def test_json_values_that_are_no_names_are_rejected_where_names_are_read(
    tmp_path, write, listed, all_rows, reasons
):
    for number in range(12):
        write(tmp_path / f"{number}.wav")
    values = ['["a", "b"]', '{"a": 1}', "NaN", "-Infinity", "1e999", "7", "true", '"NaN"', "0.5"]
    lines = [
        f'{{"path": "{number}.wav", "label": {value}, "words": [{{"x": NaN}}], "": [1]}}'
        for number, value in enumerate(values)
    ]
    lines += [
        '{"path": "9.wav", "label": "x", "label": "y"}',
        '{"path": ["10.wav"], "label": "x"}',
        '{"path": "11.wav", "label": "x", "speaker": {}}',
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(lines) + "\n")
    listing = listed(tmp_path, manifest="m.jsonl")
    assert {name: row.label for name, row in all_rows(listing).items()} == {
        "5.wav": "7", "6.wav": "true", "7.wav": "NaN", "8.wav": "0.5",
    }  # fmt: skip
    assert {rejection.path: rejection.detail for rejection in listing.rejections} == {
        "m.jsonl:1": "label is a list; one text or number is needed",
        "m.jsonl:2": "label is an object; one text or number is needed",
        "m.jsonl:3": "label is NaN, which can't be a name",
        "m.jsonl:4": "label is -Infinity, which can't be a name",
        "m.jsonl:5": "label is Infinity, which can't be a name",
        "m.jsonl:10": "'label' is given twice",
        "m.jsonl:11": "path is a list; one text or number is needed",
        "m.jsonl:12": "speaker is an object; one text or number is needed",
    }
    assert set(reasons(listing).values()) == {"bad_row"}


ARRAY = [{"path": "dog/a.wav", "label": "x"}, {"path": "dog/b.wav", "label": "y"}]
ARRAYS = {
    "compact": json.dumps(ARRAY),
    "indented": json.dumps(ARRAY, indent=2),
    "an object a line": "[\n" + ",\n".join(map(json.dumps, ARRAY)) + "\n]\n",
}


BY_ID = {
    "by id": json.dumps({"one": ARRAY[0], "two": ARRAY[1]}, indent=1),
    "by id, on one line": json.dumps({"one": ARRAY[0], "two": ARRAY[1]}),
    "as the only value": json.dumps({"data": ARRAY}),
}


@pytest.mark.parametrize("form", [*ARRAYS, *BY_ID])
@pytest.mark.parametrize("name", ["m.json", "manifest.json"])
def test_arrays_and_objects_of_rows_are_read(tmp_path, name, form, write, listed, all_rows):
    for file in ("a.wav", "b.wav"):
        write(tmp_path / "dog" / file)
    (tmp_path / name).write_text((ARRAYS | BY_ID)[form])
    listing = listed(tmp_path, manifest="" if name == "manifest.json" else name)
    found = {
        (recording.path, row.label) for recording in listing.recordings for row in recording.rows
    }
    assert found == {("dog/a.wav", "x"), ("dog/b.wav", "y")}
    if form.startswith("by id"):
        assert set(all_rows(listing)) == {"one", "two"}
    assert listing.rejections == []


def test_what_of_an_array_can_not_be_read_is_told_by_its_line(tmp_path, write, listed, reasons):
    write(tmp_path / "a.wav")
    (tmp_path / "m.json").write_text('[\n{"path": "a.wav", "label": "x"},\n7,\n{"path": }\n]')
    listing = listed(tmp_path, manifest="m.json")
    assert reasons(listing) == {"m.json:3": "bad_row", "m.json:4": "bad_row"}
    assert [recording.path for recording in listing.recordings] == ["a.wav"]


@pytest.mark.parametrize("text", ['[{"author": "me"}]', '[{"path": ', "[]", "[1, 2]"])
def test_a_json_array_that_names_no_audio_is_no_manifest(tmp_path, text, write, listed, all_rows):
    write(tmp_path / "dog" / "a.wav")
    (tmp_path / "manifest.json").write_text(text)
    assert set(all_rows(listed(tmp_path))) == {"dog/a.wav"}
    with pytest.raises(InvalidInput, match=r"no row that can be read|names the audio"):
        listed(tmp_path, manifest="manifest.json")
