"""TFRecord files without TensorFlow (format: tensorflow/core/lib/io/record_writer.h)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

_MASK_DELTA = 0xA282EAD8


def write_record(file: BinaryIO, record: bytes) -> None:
    """Append one record: length, CRC of the length, data, CRC of the data."""
    length = struct.pack("<Q", len(record))
    file.write(length + _masked_crc(length) + record + _masked_crc(record))


def read_records(file: BinaryIO, max_bytes: int = 2**31) -> Iterator[bytes]:
    """Yield the records of a file.

    Args:
      file: Opened for reading.
      max_bytes: The most that a record may claim to have.

    Raises:
      ValueError: If the file is not a TFRecord file, or is damaged or cut short.
    """
    while head := file.read(12):
        if len(head) < 12 or _masked_crc(head[:8]) != head[8:]:
            raise ValueError("not a TFRecord file, or a damaged one: a record's length is wrong")
        (length,) = struct.unpack("<Q", head[:8])
        if length > max_bytes:
            raise ValueError(f"a record claims {length} bytes; {max_bytes} are allowed")
        record, crc = file.read(length), file.read(4)
        if len(record) < length or _masked_crc(record) != crc:
            raise ValueError("a damaged TFRecord file: a record's data is cut short or wrong")
        yield record


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF)
