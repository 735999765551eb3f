"""Fingerprints: one sound is found again however it is stored, another one is not."""

import io
import itertools

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.reading.fingerprint import MAX_LANDMARKS, is_same_sound, landmarks

RATE = 16000


def melody(seed, seconds=4.0):
    """Return notes with overtones that fade, in some noise: another tune for each seed."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE)) / RATE
    sound = 0.005 * rng.standard_normal(time_s.size)
    for start_s in np.arange(0, seconds, 0.15):
        since_s = np.clip(time_s - start_s, 0, None)
        pitch_hz = rng.uniform(200, 900)
        tones = sum(np.sin(2 * np.pi * k * pitch_hz * since_s) / k for k in (1, 2, 3))
        sound += 0.1 * tones * np.exp(-12 * since_s) * (since_s > 0)
    return sound.astype(np.float32)


def stored(waveform, kind, subtype):
    """Return what a reader gets of a file."""
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, format=kind, subtype=subtype)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def same(one, other):
    found = [landmarks(waveform, RATE) for waveform in (one, other)]
    return is_same_sound([(found[0][key], found[1][key]) for key in found[0].keys() & found[1]])


@pytest.mark.parametrize(
    "change",
    [
        lambda x: stored(x, "WAV", "PCM_16"),
        lambda x: stored(x, "MP3", "MPEG_LAYER_III"),
        lambda x: stored(x, "OGG", "VORBIS"),
        lambda x: stored(x, "OGG", "OPUS"),
        lambda x: 0.5 * x,
        lambda x: x[int(0.3 * RATE) :],
        lambda x: stored(0.5 * x[int(0.3 * RATE) + 7 :], "MP3", "MPEG_LAYER_III"),
        lambda x: np.stack([x, x]),
    ],
    ids=["wav", "mp3", "ogg", "opus", "-6 dB", "0.3 s later", "mp3, later, -6 dB", "stereo"],
)
def test_the_same_recording_is_found(change):
    for seed in range(5):
        assert same(melody(seed), change(melody(seed)))


def test_different_recordings_are_not():
    clips = [melody(seed, 2.0) for seed in range(100)]
    clips += [
        0.1 * np.random.default_rng(seed).standard_normal(2 * RATE).astype(np.float32)
        for seed in range(50)
    ]
    time_s = np.arange(2 * RATE) / RATE
    for seed in range(50):  # steady tones, some of nearly the same pitch, in noise of their own
        noise = np.random.default_rng(1000 + seed).standard_normal(2 * RATE)
        clips.append(np.sin(2 * np.pi * (300 + 10 * seed) * time_s) + 0.05 * noise)
    found = [landmarks(clip, RATE) for clip in clips]
    pairs = [
        (i, j)
        for (i, one), (j, other) in itertools.combinations(enumerate(found), 2)
        if is_same_sound([(one[key], other[key]) for key in one.keys() & other])
    ]
    assert pairs == []


def test_what_has_no_sound_has_no_landmark():
    assert landmarks(np.zeros(RATE, np.float32), RATE) == {}
    assert landmarks(np.ones(10, np.float32), RATE) == {}
    assert landmarks(np.zeros(0, np.float32), RATE) == {}
    assert 0 < len(landmarks(melody(0), RATE)) <= MAX_LANDMARKS


def test_six_places_at_one_offset_are_one_sound():
    places = [10, 20, 30, 40, 50, 60]
    assert is_same_sound([(place, place - 9) for place in places])
    assert is_same_sound([(place, place - 9 + place % 20 // 10) for place in places])  # between two
    assert not is_same_sound([(place, place - 9) for place in places[1:]] * 2)
    assert not is_same_sound([(place, 2 * place) for place in places])
    assert not is_same_sound([])
