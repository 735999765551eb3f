"""Files that hold many clips each, record by record: TFRecord, parquet, WebDataset tar."""

import contextlib
import json
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow
import pyarrow.parquet

from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.records.examples import parse_features
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.open_files import open_file, open_unpacked

Values = Mapping[str, Sequence[Any]]  # as `parse_features` gives them
AUDIO = "audio"
_ROWS_AT_A_TIME = 16
_MAX_TEXT_BYTES = 2**20


def read_values(
    uri: str, record_format: str, largest: int, roots: tuple[str, ...] = ()
) -> Iterator[Values | Unusable]:
    """Yield the values of each record by name, or why it can't be read.

    Args:
      uri: The file.
      record_format: ``tfrecord``, ``parquet`` or ``webdataset``.
      largest: The most bytes of a record.
      roots: The folders that it may lie in; none for anywhere.

    Raises:
      OSError: If the file can't be read.
      ValueError: If it is not of its format, or damaged.
    """
    yield from _READERS[record_format](uri, largest, roots)


def _tfrecord(uri: str, largest: int, roots: tuple[str, ...]) -> Iterator[Values | Unusable]:
    with open_unpacked(uri, roots) as file:
        for record in read_records(file, largest):
            try:
                yield parse_features(record)
            except ValueError as error:
                yield Unusable("bad_record", str(error))


def _parquet(uri: str, largest: int, roots: tuple[str, ...]) -> Iterator[Values | Unusable]:
    with open_parquet(uri, roots) as table:
        for batch in table.iter_batches(_ROWS_AT_A_TIME):
            for row in batch.to_pylist():
                yield dict(_columns(row))


@contextlib.contextmanager
def open_parquet(uri: str, roots: tuple[str, ...]) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Open a Parquet file; see `read_values`."""
    with open_file(uri, roots) as file:
        try:
            yield pyarrow.parquet.ParquetFile(file)
        except (pyarrow.ArrowException, RuntimeError) as error:  # RuntimeError: pickled Python
            why = str(error).partition("\n")[0]
            raise ValueError(f"not a Parquet file, or a damaged one: {why}") from error


def _columns(row: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield a row's values as lists; what a column holds inside has the name ``column.inside``.

    Hugging Face's audio is a column with ``bytes`` (a file) or ``array`` and ``sampling_rate``.
    """
    for name, value in row.items():
        if isinstance(value, dict):
            inside = {key: _listed(inner) for key, inner in value.items()}
            yield name, inside.get("bytes") or inside.get("array") or ()
            yield from ((f"{name}.{key}", inner) for key, inner in inside.items())
        else:
            yield name, _listed(value)


def _listed(value: Any) -> Sequence[Any]:
    """Return a value as `parse_features` would: a list of bytes, numbers, or texts as bytes."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [one.encode() if isinstance(one, str) else one for one in values]


def _webdataset(uri: str, largest: int, roots: tuple[str, ...]) -> Iterator[Values | Unusable]:
    """Yield the samples of a tar: neighbours whose names are alike up to the first dot."""
    key, sample = "", {}  # type: str, dict[str, Sequence[Any]]
    with open_file(uri, roots) as file:
        try:
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                for member in tar:
                    if not member.isreg():
                        continue
                    folder, name = posixpath.split(member.name)
                    stem, _, suffix = name.partition(".")
                    if sample and posixpath.join(folder, stem) != key:
                        yield sample
                        sample = {}
                    key = posixpath.join(folder, stem)
                    sample.update(_member(tar, member, suffix.lower(), largest))
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"no tar file, or a damaged one: {error}") from error
    if sample:
        yield sample


def _member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, suffix: str, largest: int
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield what a member adds to its sample: audio, a text, or the values of a JSON object."""
    is_audio = f".{suffix.rpartition('.')[2]}" in AUDIO_SUFFIXES
    if member.size > (largest if is_audio else _MAX_TEXT_BYTES):
        return
    file = tar.extractfile(member)
    data = file.read() if file else b""
    if is_audio:
        yield AUDIO, [data]
    elif suffix == "json":
        with contextlib.suppress(ValueError, RecursionError):
            values = json.loads(data)
            if isinstance(values, dict):
                yield from ((str(name), _listed(value)) for name, value in values.items())
    else:
        yield suffix, [data.strip()]


_READERS: dict[str, Callable[[str, int, tuple[str, ...]], Iterator[Values | Unusable]]] = {
    "tfrecord": _tfrecord,
    "parquet": _parquet,
    "webdataset": _webdataset,
}
