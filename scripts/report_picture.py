"""Draw docs/report.png: the report's first screen, on the embedded data set.

Needs Chromium (Debian: ``apt-get install chromium``):

    .venv/bin/python scripts/report_picture.py
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.augmentation_report.page import render_page
from tfx_audio.pipeline.clips.demo_data import write_demo_data
from tfx_audio.pipeline.clips.preview import PreviewRequest, preview_policy

TARGET = Path(__file__).resolve().parents[1] / "docs" / "report.png"
POLICY = "environmental"
WIDTH, HEIGHT = 1280, 1000


def main() -> None:
    """Preview a preset on three synthesised clips, and photograph the page."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_demo_data(Path(folder) / "data", clips_per_class=2)
        request = PreviewRequest(
            IngestConfig(path=str(data)), load_policy(POLICY), POLICY, clips=10, copies=4
        )
        page = Path(folder) / "report.html"
        page.write_bytes(render_page(preview_policy(request)))
        picture = Path(folder) / "report.png"
        _photograph(page, picture)
        with Image.open(picture) as image:
            image.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(
                TARGET, optimize=True
            )


def _photograph(page: Path, picture: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.as_uri())
        tab.wait_for_timeout(1500)
        tab.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
