"""The project as its users get it: a wheel in an environment that knows no checkout; a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(REPOSITORY)], check=True, capture_output=True)
    (built,) = folder.glob("tfx_audio-*.whl")
    return built


@pytest.fixture(scope="session")
def wheel_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the locked packages and the wheel.

    The packages are this environment's own, by a path entry: its ``.pth`` files, the editable
    install's finder among them, are not read from there.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = python.with_name("pip")  # which TFX's command line calls by that name
    pip.write_text(
        f"#!{python}\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n"
    )
    pip.chmod(0o755)
    script = "from tfx_audio.pipeline import cli; import sys; print(cli.__file__, *sys.path)"
    done = subprocess.run(
        [str(python), "-c", script], cwd="/", capture_output=True, text=True, check=True
    )
    assert str(packages) in done.stdout
    assert str(REPOSITORY / "pipeline") not in done.stdout
    return python


@pytest.fixture(scope="session")
def bare_environment(wheel_python: Path) -> dict[str, str]:
    """Environment variables with that interpreter first, and nothing of this checkout."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ}
    path = f"{wheel_python.parent}:/usr/local/bin:/usr/bin:/bin"
    return {**kept, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium of the system (Debian: ``apt-get install chromium``)."""
    from playwright.sync_api import expect, sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the browser tests need Chromium: apt-get install chromium"
    expect.set_options(timeout=30_000)  # a busy machine
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        flags += ["--autoplay-policy=no-user-gesture-required"]
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open pages that must not complain, nor ask anything of another machine.

    ``open_page(url, allowed=prefix, **context_options)`` returns Playwright's page.
    """
    with contextlib.ExitStack() as stack:
        problems: list[str] = []

        def open_one(url: str, allowed: str = "file:", **options: Any) -> Any:
            context = browser.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("request", lambda request: _check_request(request.url, allowed, problems))
            page.on("websocket", lambda socket: _check_request(socket.url, allowed, problems))
            page.goto(url)
            return page

        yield open_one
        assert problems == []


def _check_request(url: str, allowed: str, problems: list[str]) -> None:
    same_machine = url.replace("ws://", "http://").startswith(allowed)
    if not (same_machine or url.startswith(("data:", "blob:"))):
        problems.append(f"asked for {url}")


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of pages are kept to be looked at."""
    folder = REPOSITORY / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


LEVEL_OF_PLAYER = """async (player) => {
  const bytes = await (await fetch(player.src)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return {rms: Math.sqrt(sum / samples.length), seconds: sound.duration};
}"""


@pytest.fixture(scope="session")
def level_of() -> Callable[[Any], dict[str, float]]:
    """Decode what an ``audio`` element plays, in the page; return its RMS and length."""
    return lambda player: player.evaluate(LEVEL_OF_PLAYER)
