"""Decoding in blocks: the same samples as at once, and never more memory than the bound."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.reading import libsndfile
from tfx_audio.components.audio.reading.clip_format import ClipFormat, read_waveform
from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.resample import resample

# 264 million samples of nearly nothing: 0.8 MB of FLAC.
BOMB = """
import io
import numpy as np, soundfile
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import cut_recording, single_file
def peak_kib():  # ru_maxrss starts at the peak of the process that started this one
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
file = io.BytesIO()
with soundfile.SoundFile(file, "w", 44100, 1, "PCM_16", format="FLAC") as out:
    for _ in range(66):
        out.write(np.full(4_000_000, 7, np.int16))
before = peak_kib()
(cut,) = cut_recording(single_file("", "bomb"), file.getvalue(), ClipFormat(16000))
after = peak_kib()
print(len(file.getvalue()), cut.reason, (after - before) // 1024)
"""


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "OGG"])
def test_blocks_give_what_the_whole_gives(monkeypatch, file_format, channels):
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, (30_000, channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, 22050, format=file_format)
    at_once = read_waveform(buffer.getvalue(), ClipFormat(16000)).waveform
    whole = decode(buffer.getvalue(), 2**20)[0]
    mixed = whole if whole.ndim == 1 else whole.mean(axis=0, dtype=np.float32)
    np.testing.assert_array_equal(at_once, resample(mixed, 22050, 16000))
    monkeypatch.setattr(libsndfile, "BLOCK_SAMPLES", 1000)
    np.testing.assert_array_equal(
        read_waveform(buffer.getvalue(), ClipFormat(16000)).waveform, at_once
    )
    kept = read_waveform(buffer.getvalue(), ClipFormat(22050, keep_channels=True)).waveform
    np.testing.assert_array_equal(kept, whole)


def test_a_decompression_bomb_takes_no_memory():
    done = subprocess.run(
        [sys.executable, "-c", BOMB], capture_output=True, text=True, timeout=300, check=True
    )
    size, reason, peak_mb = done.stdout.split()
    assert int(size) < 2**21
    assert reason == "too_long"
    assert int(peak_mb) < 600
