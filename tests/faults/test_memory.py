"""What a small file can make of memory: a few times the limit that the user sets, no more."""

import argparse
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tfx_audio.pipeline.commands import augment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads peaks of Linux")
MIB = 2**20
LIMIT_MB = 16
# the limit in 32 bit samples, and a few copies and buffers of that size
ALLOWED = 6 * LIMIT_MB * MIB
MEASURE = """
import sys
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.decode import decode
from tfx_audio.components.audio.reading.unusable import Unusable
def peak_kib():  # ru_maxrss starts at the peak of the process that started this one
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
import soxr
data = open(sys.argv[1], "rb").read()
small = open(sys.argv[2], "rb").read()
decode(small, 2**20)
before = peak_kib()
try:
    decode(data, int(sys.argv[3]))
    print("decoded")
except Unusable as problem:
    print(problem.reason)
print(1024 * (peak_kib() - before))
"""


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "format_", "subtype"),
    [
        ("a.flac", "FLAC", "PCM_16"),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
        ("a.mp3", "MP3", "MPEG_LAYER_III"),
        ("a.wav", "WAV", "IMA_ADPCM"),
        ("a.aiff", "AIFF", "PCM_S8"),
        ("a.caf", "CAF", "ALAC_16"),
    ],
)
def test_silence_without_end_takes_no_more_than_the_limit_allows(tmp_path, name, format_, subtype):
    with soundfile.SoundFile(tmp_path / name, "w", 48000, 2, subtype, format=format_) as file:
        for _ in range(120):  # seconds: far over the limit of 4 million samples
            file.write(np.zeros((48000, 2)))
    soundfile.write(tmp_path / f"small-{name}", np.zeros((4800, 2)), 48000, subtype, format=format_)
    command = [sys.executable, "-W", "ignore", "-c", MEASURE]
    files = [tmp_path / name, tmp_path / f"small-{name}"]
    done = subprocess.run(
        [*command, *files, str(LIMIT_MB * MIB // 4)], capture_output=True, text=True, check=True
    )
    reason, peak = done.stdout.split()
    assert reason == "too_long"
    assert int(peak) < ALLOWED + files[0].stat().st_size


@pytest.mark.parametrize("value", ["0", "-1", "x", "1e9", "9" * 5000])
def test_the_limit_is_a_size(value, capsys):
    parser = argparse.ArgumentParser()
    augment.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--data", "a", "--out", "b", f"--max-recording-mb={value}"])
    assert "MiB" in capsys.readouterr().err
