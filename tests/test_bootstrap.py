"""scripts/bootstrap chooses a platform and says why; its failures say what was tried.

The script runs for real, on a PATH where the machine's facts, the Pythons and uv are stand-ins.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = (
    "awk",
    "cat",
    "cksum",
    "cp",
    "cut",
    "dirname",
    "env",
    "head",
    "ln",
    "mkdir",
    "rm",
    "sh",
    "sort",
    "tail",
)
PYTHON = """#!/bin/sh
[ "$1" != - ] || { [ "$2" != VERSION ] || echo "$0"; exit 0; }
case "$*" in *py%d%d*) echo pyDIGITS ;; *) exit 1 ;; esac
"""
UV = """#!/bin/sh
echo "uv $*" >>uv-calls
case "$1 $2" in
"python install") [ -n "$CAN_FETCH" ] || { echo "error: no route to host" >&2; exit 2; } ;;
"python find") [ -n "$UV_PYTHON_INSTALL_DIR$UV_HAS" ] && echo "$FETCHED" ;;
"venv --clear") mkdir -p .venv/bin && cp "$4" .venv/bin/python ;;
"pip sync") [ -z "$NO_INDEX" ] || { echo "error: no index within reach" >&2; exit 1; } ;;
esac
"""


class Machine:
    """A checkout on a machine with some glibc and some Pythons."""

    def __init__(self, folder):
        self.checkout, self.bin = folder / "checkout", folder / "bin"
        self.bin.mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        (self.checkout / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "bootstrap", self.checkout / "scripts")
        for name in ("requirements-py310.lock", "requirements-py313.lock", "pyproject.toml"):
            (self.checkout / name).write_text(name)
        self.script(self.checkout / ".tools/uv/bin/uv", UV)
        self.uname("Linux x86_64")

    def script(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def uname(self, kind):
        system, machine = kind.split()
        self.script(
            self.bin / "uname", f"#!/bin/sh\n[ $1 = -s ] && echo {system} || echo {machine}"
        )

    def python(self, version, path=None):
        text = PYTHON.replace("VERSION", version).replace("DIGITS", version.replace(".", ""))
        return self.script(path or self.bin / f"python{version}", text)

    def bootstrap(self, glibc, status=0, **environment):
        self.script(self.bin / "getconf", f"#!/bin/sh\necho glibc {glibc}\n")
        calls = self.checkout / "uv-calls"
        calls.write_text("")
        done = subprocess.run(
            ["scripts/bootstrap"],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": str(self.bin.parent / "home"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stderr, calls.read_text()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("glibc", "pythons", "platform", "lock", "why"),
    [
        ("2.41", ["3.10", "3.13"], "py313", "py313", "glibc 2.41 is 2.39 or later"),
        ("2.39", ["3.12"], "py312", "py313", "glibc 2.39 is 2.39 or later"),
        ("2.100", ["3.11", "3.12"], "py312", "py313", "glibc 2.100 is 2.39 or later"),
        ("2.36", ["3.10", "3.13"], "py310", "py310", "glibc 2.36 is older than 2.39"),
        ("2.41", ["3.10"], "py310", "py310", "no Python 3.11 to 3.13 is to be had"),
    ],
)
def test_the_newest_platform_that_can_run_is_taken(machine, glibc, pythons, platform, lock, why):
    for version in pythons:
        machine.python(version)
    said, calls = machine.bootstrap(glibc)
    assert f"platform {platform}: " in said
    assert why in said
    assert "pip sync --python .venv/bin/python --compile-bytecode --require-hashes " in calls
    assert f"requirements-{lock}.lock" in calls


def test_a_second_call_does_nothing_and_a_changed_lock_file_installs_again(machine):
    machine.python("3.13")
    machine.bootstrap("2.41")
    assert machine.bootstrap("2.41") == ("", "")
    (machine.checkout / "requirements-py313.lock").write_text("another")
    _, calls = machine.bootstrap("2.41")
    assert "pip sync" in calls
    assert "venv" not in calls.replace(".venv", "")  # the environment itself stays


def test_the_variable_chooses_and_an_environment_keeps_its_platform(machine):
    machine.python("3.13")
    machine.python("3.10")
    said, _ = machine.bootstrap("2.41", TFX_AUDIO_PLATFORM="py310")
    assert "platform py310: TFX_AUDIO_PLATFORM says so" in said
    assert machine.bootstrap("2.41") == ("", "")
    said, _ = machine.bootstrap("2.41", TFX_AUDIO_PLATFORM="py313")
    assert "platform py313: TFX_AUDIO_PLATFORM says so" in said


def test_pyenvs_folder_is_looked_into(machine, tmp_path):
    path = machine.python("3.10", tmp_path / "home/.pyenv/versions/3.10.13/bin/python")
    said, _ = machine.bootstrap("2.36")
    assert str(path) in said


def test_uv_fetches_a_python_where_none_is_there(machine, tmp_path):
    fetched = machine.python("3.13", tmp_path / "fetched" / "python3.13")
    said, calls = machine.bootstrap("2.41", CAN_FETCH="1", FETCHED=str(fetched))
    assert "uv python install 3.13" in calls
    assert (
        f"platform py313: glibc 2.41 is 2.39 or later; requirements-py313.lock, {fetched}" in said
    )


@pytest.mark.parametrize(
    ("glibc", "environment", "told"),
    [
        ("2.36", {}, ["no route to host", "looked for 3.10", "glibc 2.36", "pyenv install 3.10"]),
        ("2.41", {}, ["no route to host", "looked for 3.10 to 3.13", "apt-get"]),
        ("2.36", {"TFX_AUDIO_PLATFORM": "py313"}, ["needs glibc 2.39 or later", "has 2.36"]),
        (
            "2.36",
            {"TFX_AUDIO_PLATFORM": "py39"},
            ["expected py313, py312, py311 or py310, got 'py39'"],
        ),
    ],
)
def test_what_was_tried_is_told(machine, glibc, environment, told):
    said, calls = machine.bootstrap(glibc, status=1, **environment)
    assert [words for words in told if words not in said] == []
    assert "pip sync" not in calls


def test_an_error_of_the_installation_is_shown_and_tried_again(machine):
    machine.python("3.13")
    said, _ = machine.bootstrap("2.41", status=1, NO_INDEX="1")
    assert "error: no index within reach" in said
    assert "a package index within reach" in said
    _, calls = machine.bootstrap("2.41")
    assert "pip sync" in calls


@pytest.mark.parametrize("kind", ["Linux aarch64", "Darwin x86_64"])
def test_other_machines_are_refused_before_anything_is_fetched(machine, kind):
    machine.uname(kind)
    said, calls = machine.bootstrap("2.41", status=1)
    assert "expected Linux on x86_64" in said
    assert calls == ""


def test_uv_can_not_be_installed_without_venv_and_pip(machine):
    shutil.rmtree(machine.checkout / ".tools")
    machine.python("3.13")  # it has neither: the stand-in refuses -m
    said, _ = machine.bootstrap("2.41", status=1)
    assert "tried venv and pip of every python3 found" in said
    assert "apt-get install python3-venv" in said
