"""Clips, levels, and WAV bytes."""

import io
import math
import wave

import numpy as np
import pytest

from tfx_audio.components.audio.clip import (
    FLOOR_DBFS,
    Clip,
    decode_wav,
    encode_wav,
    from_pcm16,
    levels,
    to_dbfs,
    to_pcm16,
)


def test_an_original_is_its_own_source():
    assert Clip("a/b.wav", np.zeros(4, np.float32), 8000).source_clip_id == "a/b.wav"
    copy = Clip("a/b.wav~1", np.zeros(4, np.float32), 8000, source_clip_id="a/b.wav")
    assert copy.replace(copy_index=1).source_clip_id == "a/b.wav"


def test_duration_counts_samples_of_one_channel():
    assert Clip("a", np.zeros((2, 4000), np.float32), 8000).duration_s == 0.5


@pytest.mark.parametrize(("amplitude", "step"), [(0.0, 0), (0.5, 16384), (-1.0, -32768)])
def test_steps_are_multiples_of_2_to_the_minus_15(amplitude, step):
    pcm = to_pcm16(np.full(3, amplitude, np.float32))
    assert pcm.tolist() == [step] * 3
    assert from_pcm16(pcm).tolist() == [amplitude] * 3


def test_steps_round_to_even_and_saturate():
    waveform = np.array([0.5, 1.5, 2.5, 1e9, -1e9], np.float32) / np.float32(32768)
    assert to_pcm16(waveform).tolist() == [0, 2, 2, 32767, -32768]


def test_to_pcm16_leaves_its_input_alone():
    waveform = np.array([0.1, 2.0], np.float32)
    to_pcm16(waveform)
    assert waveform.tolist() == [np.float32(0.1), 2.0]


@pytest.mark.parametrize("shape", [(100,), (2, 100), (5, 3)])
def test_wav_round_trip_is_exact(shape):
    pcm = np.random.default_rng(1).integers(-32768, 32768, shape).astype("<i2")
    waveform, rate = decode_wav(encode_wav(from_pcm16(pcm), 22050))
    assert rate == 22050
    np.testing.assert_array_equal(to_pcm16(waveform), pcm)


def test_wav_is_what_the_standard_library_writes():
    pcm = np.arange(-50, 50, dtype="<i2").reshape(2, 50)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setparams((2, 2, 44100, 0, "NONE", ""))
        writer.writeframes(np.ascontiguousarray(pcm.T).tobytes())
    assert encode_wav(from_pcm16(pcm), 44100) == buffer.getvalue()


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no wav at all, but long enough to be one " * 3])
def test_decode_wav_refuses_other_bytes(data):
    with pytest.raises(ValueError, match="not a RIFF WAV file"):
        decode_wav(data)


def test_levels_of_a_full_scale_sine():
    sine = np.sin(2 * np.pi * np.arange(8000) / 80).astype(np.float32)
    level = levels(sine * 0.5)
    assert level.peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert level.rms_dbfs == pytest.approx(-9.0309, abs=1e-3)
    assert level.clipped_fraction == 0.0


def test_rms_is_exact_in_any_order_whatever_blas_makes_of_it():
    steps = np.random.default_rng(0).integers(-32768, 32768, 1 << 20)
    exact = int(np.dot(steps, steps)) / 2**30  # of int64: no BLAS, and no rounding
    for order in (slice(None), slice(None, None, -1)):
        waveform = from_pcm16(steps[order].astype(np.int16))
        assert levels(waveform).rms_dbfs == to_dbfs(math.sqrt(exact / len(steps)))


def test_clipped_fraction_counts_samples_at_full_scale():
    assert levels(np.array([1.0, -1.0, 0.5, 0.0], np.float32)).clipped_fraction == 0.5


@pytest.mark.parametrize("silent", [np.zeros(100, np.float32), np.zeros(0, np.float32)])
def test_silence_has_finite_levels(silent):
    level = levels(silent)
    assert (level.peak_dbfs, level.rms_dbfs) == (FLOOR_DBFS, FLOOR_DBFS)
