"""The rejected table of a component: written, read, and kept where the component fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.open_files import match_files, open_file

if TYPE_CHECKING:
    from tfx.types import Artifact  # `augment` writes tables without TFX

FILE_PATTERN = "rejected*.jsonl"


def write_rejections(rejections: Iterable[Rejection], uri: str, name: str = "rejected") -> None:
    """Write a table, or a part of it, into a folder as ``<name>.jsonl``."""
    lines = sorted(rejection.to_json() for rejection in rejections)
    with FileSystems.create(FileSystems.join(uri, f"{name}.jsonl"), "text/plain") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())


def read_rejections(uri: str) -> Iterator[Rejection]:
    """Yield what the tables in a folder hold."""
    for path in match_files(uri, FILE_PATTERN):
        with open_file(path) as file:
            for line in file:
                yield Rejection.from_json(line)


@contextlib.contextmanager
def kept_if_it_fails(uri: str, failed_dir: str, stage: str) -> Iterator[str]:
    """Copy the table to ``<failed_dir>/<stage>-rejected.jsonl`` where the body raises.

    TFX deletes the artifacts of an executor that raises. Without a folder the copy lies in one
    beside the artifact, ``<uri>-failed``. Yields where the copy would lie.
    """
    folder = failed_dir or f"{uri.rstrip('/')}-failed"
    kept = FileSystems.join(folder, f"{stage}-rejected.jsonl")
    try:
        yield kept
    except Exception:
        with FileSystems.create(kept, "text/plain") as table:
            for path in match_files(uri, FILE_PATTERN):
                with open_file(path) as part:
                    table.write(part.read())
        raise


def count_rejected(artifact: Artifact, counts: Mapping[str, int]) -> None:
    """Write counts by reason, and their sum, to an artifact's custom properties."""
    artifact.set_int_custom_property("rejected", sum(counts.values()))
    for reason, count in sorted(counts.items()):
        artifact.set_int_custom_property(f"rejected:{reason}", count)
