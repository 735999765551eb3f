"""Beyond full scale, channels that cancel, digital silence: by rule, counted, by name."""

import io

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.reading import levels
from tfx_audio.components.audio.reading.clip_format import ClipFormat, read_waveform
from tfx_audio.components.audio.reading.recording import (
    CutClip,
    Recording,
    Row,
    cut_recording,
    single_file,
)
from tfx_audio.components.audio.reading.unusable import Unusable


def float_wav(waveform, rate=16000):
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def read(waveform, **settings):
    return read_waveform(float_wav(waveform), ClipFormat(16000, **settings))


def test_beyond_full_scale_is_rescaled_unless_said_otherwise(media):
    tone = media.sine(16000, amplitude=2.5)
    found = read(tone)
    np.testing.assert_allclose(found.waveform, tone / np.abs(tone).max(), atol=1e-6)
    assert found.note == levels.NOTE_RESCALED
    clipped = read(tone, over_full_scale="clip")
    assert clipped.note == levels.NOTE_CLIPPED
    np.testing.assert_allclose(clipped.waveform, tone, atol=1e-6)  # to_pcm16 saturates
    with pytest.raises(Unusable, match=r"^over_full_scale: a peak of 2\.5.*data\.over_full_scale"):
        read(tone, over_full_scale="reject")


def test_of_mixed_channels_the_mix_counts(media):
    loud = np.stack([media.sine(16000, amplitude=1.5), np.zeros(16000)], axis=1)
    assert read(loud).note == ""
    assert read(loud, keep_channels=True).note == levels.NOTE_RESCALED


@pytest.mark.parametrize("rule", ["rescale", "clip", "reject"])
@pytest.mark.parametrize("scale", [2**15, 2**23, 2**31])
def test_integers_stored_as_floats_are_read_as_integers(media, scale, rule):
    tone = media.sine(16000, amplitude=0.6)
    found = read(tone * scale, over_full_scale=rule)
    np.testing.assert_allclose(found.waveform, tone, atol=1e-6)
    assert found.note == levels.NOTE_INTEGERS


def test_few_quiet_whole_numbers_are_integers_too():
    steps = np.tile([3.0, 0.0, -3.0, 0.0], 100)
    np.testing.assert_array_equal(read(steps).waveform, (steps / 32768).astype(np.float32))


def test_what_lies_within_full_scale_is_left_alone(media):
    for amplitude in (0.5, 1.0, 1.0005):
        tone = media.sine(16000, amplitude=amplitude).astype(np.float32)
        found = read(tone)
        np.testing.assert_array_equal(found.waveform, tone)
        assert found.note == ""


@pytest.mark.parametrize("rest", [0.0, 0.01])
def test_channels_that_cancel_are_rejected_by_name(media, rest):
    tone = media.sine(16000)
    stereo = np.stack([tone, -tone + rest * media.sine(16000, hz=900.0)], axis=1)
    with pytest.raises(Unusable, match=r"^channels_cancel: .*data\.channels=keep"):
        read(stereo)
    assert read(stereo, keep_channels=True).waveform.shape == (2, 16000)


def test_other_channels_do_not_cancel(media):
    tone, other = media.sine(16000), media.sine(16000, hz=900.0)
    nothing = 0 * tone
    for stereo in ([tone, tone], [tone, nothing], [tone, other], [tone, -0.8 * tone]):
        assert read(np.stack(stereo, axis=1)).waveform.shape == (16000,)
    for stereo in ([nothing, nothing],):
        assert read(np.stack(stereo, axis=1)).waveform.shape == (16000,)


def test_digital_silence_is_rejected_unless_its_label_may_be_silent():
    data = float_wav(np.zeros(1600))
    recording = single_file("", "a.wav")
    (cut,) = cut_recording(recording, data, ClipFormat(16000))
    assert cut.reason == "silent"
    assert "data.silent_labels" in cut.detail
    (cut,) = cut_recording(recording, data, ClipFormat(16000, silent_labels=("",)))
    assert isinstance(cut, CutClip)
    nearly = np.zeros(1600)
    nearly[7] = 1 / 32768
    (cut,) = cut_recording(recording, float_wav(nearly), ClipFormat(16000))
    assert isinstance(cut, CutClip)


def test_channels_may_cancel_where_the_label_is_for_silence():
    left = np.sin(np.arange(1600) / 5).astype(np.float32)
    data = float_wav(np.stack([left, -left], axis=1))
    clip_format = ClipFormat(16000, silent_labels=("quiet",))
    for label, is_clip in (("quiet", True), ("dog", False)):
        recording = Recording("", "a.wav", (Row("a.wav", label),))
        (cut,) = cut_recording(recording, data, clip_format)
        assert isinstance(cut, CutClip) == is_clip
