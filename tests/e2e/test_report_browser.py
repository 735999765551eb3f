"""The report in a real browser: it loads from a file, plays, and fits any screen."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

# a folder name may hold anything but a slash; U+2215 looks like one
LABEL = "<script>document.title='owned'<∕script>\"'& 🐄"
# fetch() is what the report's policy forbids, so a player's sound is decoded from its own URI
DECODE = """async (player) => {
  const base64 = player.src.split(",")[1];
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
  const sound = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return {rms: Math.sqrt(sum / samples.length), seconds: sound.duration};
}"""


def write_sounds(root, rate=44_100, seconds=5.0):
    """Write 3 clips of 5 s, as large as real recordings: noise under a tone."""
    generator = np.random.default_rng(0)
    for number, label in enumerate((LABEL, "dog", "cow")):
        folder = root / label
        folder.mkdir(parents=True)
        time_s = np.arange(round(rate * seconds)) / rate
        tone = np.sin(2 * np.pi * 220 * (number + 1) * time_s) * np.exp(-time_s)
        soundfile.write(
            folder / f"clip {number}.wav", 0.3 * tone + generator.normal(0, 0.01, len(tone)), rate
        )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page that `tfx-audio preview` makes, and what it took."""
    root = tmp_path_factory.mktemp("preview")
    write_sounds(root / "sounds")
    out = root / "report.html"
    command = [
        sys.executable,
        "-m",
        "tfx_audio.pipeline.cli",
        "preview",
        "--data",
        str(root / "sounds"),
    ]
    command += ["--policy", "classic", "--out", str(out), "--clips", "3", "--copies", "4"]
    before = os.times()
    subprocess.run(command, check=True, cwd=root)
    after = os.times()
    return (
        out,
        after.children_user + after.children_system - before.children_user - before.children_system,
    )


def test_it_is_quick_and_small(report):
    page, cpu_s = report
    assert cpu_s < 25  # 6 to 8 on an idle machine
    assert page.stat().st_size < 6_000_000


def test_players_sound_and_nothing_leaves_the_machine(report, open_page):
    page = open_page(report[0].as_uri())
    players = page.locator("audio")
    expect(players).to_have_count(15)
    for index in (0, 1, 14):
        heard = players.nth(index).evaluate(DECODE)
        assert heard["rms"] > 0.01
        assert heard["seconds"] == pytest.approx(5.0, abs=0.05)
    assert page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 9)")
    assert page.title() == "Preview of classic"
    headings = page.locator("h3").all_inner_texts()
    assert any(LABEL in heading for heading in headings)


def test_a_player_plays_and_only_one_at_a_time(report, open_page):
    page = open_page(report[0].as_uri())
    page.evaluate("document.querySelectorAll('audio')[0].play()")
    until(page, "document.querySelectorAll('audio')[0].currentTime > 0.05")
    page.evaluate("document.querySelectorAll('audio')[1].play()")
    until(page, "document.querySelectorAll('audio')[0].paused")


def until(page, condition, seconds=10.0):
    """Wait until a condition holds; Playwright's own waiting is what the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def test_the_policy_forbids_the_network(report, browser):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report[0].as_uri())
    refused = page.evaluate("fetch('http://127.0.0.1:9/x').then(() => '', (e) => e.name)")
    context.close()
    assert refused == "TypeError"
    assert not any(url.startswith("http") for url in asked)


def test_the_keyboard_reaches_everything_in_order(report, open_page):
    page = open_page(report[0].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the clips"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "listen"
    page.keyboard.press("Tab")
    for tag in ("SELECT", "SELECT", "SELECT", "BUTTON"):
        assert page.evaluate("document.activeElement.tagName") == tag
        page.keyboard.press("Tab")


def test_the_label_filter_shows_one_label(report, open_page):
    page = open_page(report[0].as_uri())
    page.select_option("[data-filter=label]", label="dog")
    expect(page.locator("#listen .card:visible")).to_have_count(1)
    page.select_option("[data-filter=label]", label="all")
    expect(page.locator("#listen .card:visible")).to_have_count(3)


def test_keys_switch_copies_at_the_same_position(report, open_page):
    page = open_page(report[0].as_uri())
    card = page.locator("#listen .card").first
    first, third = card.locator("audio").nth(0), card.locator("audio").nth(2)
    until(page, "document.querySelector('.card').querySelectorAll('audio')[2].duration > 4")
    first.evaluate("(player) => { player.currentTime = 2; return player.play(); }")
    page.keyboard.press("3")
    expect(card.locator("h4:visible")).to_have_count(0)
    assert card.locator(".view.chosen h4").text_content() == "copy 2"
    assert first.evaluate("(player) => player.paused")
    assert not third.evaluate("(player) => player.paused")
    assert 1.9 < third.evaluate("(player) => player.currentTime") < 4
    page.keyboard.press("9")  # there is no ninth sound
    assert card.locator(".view.chosen h4").text_content() == "copy 2"


def test_a_click_in_a_picture_seeks_and_the_playhead_follows(report, open_page):
    page = open_page(report[0].as_uri())
    picture = page.locator("#listen .card .view.chosen .picture").first
    until(page, "document.querySelector('.view.chosen audio').duration > 4")
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * 0.6, "y": box["height"] / 2})
    seconds = page.evaluate("document.querySelector('.view.chosen audio').currentTime")
    assert seconds == pytest.approx(3.0, abs=0.1)
    until(page, "document.querySelector('.view.chosen .playhead') !== null")
    left = page.evaluate("parseFloat(document.querySelector('.view.chosen .playhead').style.left)")
    assert left == pytest.approx(60, abs=2)


def test_cards_are_ordered_by_change_and_filtered_by_transform(report, open_page):
    page = open_page(report[0].as_uri())
    changes = "[...document.querySelectorAll('#listen .card')].map((c) => +c.dataset.change)"
    found = page.evaluate(changes)
    assert found == sorted(found, reverse=True)
    assert found[0] > 0
    page.select_option("[data-order]", "up")
    assert page.evaluate(changes) == sorted(found)
    page.select_option("[data-filter=transform]", label="Shift")
    shown = page.locator("#listen .card:visible")
    assert all("Shift" in one.get_attribute("data-transforms") for one in shown.all())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}),
        ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 390, "height": 780}, "is_mobile": True}),
    ],
)
def test_it_fits_the_screen(report, open_page, screenshots, name, options):
    page = open_page(report[0].as_uri(), **options)
    time.sleep(0.5)
    page.screenshot(path=screenshots / f"report-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(json.loads(ground.replace("rgb(", "[").replace(")", "]"))) / 3
    assert (lightness < 60) == (name == "dark")
    assert page.evaluate("document.documentElement.scrollHeight") < 5000
    assert page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = rgb(c).slice(0, 3).map((v) => {
      v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (rgb(c)[3] !== 0) return c; }
    return "rgb(255,255,255)"; };
  const weak = [];
  const texts = "p, h1, h2, h3, h4, dt, dd, a, td, th, li, figcaption, summary, .label";
  for (const e of document.querySelectorAll(texts)) {
    if (!e.textContent.trim() || e.classList.contains("skip")) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(e.tagName + " " + ratio.toFixed(2)); }
  return weak; }"""
