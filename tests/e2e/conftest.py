"""The project as its users get it: a wheel in an environment that knows no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

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
