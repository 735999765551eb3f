"""The evaluation page in a real browser: a cell of the confusion matrix plays its clips."""

import time

import numpy as np
import pytest
import tensorflow as tf
from playwright.sync_api import expect

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.components.evaluation_report.evaluation_page import PAGE, build_evaluation

pytestmark = pytest.mark.e2e

EVIL = "<script>document.title='owned'</script>"
LABELS = ["cat", "dog", EVIL]


def write_condition(folder, condition, seconds):
    """Write four clips of each label; the clip number is its frequency, so that sounds differ."""
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001")) as writer:
        for number in range(12):
            time_s = np.arange(round(8_000 * seconds)) / 8_000
            waveform = (0.4 * np.sin(2 * np.pi * 200 * (number + 1) * time_s)).astype(np.float32)
            name, label = f"clip {number}@{condition}", LABELS[number % 3]
            clip = Clip(name, waveform, 8_000, label=label, condition=condition)
            writer.write(clip_to_example(clip))
    return str(folder)


def mostly_cat(records):
    """A model that takes every dog for a cat and knows the others."""
    clips = [example_to_clip(record) for record in records]
    sure = {"cat": [0.8, 0.1, 0.1], "dog": [0.7, 0.2, 0.1], EVIL: [0.1, 0.1, 0.8]}
    return LABELS, np.array([sure[clip.label] for clip in clips])


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluation")
    folders = [
        write_condition(root / name, name, seconds)
        for name, seconds in (("clean", 0.4), ("noise_0db", 0.6))
    ]
    missed = ["accuracy on clean: wanted 0.7, got 0.666"]
    path = root / "index.html"
    path.write_bytes(render_page(build_evaluation(folders, mostly_cat, missed, {}), PAGE))
    assert path.stat().st_size < 6_000_000
    return path.as_uri()


def until(page, condition, seconds=10.0):
    """Wait until a condition holds; Playwright's own waiting is what the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


LISTEN = """window.played = []; document.addEventListener("playing", (event) => {
  window.played.push(event.target.ariaLabel.split("clip ")[1]);
  if ([...document.querySelectorAll("audio")].filter((a) => !a.paused).length > 1)
    window.played.push("two at once"); }, true);"""
WORST_FIRST = ["10@clean", "1@clean", "4@clean", "7@clean"]
# Chromium breaks off with an error where it can't seek, as in small FLAC files.
SEEK_ALL = """async () => {
  const broken = [];
  for (const player of document.querySelectorAll("audio")) {
    await new Promise((done) => {
      player.onseeked = player.onerror = done;
      player.currentTime = player.duration / 2;
    });
    if (player.error) broken.push(player.ariaLabel);
  }
  return broken;
}"""


def test_a_cell_shows_its_clips_and_plays_them_one_after_the_other(report, open_page):
    page = open_page(report)
    expect(page.locator(".card:visible")).to_have_count(4)  # four dogs, under clean
    assert page.locator(".matrix button:visible").all_inner_texts() == ["4", "4", "4"]
    page.evaluate(LISTEN)
    page.get_by_role("button", name="dog taken for cat: 4 clips").click()
    shown = page.locator(".card:visible h3").all_inner_texts()
    assert [title.split("clip ")[1] for title in shown] == WORST_FIRST
    until(page, "window.played.length >= 4")
    assert page.evaluate("window.played") == WORST_FIRST
    page.get_by_role("button", name="cat taken for cat: 4 clips").click()
    expect(page.locator(".card:visible")).to_have_count(1)  # of what is right the least sure
    page.get_by_role("button", name="all errors").click()
    expect(page.locator(".card:visible")).to_have_count(4)
    assert page.title() == "Evaluation report"


def test_short_sounds_can_be_sought_in(report, open_page):
    page = open_page(report)
    until(page, "[...document.querySelectorAll('audio')].every((a) => a.duration > 0)")
    assert page.evaluate(SEEK_ALL) == []


def test_the_condition_chooses_matrix_and_clips(report, open_page):
    page = open_page(report)
    page.select_option("#condition", label="noise_0db")
    titles = page.locator(".card:visible h3").all_inner_texts()
    assert len(titles) == 4
    assert all("@noise_0db" in title for title in titles)
    expect(page.locator(".matrix:visible")).to_have_count(1)
    assert "Not blessed: accuracy on clean: wanted 0.7, got 0.666." in page.inner_text("header")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}),
        ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 390, "height": 780}, "is_mobile": True}),
    ],
)
def test_it_fits_the_screen(report, open_page, screenshots, name, options):
    page = open_page(report, **options)
    time.sleep(0.3)
    page.screenshot(path=screenshots / f"evaluation-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
