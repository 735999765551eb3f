"""The documents' commands and snippets run, in a folder laid out as the documents say.

Everything runs as it stands, with three exceptions, each of which other tests run for real
(tests/e2e/test_run.py, test_explorer_browser.py): `run` and `demo` stop when data, policy and
configuration are read and the graph is built; `explore` stops before it serves; `predict`, `runs`
and what holds a placeholder in capitals (``--data DIR``) are only parsed, by tests/test_docs.py. A
policy file that a command names and that is not there holds the document's own first policy. A
block below ``<!-- not run: reason -->`` is left out.
"""

import importlib.util
import itertools
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.components.audio.records.tfrecord import write_record

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("docs_blocks", ROOT / "tests/test_docs.py")
docs_blocks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(docs_blocks)
NOT_RUN = re.compile(r"<!-- not run: \S.*-->\s*$")
PLACEHOLDER = re.compile(r"(^|[=/,:])[A-Z][A-Z_]+($|[=/,.])|^(…|\.\.\.)$")
POLICY = """
copies_per_clip: 2
transforms:
  - {name: PitchShift, min_semitones: -2, max_semitones: 2, p: 0.5}
  - {name: Gain, p: 1.0}
"""


def runs(block):
    lines = block.document.read_text(encoding="utf-8").splitlines()
    return not NOT_RUN.search("\n".join(lines[max(0, block.line - 3) : block.line - 1]).rstrip())


def write_sound(path, number, rate=16_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(rate) / rate
    generator = np.random.default_rng(number)
    tone = 0.3 * np.sin(2 * np.pi * (200 + 37 * number) * time_s)
    soundfile.write(path, tone + generator.normal(0, 0.01, len(tone)), rate)


def write_examples(split):
    split.mkdir(parents=True)
    with open(split / "examples-00000-of-00001", "wb") as file:
        for number in range(4):
            tone = np.sin(np.arange(8_000) * (1 + number) / 20).astype(np.float32) / 2
            write_record(file, clip_to_example(Clip(f"{number}.wav", tone, 8_000, label="dog")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder, with everything that the documents name."""
    root = tmp_path_factory.mktemp("user")
    for label in ("dog", "cat", "siren"):
        for number in range(40):
            write_sound(root / "my_sounds" / label / f"{number}.wav", number + len(label))
    for digit in (0, 1):
        for speaker in range(12):
            for index in range(2):
                number = digit * 100 + speaker * 10 + index
                write_sound(
                    root / f"recordings/{digit}/{digit}_s{speaker}_{index}.wav", number, 8_000
                )
    rows = ["path,label,room"]
    for number in range(40):
        write_sound(root / f"corpus/audio/{number}.wav", number)
        rows.append(f"audio/{number}.wav,{'ab'[number % 2]},kitchen")
    (root / "corpus/clips.csv").write_text("\n".join(rows) + "\n")
    for number, name in enumerate("abc"):
        table = [rows[0], *rows[1 + number :: 3]]
        (root / f"corpus/{name}.csv").write_text("\n".join(table) + "\n")
    for bank in ("noise", "rooms", "my_noise", "street_noise", "noises"):
        for number in range(3):
            write_sound(root / bank / f"{number}.wav", number)
    shutil.copy(root / "my_sounds/dog/0.wav", root / "some.wav")
    for folder in ("examples", "artifacts/AudioExampleGen/examples/1"):
        write_examples(root / folder / "Split-train")
    (root / "my_run.yaml").write_text("data: {path: my_sounds}\nroot: build/mine\n")
    (root / "my_backbones.py").write_text("def small_cnn(log_mel):\n    return log_mel\n")
    return root


@pytest.fixture
def light(monkeypatch):
    """Stop `run`, `demo` and `explore` where the long work would begin."""
    from tfx_audio.pipeline import local_runner
    from tfx_audio.pipeline.definition import create_pipeline
    from tfx_audio.pipeline.run_inputs import read_inputs

    def build_only(config, *_, **__):
        assert create_pipeline(config, read_inputs(config)).components
        return None

    monkeypatch.setattr(local_runner, "run_pipeline", build_only)
    monkeypatch.setattr("os.execv", lambda *_: None)


def execute(block, namespace):
    """Run one block: Python as it stands, `tfx-audio` in this process."""
    from tfx_audio.pipeline import cli

    if module := re.match(r"# (\w+\.py)\n", block.text):
        Path(module[1]).write_text(block.text)
        return
    if block.kind == "python":
        exec(compile(block.text, str(block), "exec"), namespace)
        return
    for words in docs_blocks.commands_of(block):
        is_listed = words[1:2] in (["predict"], ["detect"], ["runs"])
        only_parsed = is_listed or any(map(PLACEHOLDER.search, words))
        if Path(words[0]).name != "tfx-audio" or only_parsed:
            continue
        write_missing_policies(block.document, words)
        words = afresh(words)
        try:
            status = cli.main(words[1:])
        except SystemExit as ended:  # --help
            status = ended.code
        assert not status, f"{block}: {' '.join(words)}"


def afresh(words):
    """Make room for what a command writes, and let two worker processes do for many."""
    if words[1] == "augment" and "--out" in words:
        shutil.rmtree(words[words.index("--out") + 1], ignore_errors=True)
    if "--workers" in words:
        at = words.index("--workers") + 1
        words = [*words[:at], "2", *words[at + 1 :]]
    return words


def write_missing_policies(document, words):
    """Write the document's first policy to every policy file that a command reads."""
    texts = [b.text for b in docs_blocks.BLOCKS if b.document == document and b.kind == "yaml"]
    text = next((t for t in texts if "transforms:" in t and "sounds:" not in t), POLICY)
    for before, word in itertools.pairwise(words):
        if before in ("--policy", "check", "show") and word.endswith((".yaml", ".yml", ".json")):
            path = Path(word)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(text)


def documents():
    kinds = ("bash", "python")
    return [
        path
        for path in docs_blocks.DOCUMENTS
        if any(b.document == path and b.kind in kinds and runs(b) for b in docs_blocks.BLOCKS)
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_runs_from_top_to_bottom(path, folder, light, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("TFX_AUDIO_CONFIG", "")
    monkeypatch.delenv("TFX_AUDIO_CONFIG")
    shutil.rmtree(folder / "augmented", ignore_errors=True)
    namespace = {"__name__": "__document__"}
    blocks = [b for b in docs_blocks.BLOCKS if b.document == path and runs(b)]
    for block in sorted(blocks, key=lambda b: b.line):
        if block.kind in ("bash", "python"):
            execute(block, namespace)
    assert Path(os.getcwd()) == folder
