"""The digest follows imports, and only imports."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfx_audio.components.code_digest import import_closure, import_closure_digest

EXAMPLES = "tfx_audio.components.audio.records.examples"


def test_closure_holds_what_a_module_reaches():
    reached = import_closure(EXAMPLES)
    assert {"tfx_audio.components.audio.clip", EXAMPLES} <= set(reached)
    assert all(name.startswith("tfx_audio.components.audio.") for name in reached)
    assert "tfx_audio.components.audio.progress" not in reached


def test_ingest_does_not_reach_the_augmentation():
    reached = import_closure("tfx_audio.components.audio_example_gen.executor")
    assert "tfx_audio.components.audio.augment.augmenter" not in reached
    assert "tfx_audio.components.audio_example_gen.transforms" in reached


def test_the_augmenter_reaches_the_augmentation():
    reached = import_closure("tfx_audio.components.audio_augmenter.executor")
    assert "tfx_audio.components.audio.augment.augmenter" in reached


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        import_closure_digest("tfx_audio.components.no_such_module")


def digest_of(package_root, module):
    code = (
        "from tfx_audio.components.code_digest import import_closure_digest as d;"
        f"print(d({module!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(package_root)},
    )
    return done.stdout.strip()


def test_editing_a_reached_file_changes_the_digest_and_any_other_does_not(tmp_path):
    package = tmp_path / "tfx_audio"
    source = Path(__file__).parents[2] / "components"
    shutil.copytree(source, package / "components", ignore=shutil.ignore_patterns("__pycache__"))
    before = digest_of(tmp_path, EXAMPLES)
    assert before == digest_of(tmp_path, EXAMPLES)

    (package / "components/audio/progress.py").write_text("# not reached\n")
    assert digest_of(tmp_path, EXAMPLES) == before

    with (package / "components/audio/clip.py").open("a") as file:
        file.write("# reached\n")
    assert digest_of(tmp_path, EXAMPLES) != before
