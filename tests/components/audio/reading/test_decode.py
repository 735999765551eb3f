"""Every format to the same waveform; every bad file to its reason."""

import io
import struct
import zipfile

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.formats import looks_like_audio
from tfx_audio.components.audio.reading.resample import mix_to_mono, resample
from tfx_audio.components.audio.reading.unusable import Unusable

MAX_SAMPLES = 2**22
FREQUENCY_HZ = 1000.0
AMPLITUDE = 0.5

# Format, subtype, tolerance of the level in dB: half a step of the coarsest, or what a codec does.
FORMATS = [
    ("WAV", "PCM_U8", 0.10),
    ("WAV", "PCM_16", 0.01),
    ("WAV", "PCM_24", 0.01),
    ("WAV", "PCM_32", 0.01),
    ("WAV", "FLOAT", 0.01),
    ("WAV", "DOUBLE", 0.01),
    ("WAVEX", "PCM_16", 0.01),
    ("WAVEX", "PCM_24", 0.01),
    ("WAVEX", "FLOAT", 0.01),
    ("FLAC", "PCM_16", 0.01),
    ("FLAC", "PCM_24", 0.01),
    ("OGG", "VORBIS", 0.30),
    ("MP3", "MPEG_LAYER_III", 0.30),
    ("AIFF", "PCM_16", 0.01),
    ("AIFF", "PCM_24", 0.01),
    ("AU", "PCM_16", 0.01),
    ("W64", "PCM_16", 0.01),
    ("CAF", "PCM_16", 0.01),
]
RATES = [8000, 16000, 22050, 44100, 48000]
TARGET_RATE = 16000


def sine(rate, seconds=0.5):
    return AMPLITUDE * np.sin(2 * np.pi * FREQUENCY_HZ * np.arange(int(rate * seconds)) / rate)


def encoded(waveform, rate, file_format="WAV", subtype="PCM_16"):
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format=file_format, subtype=subtype)
    return buffer.getvalue()


def frequency_and_level(waveform, rate):
    """Measure a sine in the middle half of a waveform: strongest bin, and √2 RMS in dB."""
    middle = waveform[len(waveform) // 4 : -len(waveform) // 4]
    windowed = middle * np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(windowed, 2**16))
    level = 20 * np.log10(np.sqrt(2 * np.mean(np.square(middle, dtype=np.float64))))
    return np.argmax(spectrum) * rate / 2**16, level


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("file_format", "subtype", "tolerance_db"), FORMATS)
def test_a_sine_keeps_frequency_and_level(file_format, subtype, tolerance_db, rate):
    waveform, found_rate = decode(encoded(sine(rate), rate, file_format, subtype), MAX_SAMPLES)
    assert found_rate == rate
    assert waveform.dtype == np.float32
    at_target = resample(waveform, rate, TARGET_RATE)
    assert abs(len(at_target) - TARGET_RATE // 2) <= 1
    frequency, level = frequency_and_level(at_target, TARGET_RATE)
    assert frequency == pytest.approx(FREQUENCY_HZ, abs=1.0)
    assert level == pytest.approx(20 * np.log10(AMPLITUDE), abs=tolerance_db)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("file_format", ["WAV", "WAVEX", "FLAC", "AIFF"])
def test_channels_are_kept_in_order_and_mix_to_their_mean(file_format, channels):
    levels = np.arange(1, channels + 1) / 8
    frames = np.tile(levels, (1000, 1))
    waveform, _ = decode(encoded(frames, 16000, file_format), MAX_SAMPLES)
    if channels == 1:
        assert waveform.shape == (1000,)
    else:
        assert waveform.shape == (channels, 1000)
        np.testing.assert_allclose(waveform[:, 500], levels, atol=1 / 32768)
    np.testing.assert_allclose(mix_to_mono(waveform), levels.mean(), atol=1 / 32768)


def test_plain_wav_is_what_libsndfile_reads():
    noise = np.random.default_rng(0).integers(-32768, 32767, (500, 2), dtype=np.int16)
    data = encoded(noise, 22050)
    expected, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    waveform, found = decode(data, MAX_SAMPLES)
    assert found == rate
    np.testing.assert_array_equal(waveform, expected.T)
    assert waveform.flags.writeable


def riff(rate=16000, channels=1, bits=16, tag=1, data=b"\0\0" * 100, claimed=None):
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, 2 * rate & 0xFFFFFFFF, align & 0xFFFF, bits)
    size = len(data) if claimed is None else claimed
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zip_bytes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.wav", riff())
    return buffer.getvalue()


def nan_wav():
    waveform = sine(16000)
    waveform[7] = np.nan
    return encoded(waveform, 16000, subtype="FLOAT")


def infinite_wav():
    waveform = sine(16000)
    waveform[7] = np.inf
    return encoded(waveform, 16000, subtype="DOUBLE")


def flac_with_frames(frames):
    """A FLAC file whose STREAMINFO claims another number of frames."""
    data = bytearray(encoded(sine(16000), 16000, "FLAC"))
    packed = int.from_bytes(data[18:26], "big") >> 36 << 36 | frames
    data[18:26] = packed.to_bytes(8, "big")
    return bytes(data)


def little_endian_au():
    buffer = io.BytesIO()
    soundfile.write(buffer, sine(16000), 16000, format="AU", subtype="PCM_16", endian="LITTLE")
    return buffer.getvalue()


BAD_FILES = {
    "no bytes": (b"", "empty"),
    "no frames": (riff(data=b""), "empty"),
    "noise": (bytes(range(256)) * 8, "unreadable"),
    "text": (b"not audio at all, just a sentence of some length" * 4, "unreadable"),
    "a zip": (zip_bytes(), "unreadable"),
    "a header alone": (riff()[:20], "unreadable"),
    "claims 3 GiB": (riff(claimed=0xC0000000), "truncated"),
    "an empty WAV with a chunk after": (riff(data=b"LIST\4\0\0\0abcd", claimed=0), "empty"),
    "claims one byte more": (riff(claimed=201), "truncated"),
    "half a WAV": (encoded(sine(16000), 16000)[:8000], "truncated"),
    "half a WAVEX": (encoded(sine(16000), 16000, "WAVEX", "PCM_24")[:8000], "truncated"),
    "half an AIFF": (encoded(sine(16000), 16000, "AIFF")[:8000], "truncated"),
    "half an AU": (encoded(sine(16000), 16000, "AU")[:8000], "truncated"),
    "half a little-endian AU": (little_endian_au()[:8000], "truncated"),
    "half a W64": (encoded(sine(16000), 16000, "W64")[:8000], "truncated"),
    "half a streamed FLAC": (flac_with_frames(0)[:3000], "truncated"),
    "half a FLAC": (encoded(sine(16000), 16000, "FLAC")[:3000], "truncated"),
    "half an OGG": (encoded(sine(16000), 16000, "OGG", "VORBIS")[:3500], "truncated"),
    "half an MP3": (encoded(sine(16000), 16000, "MP3", "MPEG_LAYER_III")[:700], "truncated"),
    "4 billion Hz": (riff(rate=4_000_000_000), "bad_sample_rate"),
    "4 billion Hz, 24 bit": (riff(rate=4_000_000_000, bits=24), "unreadable"),
    "1 Hz": (riff(rate=1), "bad_sample_rate"),
    "65,535 channels": (riff(channels=65535), "unreadable"),
    "no channels": (riff(channels=0), "unreadable"),
    "2^35 frames": (flac_with_frames(2**35), "too_long"),
    "more frames than there are": (flac_with_frames(10**6), "truncated"),
    "NaN": (nan_wav(), "non_finite"),
    "infinity": (infinite_wav(), "non_finite"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_unusable_by_name(name):
    data, reason = BAD_FILES[name]
    with pytest.raises(Unusable) as caught:
        decode(data, MAX_SAMPLES)
    assert caught.value.reason == reason
    assert caught.value.detail
    assert "0x" not in caught.value.detail  # no addresses: the same text every time


def test_more_samples_than_allowed_are_refused_before_they_are_decoded():
    with pytest.raises(Unusable) as caught:
        decode(encoded(sine(16000), 16000), 7999)
    assert caught.value.reason == "too_long"
    assert len(decode(encoded(sine(16000), 16000), 8000)[0]) == 8000


def streamed_wav(subtype, size, file_format="WAV", endian="FILE"):
    """A WAV as who writes to a pipe leaves it: without a size."""
    buffer = io.BytesIO()
    soundfile.write(buffer, sine(16000), 16000, subtype, endian, file_format)
    data = bytearray(buffer.getvalue())
    start = data.find(b"data")
    data[4:8] = data[start + 4 : start + 8] = struct.pack("<I", size)
    return buffer.getvalue(), bytes(data)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("file_format", "subtype", "endian"),
    [
        *(("WAV", "PCM_16", "FILE"), ("WAV", "PCM_24", "FILE"), ("WAV", "FLOAT", "FILE")),
        *(("WAVEX", "PCM_24", "FILE"), ("WAV", "PCM_16", "BIG")),
    ],
)
def test_a_streamed_wav_goes_to_the_end_of_the_file(file_format, subtype, endian, size):
    whole, streamed = streamed_wav(subtype, size, file_format, endian)
    waveform, rate = decode(streamed, MAX_SAMPLES)
    assert rate == 16000
    np.testing.assert_array_equal(waveform, decode(whole, MAX_SAMPLES)[0])


def test_a_streamed_wav_of_silence_is_no_empty_one():
    waveform, _ = decode(riff(data=b"\0" * 800, claimed=0), MAX_SAMPLES)
    assert waveform.shape == (400,)


def test_a_streamed_au_goes_to_the_end_of_the_file():
    data = bytearray(encoded(sine(16000), 16000, "AU"))
    data[8:12] = b"\xff" * 4
    assert decode(bytes(data), MAX_SAMPLES)[0].shape == (8000,)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_streamed_flac_is_read_to_its_end(channels):
    """A header of no length; more than one block."""
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (70_000, channels))
    whole = encoded(waveform, 16000, "FLAC")
    streamed = bytearray(whole)
    streamed[21] &= 0xF0
    streamed[22:26] = b"\0" * 4
    found, rate = decode(bytes(streamed), 70_000 * channels)
    assert rate == 16000
    np.testing.assert_array_equal(found, decode(whole, MAX_SAMPLES)[0])
    with pytest.raises(Unusable, match=r"too_long: .*allows 69999"):
        decode(bytes(streamed), 69_999)


@pytest.mark.parametrize(("file_format", "subtype", "_"), FORMATS)
def test_audio_is_told_by_content(file_format, subtype, _):
    assert looks_like_audio(encoded(sine(16000), 16000, file_format, subtype)[:64])


@pytest.mark.parametrize(
    "head",
    [b"", b"PK\x03\x04" * 4, b"label,file\n" * 4, b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xd8\xff\xe0JFIF"],
)
def test_other_content_is_no_audio(head):
    assert not looks_like_audio(head)


def test_a_tone_above_the_new_nyquist_frequency_is_gone():
    rate = 48000
    high = np.sin(2 * np.pi * 11000 * np.arange(rate) / rate).astype(np.float32)
    resampled = resample(high, rate, 16000)
    assert np.abs(resampled[1000:-1000]).max() < 1e-3


def test_one_frame_of_two_channels_is_resampled():
    one = np.array([[0.25], [-0.5]], np.float32)
    assert resample(one, 16000, 44100).shape == (2, 3)


def test_resampling_to_the_same_rate_changes_nothing():
    waveform = sine(16000).astype(np.float32)
    assert resample(waveform, 16000, 16000) is waveform
