"""Embedded sound: lossless where it stays small, never longer than it says."""

import base64
import io

import numpy as np
import pytest
import soundfile

from tfx_audio.components.augmentation_report.sound import (
    SoundSettings,
    choose_sound_settings,
    encode_sound,
    excerpt,
    sound_uri,
)


def test_wav_gives_back_every_sample():
    waveform = (np.random.default_rng(0).integers(-32768, 32767, 5_000) / 32768).astype(np.float32)
    decoded, rate = soundfile.read(
        io.BytesIO(encode_sound(waveform, 8_000, "WAV")), dtype="float32"
    )
    np.testing.assert_array_equal(decoded, waveform)
    assert rate == 8_000


@pytest.mark.parametrize("codec", ["WAV", "OGG"])
@pytest.mark.parametrize("rate", [96_001, 384_000, 1_000_000])
def test_ultrasound_is_made_playable(codec, rate):
    waveform = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate // 2) / rate)).astype(np.float32)

    decoded, found = soundfile.read(io.BytesIO(encode_sound(waveform, rate, codec)))

    assert found == 96_000
    assert len(decoded) == pytest.approx(48_000, abs=1)
    assert np.abs(decoded[1000:-1000]).max() == pytest.approx(0.5, rel=0.05)


def test_ogg_keeps_length_and_level_of_a_long_sound():
    waveform = (0.5 * np.sin(np.arange(200_000) / 20)).astype(np.float32)
    decoded, _ = soundfile.read(io.BytesIO(encode_sound(waveform, 44_100, "OGG")))
    assert len(decoded) == len(waveform)
    assert decoded.std() == pytest.approx(waveform.std(), rel=0.02)


def test_channels_come_back_in_order():
    waveform = np.stack([np.full(4_000, 0.25), np.full(4_000, -0.5)]).astype(np.float32)
    decoded, _ = soundfile.read(io.BytesIO(encode_sound(waveform, 8_000, "WAV")))
    np.testing.assert_array_equal(decoded.mean(axis=0), [0.25, -0.5])


@pytest.mark.parametrize(
    ("durations_s", "rate", "expected"),
    [
        ([1.0] * 62, 16_000, SoundSettings("WAV", 600 / 62)),
        ([1.0] * 63, 16_000, SoundSettings("OGG", 600 / 63)),
        ([5.0] * 15, 44_100, SoundSettings("OGG", 10.0)),
        ([60.0] * 1000, 8_000, SoundSettings("OGG", 2.0)),
        ([], 0, SoundSettings("WAV", 10.0)),
    ],
)
def test_codec_and_excerpt_follow_from_the_amount(durations_s, rate, expected):
    assert choose_sound_settings(durations_s, rate) == expected


def test_an_excerpt_is_the_beginning():
    waveform = np.arange(100, dtype=np.float32)
    assert excerpt(waveform, 10, SoundSettings(excerpt_s=2.0)).tolist() == list(range(20))


def test_a_uri_holds_the_file():
    mime, data = sound_uri(np.zeros(10, np.float32), 8_000, "WAV").split(";base64,")
    assert mime == "data:audio/wav"
    assert base64.b64decode(data).startswith(b"RIFF")
