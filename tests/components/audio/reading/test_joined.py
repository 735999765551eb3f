"""Streams one behind the other are read whole or rejected by name."""

import numpy as np
import pytest

from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.joined import xing_frame
from tfx_audio.components.audio.reading.unusable import Unusable

MAX_SAMPLES = 2**22


def loudest_hz(waveform, rate):
    return np.argmax(np.abs(np.fft.rfft(waveform))) * rate / len(waveform)


def parts(media, name):
    if name == "opus":
        return media.media_file(name, hz=300.0), media.media_file(name, hz=900.0), 48000
    if name == "mp3":
        return media.media_file(name, hz=300.0), media.media_file(name, hz=900.0), 16000
    tones = (media.sine(16000, hz=hz) for hz in (300.0, 900.0))
    return *(media.sound_file(name, tone) for tone in tones), 16000


@pytest.mark.parametrize("name", ["ogg", "flac", "mp3", "opus"])
def test_both_are_there(media, name):
    first, second, rate = parts(media, name)
    waveform, found_rate = decode(first + second, MAX_SAMPLES)
    assert (found_rate, waveform.shape) == (rate, (2 * rate,))
    assert loudest_hz(waveform[:rate], rate) == pytest.approx(300.0, abs=1.0)
    assert loudest_hz(waveform[rate:], rate) == pytest.approx(900.0, abs=1.0)


def test_a_tag_between_two_mp3s_is_no_sound(media):
    first, second, rate = parts(media, "mp3")
    tag = b"ID3\x04\0\0\0\0\x02\x10" + b"\0" * 272
    assert decode(tag + first + tag + second, MAX_SAMPLES)[0].shape == (2 * rate,)


@pytest.mark.parametrize("name", ["ogg", "opus"])
def test_an_ogg_without_its_end_is_truncated(media, name):
    first, second, _ = parts(media, name)
    last_page = first.rfind(b"OggS")
    for data in (first[:last_page], first[:last_page] + second, first[: last_page + 20]):
        with pytest.raises(Unusable, match=r"^truncated"):
            decode(data, MAX_SAMPLES)


def test_another_rate_behind_the_first_is_rejected_by_name(media):
    first = media.sound_file("flac", media.sine(16000))
    second = media.sound_file("flac", media.sine(8000), rate=8000)
    with pytest.raises(Unusable, match=r"^mixed_formats: .*16000 Hz .*8000 Hz"):
        decode(first + second, MAX_SAMPLES)


@pytest.mark.parametrize(
    ("header", "zeros", "found"),
    [
        (b"\xff\xfb\x90\x00", 32, True),  # MPEG 1, layer III, stereo
        (b"\xff\xfb\x90\xc0", 17, True),  # mono
        (b"\xff\xf3\x90\x00", 17, True),  # MPEG 2
        (b"\xff\xf3\x90\xc0", 9, True),
        (b"\xff\xfb\x90\x00", 17, False),  # where only mono has it
        (b"\xff\xf3\x90\xc0", 17, False),
        (b"\xff\xfd\x90\x00", 32, False),  # layer II
        (b"\xff\x1b\x90\x00", 32, False),  # no frame at all
    ],
)
def test_a_xing_header_stands_where_its_frame_says(header, zeros, found):
    data = b"\1" * 5 + header + bytes(zeros) + b"Xing"
    assert xing_frame(data, data.index(b"Xing")) == (5 if found else None)
