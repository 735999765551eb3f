"""Results of spans, kept as soon as they are whole: a job that was killed goes on from there.

A span's results lie in a folder whose name is a digest of all that they depend on, so that what
another policy, another input or other code made is never taken for them. A folder gets its name
when it is complete. Shards of the output are the spans' files in the spans' order: the same
files whatever the number of workers, of kills and of starts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput

from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_augmenter.counters import AugmentationCounts, add_up
from tfx_audio.components.audio_augmenter.merkle import LEAF_BYTES, leaf
from tfx_audio.components.audio_augmenter.spans import Span, read_span
from tfx_audio.components.audio_augmenter.transforms import EXAMPLES, REJECTED, ExampleFn
from tfx_audio.components.open_files import file_state, is_local

_COUNTS_FILE = "counts.json"
_LEAVES = ".leaves"
_PART = ".part-"


@dataclass(frozen=True)
class SpanWork:
    """What is made of one span.

    Attributes:
      step: Which step makes it (``train``, ``eval``, ``conditions``).
      span: Its records.
      name: The digest that its results are kept under.
    """

    step: str
    span: Span
    name: str


def plan_work(step: str, spans: Iterable[Span], depends_on: str) -> list[SpanWork]:
    """Return the work on spans; `depends_on` is all but the records that decides the results."""
    return [SpanWork(step, span, _digest(step, span, depends_on)) for span in spans]


class FinishedSpans:
    """The folder of results, held by one job at a time."""

    def __init__(self, folder: str, works: Sequence[SpanWork]) -> None:
        """Keep the names; results of anything but `works` are removed."""
        self._folder, self._works = Path(folder), works
        self._folder.mkdir(exist_ok=True)
        names = {work.name for work in works}
        for found in self._folder.iterdir():
            if found.name not in names:
                shutil.rmtree(found)

    def missing(self) -> list[SpanWork]:
        """Return the work that is still to be done."""
        return [work for work in self._works if not (self._folder / work.name).is_dir()]

    def counts(self) -> AugmentationCounts:
        """Return what all of the work counted."""
        return add_up(
            json.loads((self._folder / work.name / _COUNTS_FILE).read_bytes())
            for work in self._works
        )

    def place(self, step: str, output: str, name_of: Callable[[int, int], str]) -> None:
        """Give an output's files their names, without copying them where that can be had.

        Args:
          step: The step that made it.
          output: The output.
          name_of: Returns the path of a file by its number and how many there are.
        """
        files = [self._folder / w.name / output for w in self._works if w.step == step]
        for number, file in enumerate(files):
            path = Path(name_of(number, len(files)))
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file, path)
            except OSError:  # a file system without links
                shutil.copyfile(file, path)
        if not files:
            empty = Path(name_of(0, 1))
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()

    def leaves(self, step: str, output: str) -> Iterator[bytes]:
        """Yield the digest of every record of an output (`merkle.leaf`)."""
        for work in self._works:
            if work.step == step:
                data = (self._folder / work.name / f"{output}{_LEAVES}").read_bytes()
                yield from (data[i : i + LEAF_BYTES] for i in range(0, len(data), LEAF_BYTES))

    def rejected(self) -> Iterator[bytes]:
        """Yield the JSON lines of what was rejected, in the order of the input."""
        for work in self._works:
            yield (self._folder / work.name / REJECTED).read_bytes()


class FinishSpanFn(beam.DoFn):
    """Does the work on spans, and keeps each one's results when they are whole."""

    def __init__(
        self,
        steps: Mapping[str, ExampleFn],
        outputs: Mapping[str, Mapping[str, str]],
        folder: str,
        arguments: Mapping[str, tuple[Any, ...]],
    ) -> None:
        """Keep the configuration.

        Args:
          steps: What makes the results, by step.
          outputs: The name of each step's outputs by their tag.
          folder: Where results are kept; every worker must reach it.
          arguments: What a step's `process` is given beside a record.
        """
        self._steps, self._outputs = steps, outputs
        self._folder, self._arguments = folder, arguments

    def setup(self) -> None:
        """Begin to count."""
        for fn in self._steps.values():
            fn.setup()

    def finish_bundle(self) -> None:
        """Hand on what was counted."""
        for fn in self._steps.values():
            fn.finish_bundle()

    def process(self, work: SpanWork) -> Iterable[None]:
        """Yield nothing; the results are in the folder."""
        fn, outputs = self._steps[work.step], self._outputs[work.step]
        arguments = self._arguments.get(work.step, ())
        with _appearing(Path(self._folder, work.name)) as part, contextlib.ExitStack() as files:
            by_tag = {
                tag: files.enter_context((part / name).open("wb"))
                for tag, name in {**outputs, REJECTED: REJECTED}.items()
            }
            leaves = {tag: bytearray() for tag in outputs}
            for record in read_span(work.span):
                for made in fn.process(record, *arguments):
                    _write(made, by_tag, leaves)
            for tag, name in outputs.items():
                (part / f"{name}{_LEAVES}").write_bytes(leaves[tag])
            (part / _COUNTS_FILE).write_text(json.dumps(fn.take_counts()))
        return ()


def _write(
    made: bytes | TaggedOutput, by_tag: Mapping[str, BinaryIO], leaves: Mapping[str, bytearray]
) -> None:
    if isinstance(made, TaggedOutput) and made.tag == REJECTED:
        by_tag[REJECTED].write(made.value.encode() + b"\n")
        return
    tag, record = (made.tag, made.value) if isinstance(made, TaggedOutput) else (EXAMPLES, made)
    write_record(by_tag[tag], record)
    leaves[tag] += leaf(record)


@contextlib.contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Yield a new folder that gets the name when the block is done."""
    part = folder.with_name(f"{folder.name}{_PART}{uuid.uuid4().hex}")
    part.mkdir()
    try:
        yield part
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # no other attempt that was quicker
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _digest(step: str, span: Span, depends_on: str) -> str:
    """Return a name for a span's results: by what its file is, not where."""
    if is_local(span.path):
        file: list[object] = [*(file_state(span.path) or os.stat(span.path))]  # or its OSError
    else:
        (match,) = FileSystems.match([span.path])[0].metadata_list
        file = [span.path, match.size_in_bytes, match.last_updated_in_seconds]
    text = json.dumps([step, depends_on, file, span.start, span.records])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
