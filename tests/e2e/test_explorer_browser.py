"""The explorer in a real browser, over the policy file that it saves, to `tfx-audio augment`."""

import json
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

CLI = [sys.executable, "-m", "tfx_audio.pipeline.cli"]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    root = tmp_path_factory.mktemp("sounds")
    for number, label in enumerate(("cat", "dog")):
        (root / label).mkdir()
        time_s = np.arange(8_000) / 8_000
        tone = 0.4 * np.sin(2 * np.pi * 300 * (number + 1) * time_s) * np.exp(-3 * time_s)
        soundfile.write(root / label / "a.wav", tone, 8_000)
    return root


@pytest.fixture(scope="module")
def explorer(sounds):
    """A running explorer's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*CLI, "explore", "--data", str(sounds), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(server, f"{address}/_stcore/health")
        yield address
    finally:
        server.send_signal(2)  # as Ctrl+C does
        server.wait(20)


def _wait_until_it_answers(server, url, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, server.stdout.read().decode()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def page(explorer, open_page):
    page = open_page(explorer, allowed=explorer, viewport={"width": 1400, "height": 1200})
    page.get_by_text("after 3. AddGaussianNoise").wait_for(timeout=90_000)
    settled(page)
    return page


def settled(page):
    """Wait until the page has run what was asked of it."""
    page.wait_for_timeout(400)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(400)


def tab_players(page):
    return page.locator("audio:visible")


def pictures(page):
    return [image.get_attribute("src") for image in page.locator("img:visible").all()]


def add(page, name):
    box = page.get_by_role("combobox", name="Add a transform", exact=False).first
    box.click()
    box.fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    settled(page)


def test_it_listens_on_loopback_only(explorer):
    host, port = explorer.removeprefix("http://").split(":")
    found = json.loads(
        subprocess.run(
            [sys.executable, "-c", LISTENING, port], capture_output=True, text=True, check=True
        ).stdout
    )
    assert found == [host]


LISTENING = """
import json, psutil, sys
print(json.dumps(sorted({c.laddr.ip for c in psutil.net_connections("tcp")
                         if c.status == "LISTEN" and c.laddr.port == int(sys.argv[1])})))
"""


def test_players_sound(page, level_of):
    players = tab_players(page)
    expect(players).to_have_count(4)
    for index in range(4):
        heard = level_of(players.nth(index))
        assert heard["rms"] > 0.01
        assert heard["seconds"] == pytest.approx(1.0, abs=0.02)


def test_choosing_a_transform_changes_sound_and_picture(page, level_of, screenshots):
    before = level_of(tab_players(page).last)
    seen = pictures(page)
    add(page, "Gain")
    page.get_by_text("after 4. Gain").wait_for()
    lower = page.get_by_role("slider", name="gain db").first
    lower.focus()
    for _ in range(3):
        page.keyboard.press("PageDown")
    settled(page)
    after = level_of(tab_players(page).last)
    expect(tab_players(page)).to_have_count(5)
    assert abs(after["rms"] - before["rms"]) > 0.005
    assert set(pictures(page)) - set(seen)
    page.screenshot(path=screenshots / "explorer-light.png", full_page=True)


def test_copies_seeds_and_masks_are_shown(page, level_of):
    page.get_by_role("tab", name="Copies").click()
    page.get_by_text("copy 3", exact=True).wait_for()
    settled(page)
    page.wait_for_function("document.querySelectorAll('audio').length >= 4")
    levels = {round(level_of(player)["rms"], 6) for player in tab_players(page).all()}
    assert len(levels) >= 3
    page.get_by_role("tab", name="Seeds").click()
    page.get_by_text("seed 2", exact=True).wait_for()
    page.get_by_role("tab", name="SpecAugment").click()
    page.get_by_text("original: ").wait_for()
    seen = pictures(page)
    page.get_by_role("spinbutton", name="Draw").fill("7")
    page.keyboard.press("Enter")
    settled(page)
    assert pictures(page) != seen
    page.get_by_role("tab", name="Cost").click()
    page.get_by_text("minutes of one core").wait_for()


def test_the_saved_policy_runs_in_augment(page, sounds, tmp_path):
    add(page, "PolarityInversion")
    page.get_by_role("tab", name="Policy file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the policy").click()
    policy = tmp_path / "policy.yaml"
    download.value.save_as(policy)
    assert "name: PolarityInversion" in policy.read_text()
    out = tmp_path / "augmented"
    command = [*CLI, "augment", "--data", str(sounds), "--policy", str(policy), "--out", str(out)]
    done = subprocess.run([*command, "--format", "wav"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(out.rglob("*.wav"))) >= 4


def test_a_broken_file_gets_a_message(page, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\x00\x00\x00\x00WAVE<script>alert(1)</script>")
    page.get_by_test_id("stRadioGroup").get_by_text("upload", exact=True).click()
    settled(page)
    page.locator('input[type="file"]').first.set_input_files(broken)
    page.get_by_text("broken.wav can't be").wait_for()


def test_a_policy_from_a_stranger_fetches_nothing(page, tmp_path):
    policy = tmp_path / "evil.yaml"
    policy.write_text("transforms: ['![x](http://192.0.2.1/x.png)<img src=http://192.0.2.1/y>']")
    page.locator('input[type="file"]').last.set_input_files(policy)
    page.get_by_text("there is no transform").wait_for()
    expect(page.locator('img[src*="192.0.2.1"]')).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dark", {"viewport": {"width": 1400, "height": 1200}, "color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 390, "height": 844}, "is_mobile": True}),
    ],
)
def test_other_screens(explorer, open_page, screenshots, name, options):
    page = open_page(explorer, allowed=explorer, **options)
    page.get_by_text("after 3. AddGaussianNoise").wait_for(state="attached", timeout=90_000)
    settled(page)
    page.locator("audio").first.wait_for(timeout=30_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.screenshot(path=screenshots / f"explorer-{name}.png", full_page=True)
    ground = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (sum(json.loads(f"[{ground[4:-1]}]")) < 180) == (name == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
