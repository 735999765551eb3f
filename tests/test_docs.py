"""The documents: every link leads somewhere, every command and policy in them is valid."""

import argparse
import ast
import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.pipeline.cli import build_parser
from tfx_audio.pipeline.config import known_fields, parse_config

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "components").rglob("README.md")]
)
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced or indented block of a document."""

    document: Path
    line: int
    kind: str
    text: str

    def __str__(self):
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks_of(path):
    """Return the document's code blocks, fenced and indented."""
    text = path.read_text(encoding="utf-8")
    found = [
        Block(path, text[: m.start()].count("\n") + 1, m["kind"], _dedented(m["text"], m["indent"]))
        for m in FENCE.finditer(text)
    ]
    plain = FENCE.sub(lambda m: "\n" * m.group().count("\n"), text)
    for m in re.finditer(r"(?:^ {4,}\S.*\n|^\n(?= {4,}\S))+", plain, re.M):
        lines = [line.strip() for line in m.group().splitlines() if line.strip()]
        if lines and re.match(r"(\.venv/bin/)?tfx-audio |make ", lines[0]):
            found.append(
                Block(path, plain[: m.start()].count("\n") + 1, "bash", "\n".join(lines) + "\n")
            )
    return found


def _dedented(text, indent):
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


BLOCKS = [block for path in DOCUMENTS for block in blocks_of(path)]


def commands_of(block):
    """Return the block's commands as lists of words, continued lines joined, comments cut off."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words:
            yield words


COMMANDS = [
    (block, words)
    for block in BLOCKS
    if block.kind in ("bash", "sh", "shell", "console")
    for words in commands_of(block)
]
TFX_AUDIO = [(b, words[1:]) for b, words in COMMANDS if Path(words[0]).name == "tfx-audio"]


@functools.cache
def parser():
    return build_parser()


def test_there_is_something_to_check():
    assert len(DOCUMENTS) >= 10
    assert len(TFX_AUDIO) >= 15


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    missing = [link for link in local if link and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize(("block", "words"), TFX_AUDIO, ids=lambda value: str(value)[:60])
def test_commands_are_valid(block, words, capsys):
    words = words[: next((i for i, w in enumerate(words) if w in ("|", ">", "&&", ";")), None)]
    words = [word for word in words if word not in ("…", "...")]  # left out by the document
    if "--help" in words:
        words = [*words[:1], "--help"]
    try:
        args = parser().parse_args(words)
    except SystemExit as ended:
        refused = ended.code and f"{block}: {capsys.readouterr().err}"
    else:
        refused, assignments = 0, getattr(args, "assignments", [])
        _check_assignments(block, assignments)
    assert not refused, refused


def _check_assignments(block, assignments):
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        known = known_fields()
        mapping = any(name.startswith(f"{field}.") for field in known)
        assert name in known or mapping, f"{block}: --set {name}"
        yaml.safe_load(value)


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        (str(block), words[1]) for block, words in COMMANDS if words[0] == "make" and len(words) > 1
    }
    assert [entry for entry in sorted(named) if entry[1] not in targets] == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind in ("yaml", "yml", "json")], ids=str)
def test_policies_and_configurations_are_valid(block):
    content = yaml.safe_load(block.text)
    if isinstance(content, dict) and "transforms" in content:
        parse_policy(block.text, str(block))
    elif isinstance(content, dict) and set(content) <= set(known_fields()):
        parse_config({"data": {}} | content)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "python"], ids=str)
def test_snippets_are_python(block):
    ast.parse(block.text, str(block))


def test_every_command_has_a_place_in_the_documents():
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"tfx-audio ([a-z]+)", text))
    (actions,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert set(actions.choices) - named == set()
