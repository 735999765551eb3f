"""Sizes that stream writers leave, and files that claim more than they have."""

import struct

import numpy as np
import pytest

from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.unusable import Unusable

MAX_SAMPLES = 2**22
STREAM_SIZES = [
    0, 0x7FFFF000, 0x7FFFEFDC, 0x7FFFFFFF, 0x7FFFFFDB, 0x80000000, 0x7FFFFFDC, 0xFFFFFFFF,
    0xFFFFFFDB, 0xFFFFFFD3, 0xFFFFF000,
]  # fmt: skip


def wav_with_size(media, size, name="wav"):
    data = bytearray(media.sound_file(name, media.sine(16000)))
    start = data.find(b"data")
    data[4:8] = struct.pack("<I", min(size + 36, 2**32 - 1))
    data[start + 4 : start + 8] = struct.pack("<I", size)
    return bytes(data)


@pytest.mark.parametrize("name", ["wav", "wavex"])
@pytest.mark.parametrize("size", STREAM_SIZES)
def test_a_wav_that_was_streamed_goes_to_the_end_of_the_file(media, name, size):
    whole = decode(media.sound_file(name, media.sine(16000)), MAX_SAMPLES)[0]
    np.testing.assert_array_equal(
        decode(wav_with_size(media, size, name), MAX_SAMPLES)[0][: len(whole)], whole
    )


@pytest.mark.parametrize("size", [40000, 0x10000000, 0x60000000, 0xC0000000])
def test_a_wav_that_claims_any_other_size_is_truncated(media, size):
    with pytest.raises(Unusable, match=r"^truncated"):
        decode(wav_with_size(media, size), MAX_SAMPLES)


@pytest.mark.parametrize("size", [0, 2**63 - 1, 2**64 - 1, 0x7FFFF000, 0xFFFFFFFF])
def test_an_rf64_that_was_streamed_goes_to_the_end_of_the_file(media, size):
    whole = media.sound_file("rf64", media.sine(16000))
    data = bytearray(whole)
    at = data.find(b"ds64")
    data[at + 16 : at + 24] = struct.pack("<Q", size)
    start = data.find(b"data")
    data[start + 4 : start + 8] = b"\xff" * 4
    expected = decode(whole, MAX_SAMPLES)[0]
    np.testing.assert_array_equal(decode(bytes(data), MAX_SAMPLES)[0], expected)


@pytest.mark.parametrize("name", ["caf", "w64", "aiff", "rf64", "wav", "au"])
def test_a_file_cut_short_is_truncated(media, name):
    data = media.sound_file(name, media.sine(16000))
    with pytest.raises(Unusable, match=r"^truncated"):
        decode(data[: len(data) // 2], MAX_SAMPLES)


@pytest.mark.parametrize("bits", ["PCM_16", "PCM_24"])
def test_a_flac_that_is_not_what_its_md5_says_is_damaged(media, bits):
    media.SOUND_FILES["flac_bits"] = ("FLAC", bits)
    data = bytearray(media.sound_file("flac_bits", media.sine(16000)))
    assert len(decode(bytes(data), MAX_SAMPLES)[0]) == 16000
    data[30] ^= 1
    with pytest.raises(Unusable, match=r"^damaged: .*MD5"):
        decode(bytes(data), MAX_SAMPLES)
    data[26:42] = b"\0" * 16  # none was written
    assert len(decode(bytes(data), MAX_SAMPLES)[0]) == 16000
