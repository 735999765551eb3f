"""docs/engines.md: its scripts, each in a process of its own, make the same copies to the byte."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records, write_record

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("docs_blocks", ROOT / "tests/test_docs.py")
docs_blocks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(docs_blocks)
BLOCKS = docs_blocks.blocks_of(ROOT / "docs/engines.md")
SCRIPTS = {b.text.split("\n", 1)[0].removeprefix("# "): b for b in BLOCKS if b.kind == "python"}
ENGINES = sorted(set(SCRIPTS) - {"my_copies.py", "by_kfp.py"})
NOT_OURS = {"by_torch.py": "torch", "by_datasets.py": "datasets"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder: the document's files, and examples in two files."""
    root = tmp_path_factory.mktemp("user")
    for name, block in SCRIPTS.items():
        (root / name).write_text(block.text)
    (policy,) = [block.text for block in BLOCKS if block.kind == "yaml"]
    (root / "one_copy.yaml").write_text(policy)
    split = root / "examples" / "Split-train"
    split.mkdir(parents=True)
    for part in range(2):
        with (split / f"examples-{part}").open("wb") as file:
            for number in range(part * 10, part * 10 + 10):
                tone = np.sin(np.arange(4_000) * (1 + number) / 30) / 2
                clip = Clip(f"{number}.wav", tone.astype(np.float32), 8_000, label="ab"[part])
                write_record(file, clip_to_example(clip))
    return root


def records_of(folder):
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            yield from read_records(file)


def run(folder, *command):
    environment = {**os.environ, "HF_DATASETS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def expected(folder):
    """The copies by the augmenter itself, and the document's digest of them."""
    augmenter = Augmenter(load_policy(folder / "one_copy.yaml"))
    clips = map(example_to_clip, records_of(folder / "examples/Split-train"))
    copies = sorted(clip_to_example(augmenter.augment(clip, 1)) for clip in clips)
    namespace = {}
    digest = SCRIPTS["my_copies.py"].text.partition("def digest")[2]
    exec(f"import hashlib\ndef digest{digest}", namespace)
    return copies, namespace["digest"](copies)


def test_the_document_has_every_engine():
    assert ENGINES == [
        "by_beam.py", "by_datasets.py", "by_map.py", "by_processes.py", "by_tf_data.py",
        "by_torch.py",
    ]  # fmt: skip


@pytest.mark.parametrize("script", ENGINES)
def test_an_engine_makes_the_same_copies(script, folder, expected):
    if script in NOT_OURS:
        pytest.importorskip(NOT_OURS[script], reason="no part of this project's lock files")
    copies, digest = expected
    assert len(set(copies)) == 20
    assert run(folder, sys.executable, script)[-1] == digest
    if script == "by_beam.py":
        assert sorted(records_of(folder / "from_beam")) == copies


def test_the_command_of_the_kfp_component_makes_the_same_copies(folder, expected):
    run(folder, sys.executable, "by_kfp.py")
    (executor,) = yaml.safe_load((folder / "augment.yaml").read_text())["deploymentSpec"][
        "executors"
    ].values()
    container = executor["container"]
    assert container["image"] == "tfx-audio:latest"
    paths = {
        "{{$.inputs.artifacts['examples'].path}}": "examples",
        "{{$.inputs.artifacts['policy'].path}}": "one_copy.yaml",
        "{{$.outputs.artifacts['copies'].path}}": "from_kfp",
    }
    program, *words = [paths.get(word, word) for word in container["command"] + container["args"]]
    run(folder, str(Path(sys.executable).with_name(program)), *words)
    assert sorted(records_of(folder / "from_kfp/Split-train")) == expected[0]
