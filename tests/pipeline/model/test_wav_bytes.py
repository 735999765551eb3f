"""WAV as programs write it, within a graph."""

import io
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tfx_audio.pipeline.model.wav_bytes import decode_pcm16_wav

NOISE = np.random.default_rng(0).integers(-32768, 32767, (500, 2), dtype=np.int16)


def encoded(file_format="WAV", subtype="PCM_16", steps=NOISE):
    buffer = io.BytesIO()
    soundfile.write(buffer, steps, 22050, format=file_format, subtype=subtype)
    return buffer.getvalue()


def decoded(data):
    waveform, rate = tf.function(decode_pcm16_wav)(tf.constant(data))
    return waveform.numpy(), int(rate)


@pytest.mark.parametrize("file_format", ["WAV", "WAVEX"])
@pytest.mark.parametrize("size", [None, 0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_plain_extensible_and_streamed_files_are_read(file_format, size):
    data = bytearray(encoded(file_format))
    start = data.find(b"data")
    if size is not None:
        data[start + 4 : start + 8] = struct.pack("<I", size)
    waveform, rate = decoded(bytes(data))
    assert rate == 22050
    np.testing.assert_allclose(waveform[:500], NOISE.mean(axis=1) / 32768, atol=1e-6)


def test_a_chunk_before_the_audio_is_passed_over():
    data = encoded()
    start = data.find(b"data")
    odd = data[:start] + b"LIST\x03\0\0\0abc\0" + data[start:]
    np.testing.assert_array_equal(decoded(odd)[0], decoded(data)[0])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no audio",
        encoded("FLAC"),
        encoded(subtype="PCM_24"),
        encoded(subtype="FLOAT"),
        encoded()[:30],
        b"RIFF\xff\xff\xff\xffWAVE" + b"junk\xff\xff\xff\xff" * 3,
    ],
)
def test_what_is_expected_is_said_of_other_files(data):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"PCM 16 bit; `ffmpeg -i FILE"):
        decoded(data)
