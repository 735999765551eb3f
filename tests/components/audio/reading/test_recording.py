"""Clips cut from recordings: pieces, windows, trimmed silence, durations, labels."""

import io
import itertools

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_audio.components.audio.clip import from_pcm16
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import (
    CutClip,
    Recording,
    Row,
    cut_recording,
    label_problem,
)
from tfx_audio.components.audio.reading.windows import trim_bounds, window_bounds
from tfx_audio.components.audio.rejection import Rejection

RATE = 8000


def wav(waveform, rate=RATE):
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def ramp(seconds):
    """A waveform whose samples say where they stand."""
    return from_pcm16(np.arange(int(seconds * RATE)).astype("<i2"))


def cut(rows, data, **changes):
    recording = Recording("uri", "a.wav", tuple(rows), keep_together=changes.pop("together", False))
    return list(cut_recording(recording, data, ClipFormat(RATE, **changes)))


def test_a_whole_recording_is_one_clip():
    (found,) = cut([Row("a.wav", "x", "g", fields={"speaker": "s"})], wav(ramp(0.5)))
    clip = found.clip
    assert (clip.clip_id, clip.label, clip.group, clip.fields) == (
        "a.wav", "x", "g", {"speaker": "s"},
    )  # fmt: skip
    np.testing.assert_array_equal(found.pcm, np.arange(4000))
    np.testing.assert_array_equal(clip.waveform, from_pcm16(found.pcm))
    assert found.split_key == found.audio_digest


def test_pieces_are_cut_where_the_rows_say():
    rows = [Row("p", "x", start_s=0.1, end_s=0.2), Row("q", "y", start_s=0.25)]
    first, second = cut(rows, wav(ramp(0.5)))
    assert (first.pcm[0], first.pcm[-1]) == (800, 1599)
    assert (second.pcm[0], second.pcm[-1]) == (2000, 3999)
    assert first.split_key != second.split_key


def test_pieces_that_overlap_have_one_split_key():
    rows = [Row("p", "x", start_s=0.1, end_s=0.2), Row("q", "y", start_s=0.15)]
    first, second = cut(rows, wav(ramp(0.5)), together=True)
    assert first.split_key == second.split_key
    assert first.audio_digest != second.audio_digest


def test_a_piece_beyond_the_end_is_out_of_range_but_rounding_is_not():
    rows = [Row("late", "x", start_s=0.6), Row("long", "x", end_s=0.6), Row("ok", "x", end_s=0.51)]
    late, long, rounded = cut(rows, wav(ramp(0.5)))
    assert [late.reason, long.reason] == ["out_of_range", "out_of_range"]
    assert len(rounded.pcm) == 4000


def test_windows_of_a_recording_share_group_and_split_key():
    found = cut([Row("a.wav", "x")], wav(ramp(1.0)), window_s=0.4, hop_s=0.2)
    assert [c.clip.clip_id for c in found] == [
        "a.wav#0.000-0.400", "a.wav#0.200-0.600", "a.wav#0.400-0.800", "a.wav#0.600-1.000",
    ]  # fmt: skip
    assert [c.pcm[0] for c in found] == [0, 1600, 3200, 4800]
    assert {c.clip.group for c in found} == {"a.wav"}
    assert len({c.split_key for c in found}) == 1
    assert len({c.audio_digest for c in found}) == 4


def test_what_is_shorter_than_a_window_is_a_clip_by_itself():
    (found,) = cut([Row("a.wav", "x", "g")], wav(ramp(0.3)), window_s=0.4)
    assert (found.clip.clip_id, found.clip.group) == ("a.wav", "g")


@given(st.integers(1, 5000), st.integers(1, 500), st.integers(1, 500))
@settings(deadline=None)
def test_windows_cover_the_recording_but_for_half_a_window(n_samples, window, hop):
    bounds = window_bounds(n_samples, window, hop)
    assert bounds[0][0] == 0
    assert all(0 <= start < end <= n_samples for start, end in bounds)
    assert all(end - start == window for start, end in bounds[:-1])
    assert all(b[0] - a[0] == hop for a, b in itertools.pairwise(bounds))
    if hop <= window:
        assert n_samples - bounds[-1][1] < max(window / 2, 1)


def test_trimming_keeps_the_sound_and_a_margin():
    rate = 1000
    waveform = np.zeros(1000, np.float32)
    waveform[300:500] = 0.5
    assert trim_bounds(waveform, rate, 40) == (270, 530)
    assert trim_bounds(np.stack([waveform, waveform * 0]), rate, 40) == (270, 530)
    assert trim_bounds(np.zeros(1000, np.float32), rate, 40) == (0, 1000)
    waveform[0:100] = 0.5 * 10 ** (-30 / 20)
    assert trim_bounds(waveform, rate, 40) == (0, 530)
    assert trim_bounds(waveform, rate, 20) == (270, 530)


def test_trimmed_clips():
    waveform = np.concatenate([np.zeros(4000), np.full(800, 0.5), np.zeros(4000)])
    (found,) = cut([Row("a.wav", "x")], wav(waveform), trim_silence_db=40)
    assert len(found.pcm) == 800 + 2 * 240


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"min_duration_s": 0.6}, "too_short"),
        ({"max_duration_s": 0.4}, "too_long"),
        ({"max_samples": 3999}, "too_long"),
    ],
)
def test_durations_out_of_the_limits(limits, reason):
    (found,) = cut([Row("a.wav", "x")], wav(ramp(0.5)), **limits)
    assert (found.path, found.reason, found.stage, found.label) == ("a.wav", reason, "ingest", "x")


def test_resampling_up_may_not_make_more_than_is_allowed():
    tiny = wav(np.zeros(1000), 100)
    (found,) = cut([Row("a.wav", "x")], tiny, max_samples=50_000)
    assert found.reason == "too_long"


def test_a_bad_recording_rejects_each_of_its_clips():
    found = cut([Row("p", "x"), Row("q", "y")], b"no audio")
    assert [(one.path, one.label, one.reason) for one in found] == [
        ("p", "x", "unreadable"), ("q", "y", "unreadable"),
    ]  # fmt: skip


def test_what_was_never_said_to_be_audio_is_passed_over():
    readme = Recording("uri", "README", (Row("README", "x"),), surely_audio=False)
    assert list(cut_recording(readme, b"read me", ClipFormat(RATE))) == []
    hidden = Recording("uri", "take", (Row("take", "x"),), surely_audio=False)
    assert len(list(cut_recording(hidden, wav(ramp(0.1)), ClipFormat(RATE)))) == 1


def test_channels_are_mixed_or_kept():
    stereo = np.stack([np.full(80, 0.5), np.full(80, -0.25)], axis=1)
    (mono,) = cut([Row("a", "x")], wav(stereo))
    (kept,) = cut([Row("a", "x")], wav(stereo), keep_channels=True)
    assert isinstance(mono, CutClip)
    assert mono.pcm.tolist() == [4096] * 80
    assert kept.pcm[:, 0].tolist() == [16384, -8192]


@pytest.mark.parametrize("label", ["dog", "dög", "two words", "0", "x" * 200, "日本"])
def test_labels(label):
    assert label_problem(label) is None


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("", "missing_label"),
        ("x" * 10**6, "bad_label"),
        ("a\0b", "bad_label"),
        ("a\nb", "bad_label"),
    ],
)
def test_bad_labels(label, reason):
    problem = label_problem(label)
    assert problem is not None
    assert problem[0] == reason
    assert len(Rejection("a", *problem[:1], "ingest", problem[1]).to_json()) < 1000
