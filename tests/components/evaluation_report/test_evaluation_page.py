"""What the evaluation page holds: matrices, clips, tables; and that names in it are text."""

import html.parser

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.components.evaluation_report import evaluation_page
from tfx_audio.components.evaluation_report.evaluation_page import PAGE, build_evaluation

EVIL = "<script>alert('x')</script>\"&amp; 🐄 \u202eгав"
LABELS = ["cow", EVIL]


def write_split(folder, condition, clips):
    """Write clips as (name, label, seconds); the model below reads the answer off the length."""
    import tensorflow as tf

    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001")) as writer:
        for name, label, seconds in clips:
            waveform = 0.3 * np.sin(np.arange(round(seconds * 8_000)) / 5).astype(np.float32)
            writer.write(
                clip_to_example(
                    Clip(f"{name}@{condition}", waveform, 8_000, label=label, group=EVIL,
                         condition=condition)
                )
            )  # fmt: skip
    return str(folder)


def by_length(records):
    """A model that says `EVIL` to clips of 0.3 s and longer, and is the surer the longer."""
    from tfx_audio.components.audio.records.examples import example_to_clip

    seconds = [example_to_clip(record).duration_s for record in records]
    evil = np.array([min(0.99, 0.5 + (s - 0.3) + 0.01) for s in seconds])
    return LABELS, np.stack([1 - evil, evil], axis=1)


@pytest.fixture
def folders(tmp_path):
    clean = [("a", "cow", 0.1), ("b", "cow", 0.6), ("c", EVIL, 0.4), (EVIL, EVIL, 0.2)]
    return [
        write_split(tmp_path / "clean", "clean", clean),
        write_split(tmp_path / "noise", "noise_0db", [("a", "cow", 0.4), ("c", EVIL, 0.4)]),
    ]


def build(folders, missed=("accuracy on clean: wanted 0.6, got 0.500",)):
    return build_evaluation(folders, by_length, missed, {"n_mels": 12})


def test_matrices_count_and_say_where_there_is_a_clip_to_hear(folders):
    found = build(folders)
    assert found["labels"] == [EVIL, "cow"]
    cells = {("clean", true, guess): 1 for true in LABELS for guess in LABELS}
    cells |= {("noise_0db", true, EVIL): 1 for true in LABELS}
    assert found["counts"] == cells
    assert found["heard"] == set(cells)
    assert found["tables"]["all"] == {"all": {"clean": (2, 4), "noise_0db": (1, 2)}}
    assert found["tables"]["label"]["cow"] == {"clean": (1, 2), "noise_0db": (0, 1)}
    assert "group" not in found["tables"]  # there is but one
    assert found["tables"]["duration"] == {
        "from 0.40 s": {"clean": (1, 2), "noise_0db": (1, 2)},
        "under 0.40 s": {"clean": (1, 2)},
    }


def test_wrong_clips_come_first_the_worst_of_them_at_the_top(folders):
    found = build(folders)
    assert [clip.clip_id for clip, _ in found["shown"][:3]] == [
        "b@clean", "a@noise_0db", f"{EVIL}@clean",
    ]  # fmt: skip
    assert [clip.is_right for clip, _ in found["shown"]] == [False] * 3 + [True] * 3
    assert found["errors"] == 3
    assert [clip.clip_id for clip in found["suspects"]] == ["b@clean", f"{EVIL}@clean"]
    assert found["shown"][0][1].sound.startswith("data:audio/wav;base64,")


def test_the_page_stops_when_it_is_full(folders, monkeypatch):
    whole = build(folders)
    first = whole["shown"][0][1]
    limit = len(first.sound) + len(first.mel) + len(first.waveform) + 1
    monkeypatch.setattr(evaluation_page, "MAX_EMBEDDED", limit)
    found = build(folders)
    assert [clip.clip_id for clip, _ in found["shown"]] == ["b@clean"]
    assert found["heard"] == {("clean", "cow", EVIL)}
    assert found["errors"] == 3


def test_labels_with_most_errors_stay_where_there_are_too_many(folders, monkeypatch):
    monkeypatch.setattr(evaluation_page, "MAX_MATRIX_LABELS", 1)
    found = build(folders)
    assert (found["labels"], found["left_out"]) == ([EVIL], 1)
    assert render_page(found, PAGE).decode().count('data-cell="x x"') == 0


class Page(html.parser.HTMLParser):
    """Collects tags, their attributes, and the text outside script and style."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self._raw = [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._raw = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self._raw = ""

    def handle_data(self, data):
        self.text += "" if self._raw else data


def test_whatever_comes_from_outside_is_text(folders):
    page = Page(render_page(build(folders, (EVIL,)), PAGE).decode())
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 1
    assert page.text.count(EVIL) > 15
    assert all(not name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert all("style" not in attrs for _, attrs in page.tags)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    sources = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]
    assert all(source.startswith(("data:", "#")) for source in sources)


def test_the_page_says_whether_the_model_is_blessed_and_why_not(folders):
    for missed, said in (
        (("wanted 0.6, got 0.5",), "Not blessed: wanted 0.6, got 0.5."),
        ((), "yes"),
    ):
        text = " ".join(Page(render_page(build(folders, missed), PAGE).decode()).text.split())
        assert said in text


def test_no_clips_make_a_page_too(tmp_path):
    folder = write_split(tmp_path / "empty", "clean", [])
    page = render_page(build([folder], ()), PAGE).decode()
    assert "There is no clip to show." in page
