"""Hostile files of records."""

import contextlib
import os
import pickle

import pyarrow as pa
import pyarrow.parquet

from tfx_audio.components.audio_example_gen.record_formats import read_values


class _Command:
    def __init__(self, file):
        self._file = file

    def __reduce__(self):
        return os.mkdir, (str(self._file),)


def test_pickled_python_in_a_parquet_file_does_not_run(tmp_path):
    """CVE-2023-47248: the extension type of a column is a pickle, which pyarrow < 14 loads."""
    mark, path = tmp_path / "it_ran", tmp_path / "a.parquet"
    extension = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(_Command(mark)),
    }
    schema = pa.schema([pa.field("audio", pa.binary(), metadata=extension)])
    pyarrow.parquet.write_table(pa.table([pa.array([b"x"])], schema=schema), path)
    with contextlib.suppress(ValueError):  # of a pyarrow that does not take it for plain bytes
        assert list(read_values(str(path), "parquet", 2**20)) == [{"audio": [b"x"]}]
    assert not mark.exists()
