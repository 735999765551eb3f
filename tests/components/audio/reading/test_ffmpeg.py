"""What FFmpeg's libraries read, and what they must never open."""

import io
import struct

import numpy as np
import pytest

from tfx_audio.components.audio.reading.decode import decode, header_rate
from tfx_audio.components.audio.reading.formats import HEAD_BYTES, looks_like_audio
from tfx_audio.components.audio.reading.unusable import Unusable

MAX_SAMPLES = 2**22
# Seconds that a format may add: a last frame that is filled up, the encoder's delay at the start.
LENGTHS = {
    "m4a": 0.03, "mp4": 0.03, "mov": 0.0, "alac": 0.0, "3gp": 0.07, "webm": 0.001, "mka": 0.03,
    "mkv": 0.0, "adts": 0.05, "ac3": 0.03, "eac3": 0.03, "wma": 0.03, "mp2": 0.03, "mp3": 0.001,
    "avi": 0.04, "flv": 0.04, "ts": 0.03, "opus": 0.001, "wv": 0.0, "tta": 0.0, "wav_adpcm": 0.03,
}  # fmt: skip


def reason_of(data):
    with pytest.raises(Unusable) as caught:
        decode(data, MAX_SAMPLES)
    assert caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(("name", "slack_s"), LENGTHS.items())
def test_a_tone_in_any_container_keeps_pitch_level_and_length(media, name, slack_s):
    data = media.media_file(name, seconds=1.0, hz=600.0)
    waveform, rate = decode(data, MAX_SAMPLES)
    assert rate == media.MEDIA[name][2]
    assert waveform.shape[-1] / rate == pytest.approx(1.0, abs=slack_s + 1e-9)
    middle = waveform[rate // 4 : rate // 4 + rate // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * rate / len(middle) == pytest.approx(600.0, abs=2.0)
    assert np.sqrt(2 * np.mean(np.square(middle))) == pytest.approx(
        0.5, rel=0.06
    )  # LAME turns down
    assert looks_like_audio(data[:HEAD_BYTES])
    assert header_rate(io.BytesIO(data)) == rate


@pytest.mark.parametrize("name", ["m4a", "mp4", "mov", "3gp", "webm", "mka", "wma", "avi", "tta"])
def test_a_file_cut_short_is_rejected(media, name):
    data = media.media_file(name)
    assert reason_of(data[: len(data) * 2 // 3]) in ("truncated", "damaged", "unreadable")


def test_a_recorder_that_was_cut_off_leaves_a_webm_without_sizes(media):
    """MediaRecorder writes no sizes of segment and cluster; the last block then tells."""
    data = media.media_file("webm", options={"live": "1"})
    assert data.find(b"\x18\x53\x80\x67\x01" + b"\xff" * 7) > 0
    assert len(decode(data, MAX_SAMPLES)[0]) == pytest.approx(48000, abs=400)
    assert reason_of(data[:-20]) == "truncated"


def test_a_video_file_gives_its_sound_track(media):
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        video = out.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sound = out.add_stream("aac", rate=44100, layout="stereo")
        for _ in range(10):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            out.mux(video.encode(picture))
        tone = np.tile(media.sine(44100).astype(np.float32), (2, 1))
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
        frame.sample_rate = 44100
        resampler = av.AudioResampler("fltp", "stereo", 44100, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(sound.encode(part))
        out.mux(sound.encode(None))
        out.mux(video.encode(None))
    waveform, rate = decode(buffer.getvalue(), MAX_SAMPLES)
    assert (rate, waveform.shape[0]) == (44100, 2)
    assert waveform.shape[1] == pytest.approx(44100, abs=1100)


def test_a_video_without_sound_is_named(media):
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        video = out.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        out.mux(video.encode(picture))
        out.mux(video.encode(None))
    assert reason_of(buffer.getvalue()) == "no_audio"


def test_an_mp3_without_a_length_is_read_to_its_end(media):
    """CBR frames and nothing that says how many; libsndfile guesses and stops there."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as o:
        track = o.add_stream("libmp3lame", rate=16000, layout="mono")
        track.bit_rate = 32000
        track.codec_context.open()
        loud_end = np.concatenate([np.zeros(48000), media.sine(16000, 1.0)]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(loud_end[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = 16000
        size = track.codec_context.frame_size
        resampler = av.AudioResampler(track.format.name, "mono", 16000, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            o.mux(track.encode(part))
        o.mux(track.encode(None))
    waveform, _ = decode(buffer.getvalue(), MAX_SAMPLES)
    assert 64000 <= len(waveform) <= 65600
    assert np.abs(waveform[60000:63000]).max() > 0.4
    tagged = b"ID3\x04\0\0\0\0\x02\x10" + b"\0" * 272 + buffer.getvalue()
    np.testing.assert_array_equal(decode(tagged, MAX_SAMPLES)[0], waveform)


PLAYLISTS = {
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile /etc/hostname\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "dash": b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/hostname</BaseURL></MPD>',
    "cue": b'FILE "/etc/hostname" WAVE\n  TRACK 01 AUDIO\n',
    "pls": b"[playlist]\nFile1=http://127.0.0.1/a.mp3\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_list_of_other_places_is_never_followed(name):
    data = PLAYLISTS[name]
    assert not looks_like_audio(data)
    assert reason_of(data) == "unreadable"


def test_an_mp4_that_points_to_another_file_is_no_clip(media, tmp_path):
    """A QuickTime data reference that is not to the file itself: FFmpeg must not open it."""
    other = tmp_path / "other.raw"
    other.write_bytes(b"\x40\x00" * 16000)
    data = bytearray(media.media_file("mov"))
    at = data.find(b"dref")
    size = struct.unpack_from(">I", data, at - 4)[0]
    url = f"file://{other}".encode() + b"\0"
    entry = struct.pack(">I", 12 + len(url)) + b"url \0\0\0\0" + url
    data[at + 12 : at - 4 + size] = entry[: size - 16].ljust(size - 16, b"\0")
    try:
        waveform, _ = decode(bytes(data), MAX_SAMPLES)
    except Unusable:
        return
    assert np.abs(waveform - 0.5).max() > 0.4  # its own bytes, if any


def test_what_no_decoder_knows_comes_with_a_way_out():
    with pytest.raises(Unusable, match=r"unreadable: .*ffmpeg -i FILE FILE\.flac"):
        decode(b"\x1aE\xdf\xa3" + b"\0" * 300, MAX_SAMPLES)
    with pytest.raises(Unusable, match=r"unreadable: .*ffmpeg -i FILE FILE\.flac"):
        decode(b"a sentence of some length, and no audio at all", MAX_SAMPLES)


def test_nothing_is_printed(media, capfd):
    for name in ("mp3", "m4a", "webm", "ts"):
        data = bytearray(media.media_file(name))
        data[len(data) // 2 : len(data) // 2 + 200] = b"\xff" * 200
        try:
            decode(bytes(data), MAX_SAMPLES)
        except Unusable:
            continue
    assert capfd.readouterr() == ("", "")
