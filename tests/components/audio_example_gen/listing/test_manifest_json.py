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
        "m.jsonl:3": "label is NaN, which is no name",
        "m.jsonl:4": "label is -Infinity, which is no name",
        "m.jsonl:5": "label is Infinity, which is no name",
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


@pytest.mark.parametrize("layout", ARRAYS)
@pytest.mark.parametrize("name", ["m.json", "m.jsonl", "manifest.json"])
def test_a_json_array_is_refused_by_its_name(tmp_path, name, layout, write, listed):
    write(tmp_path / "dog" / "a.wav")
    (tmp_path / name).write_text(ARRAYS[layout])
    changes = {} if name == "manifest.json" else {"manifest": name}
    with pytest.raises(InvalidInput, match="JSON array; JSON Lines, with an object on each line"):
        listed(tmp_path, **changes)


@pytest.mark.parametrize("text", ['[{"author": "me"}]', '[{"path": ', "[]", "[1, 2]"])
def test_a_json_array_that_names_no_audio_is_no_manifest(tmp_path, text, write, listed, all_rows):
    write(tmp_path / "dog" / "a.wav")
    (tmp_path / "manifest.json").write_text(text)
    assert set(all_rows(listed(tmp_path))) == {"dog/a.wav"}
    with pytest.raises(InvalidInput, match="no row that can be read; line 1: "):
        listed(tmp_path, manifest="manifest.json")
