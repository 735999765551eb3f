"""`Listing`, what was found to ingest before any of it is read."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.clip import label_names
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import STAGE, Recording
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.files import AllowedRoots, Problem
from tfx_audio.components.open_files import is_local


@dataclass
class Listing:
    """What was found.

    Attributes:
      config: The configuration, with what a layout says filled in.
      recordings: Files to read, sorted by path.
      rejections: What can't be used already by its name, its place or its row.
      given_splits: Splits that the data gives.
      ignored: Files that are no audio, neither by name nor by content: a README, a picture.
      passed_over: Number of clips and audio files that are left out on purpose, by the reason.
      record_features: Where recordings are files of foreign records, what their features mean.
      notes: What a person should be told, a sentence each.
      folds: The feature that numbers official folds, empty if there are none.
      split_by: The feature whose values should not straddle two splits, empty if none is known.
    """

    config: IngestConfig
    recordings: list[Recording] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    given_splits: frozenset[str] = frozenset()
    ignored: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    record_features: RecordFeatures | None = None
    notes: list[str] = field(default_factory=list)
    folds: str = ""
    split_by: str = ""

    def excludes(self, path: str) -> bool:
        """Return whether the user passes a file over, and count it if so."""
        excluded = any(fnmatchcase(path, pattern) for pattern in self.config.exclude)
        self.passed_over["excluded"] += excluded
        return excluded

    def note(self, sentence: str) -> None:
        """Keep a sentence for people, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that audio may come from."""
        return (self.config.path, *self.config.roots)

    @property
    def labels(self) -> list[str]:
        """Labels in order."""
        joined = {row.label for recording in self.recordings for row in recording.rows}
        return sorted({name for label in joined for name in label_names(label)})

    @property
    def rejected_labels(self) -> set[str]:
        """Labels of what is rejected already."""
        return {name for one in self.rejections for name in label_names(one.label)}

    @property
    def anomalies(self) -> list[str]:
        """What is odd about the labels: those that a person would take for one."""
        alike: dict[str, list[str]] = {}
        for label in self.labels:
            alike.setdefault(unicodedata.normalize("NFKC", label).casefold(), []).append(label)
        return [
            f"labels_alike in label: {', '.join(map(ascii, names))} differ only in case or "
            "Unicode form"
            for names in alike.values()
            if len(names) > 1
        ]

    @property
    def ignored_counts(self) -> dict[str, int]:
        """Number of what is left out: files that are no audio by suffix, others by the reason."""
        suffixes = Counter(
            posixpath.splitext(path)[1].lower() or "no suffix" for path in self.ignored
        )
        return dict(sorted((suffixes + self.passed_over).items()))

    def reject(self, path: str, problem: Problem, label: str = "") -> None:
        """Reject something."""
        shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
        self.rejections.append(Rejection(shown, problem[0], STAGE, problem[1], label))


def check_root(config: IngestConfig) -> None:
    """Check that the data root is a folder.

    Raises:
      InvalidInput: If it isn't.
    """
    if not config.path:
        raise InvalidInput("data.path is needed: the folder of audio")
    if is_local(config.path):
        if not os.path.isdir(config.path):
            what = "is a file" if os.path.exists(config.path) else "does not exist"
            raise InvalidInput(f"the data root must be a folder; {config.path!r} {what}")
        if not os.access(config.path, os.R_OK | os.X_OK):
            raise InvalidInput(f"the data root {config.path!r} may not be read")
    elif not FileSystems.match([config.path.rstrip("/") + "/**"], [1])[0].metadata_list:
        raise InvalidInput(f"the data root must be a folder; there is nothing at {config.path!r}")


def allowed_roots(config: IngestConfig) -> AllowedRoots:
    """Return the folders that audio may come from."""
    return AllowedRoots(config.path, *config.roots)


def size_problem(size: int, config: IngestConfig) -> Problem | None:
    """Return why a file of this size can't be used."""
    if size <= config.max_recording_mb * 2**20:
        return None
    return "too_large", f"{size} bytes; data.max_recording_mb is {config.max_recording_mb}"
