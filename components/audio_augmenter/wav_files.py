"""Examples as a folder of WAV files with a manifest, for tools that don't read TFRecords."""

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tfx_audio.components.audio.records.examples import (
    AUDIO_KEY,
    CLIP_ID_KEY,
    CONTRACT_KEYS,
    parse_features,
)
from tfx_audio.components.audio.records.manifest_cells import MANIFEST_COLUMNS, guarded

MANIFEST_FILE = "manifest.csv"
_UNSAFE = re.compile(r"[^\w.~@#=+,()\- ]", re.ASCII)
_MAX_NAME = 120
_MAX_PATH = 1000


def write_wav_files(examples_by_split: Mapping[str, Iterable[bytes]], folder: Path) -> int:
    """Write every example's audio, and one manifest of all.

    Args:
      examples_by_split: Serialised examples of the data contract by split.
      folder: Where ``<split>/<clip id>.wav`` and ``manifest.csv`` are written.

    Returns:
      The number of files. In the manifest, text that a spreadsheet would take for a formula
      stands behind an apostrophe.
    """
    examples = ((split, e) for split, group in examples_by_split.items() for e in group)
    taken, written = _TakenPaths(), 0
    columns: list[str] = []
    with (folder / MANIFEST_FILE).open("w", newline="", encoding="utf-8") as file:
        manifest = csv.writer(file)
        for split, example in examples:
            features = parse_features(example)
            if not columns:  # the fields of a name pattern or a manifest are the same for all
                columns = [*MANIFEST_COLUMNS, *sorted(set(features) - set(CONTRACT_KEYS))]
                manifest.writerow(columns)
            clip_id = _text(features, CLIP_ID_KEY)
            path = f"{split}/{file_name(clip_id)}"
            if not taken.take(path):
                path = f"{split}/{file_name(clip_id, distinct=True)}"
                taken.take(path)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(features[AUDIO_KEY][0])
            manifest.writerow([path, split, *(_cell(features, key) for key in columns[2:])])
            written += 1
    return written


class _TakenPaths:
    """Paths of files, and of the folders that they need; file systems may ignore case."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, path: str) -> bool:
        """Take a path if it is free, and nothing on the way to it is a file."""
        path = path.lower()
        folders = {str(folder) for folder in PurePosixPath(path).parents}
        if path in self._files or path in self._folders or folders & self._files:
            return False
        self._files.add(path)
        self._folders |= folders
        return True


def file_name(clip_id: str, distinct: bool = False) -> str:
    """Return a relative path for a clip id: the id, with what no file system minds.

    An id may come from a manifest and be anything: no part of it leads out of the folder, and a
    part that had to be changed or cut ends in a hash of the id, so that it stays unique. A name
    that is `distinct` from the id's usual one lies in no folder.
    """
    parts = []
    for part in clip_id.split("/"):
        safe = _UNSAFE.sub("_", part).strip(" ")[:_MAX_NAME]
        parts.append(safe if safe.strip(".") else "_")
    name = "/".join(parts)
    if distinct or len(name) > _MAX_PATH:
        name = parts[-1]
    if distinct or name != clip_id:
        name = f"{name.removesuffix('.wav')}-{hashlib.sha256(clip_id.encode()).hexdigest()[:12]}"
    return name if name.endswith(".wav") else f"{name}.wav"


def _text(features: Mapping[str, list[Any]], key: str) -> str:
    values = features.get(key) or [""]
    value = values[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else f"{value:.9g}"


def _cell(features: Mapping[str, list[Any]], key: str) -> str:
    """Return a feature for the manifest; a spreadsheet must not take text for a formula."""
    text = _text(features, key).replace("\0", "\N{REPLACEMENT CHARACTER}")
    is_text = isinstance((features.get(key) or [""])[0], (bytes, str))
    return guarded(text) if is_text else text
