"""Hostile files of records."""

import contextlib
import os
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.record_formats import read_values


class _Command:
    def __init__(self, file):
        self._file = file

    def __reduce__(self):
        return os.mkdir, (str(self._file),)


def write_hostile(path, mark):
    """CVE-2023-47248: the extension type of a column is a pickle, which pyarrow < 14 loads."""
    extension = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(_Command(mark)),
    }
    schema = pa.schema([pa.field("audio", pa.binary(), metadata=extension)])
    pyarrow.parquet.write_table(pa.table([pa.array([b"x"])], schema=schema), path)


def test_pickled_python_in_a_parquet_file_does_not_run(tmp_path):
    mark, path = tmp_path / "it_ran", tmp_path / "a.parquet"
    write_hostile(path, mark)
    with contextlib.suppress(ValueError):  # of a pyarrow that does not take it for plain bytes
        assert list(read_values(str(path), "parquet", 2**20)) == [{"audio": [b"x"]}]
    assert not mark.exists()


def test_a_folder_with_such_a_file_is_listed(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_hostile(data / "a.parquet", tmp_path / "it_ran")
    wav = encode_wav(np.full(800, 0.5), 8000)
    good = pa.table({"audio": [{"bytes": wav, "path": "a.wav"}] * 2, "label": ["x", "y"]})
    pyarrow.parquet.write_table(good, data / "b.parquet")
    with contextlib.suppress(InvalidInput):  # a pyarrow that reads it finds no label in it
        assert len(list_recordings(IngestConfig(path=str(data))).recordings) == 2
    assert not (tmp_path / "it_ran").exists()
