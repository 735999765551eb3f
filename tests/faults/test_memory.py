"""What a small file can make of memory: a few times the limit that the user sets, no more."""

import argparse
import subprocess
import sys

import av
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


SECONDS, RATE = 120, 48000
SNDFILE = (
    *("FLAC/PCM_16", "FLAC/PCM_24", "OGG/VORBIS", "OGG/OPUS", "MP3/MPEG_LAYER_III"),
    *("WAV/PCM_U8", "WAV/IMA_ADPCM", "WAV/MS_ADPCM", "WAV/ULAW", "RF64/PCM_16", "W64/IMA_ADPCM"),
    *("AIFF/PCM_S8", "AU/G721_32", "AU/ALAW", "CAF/ALAC_16", "CAF/ULAW", "NIST/ULAW", "SVX/PCM_S8"),
)
FFMPEG = {
    "m4a": "ipod/aac", "alac.m4a": "ipod/alac", "mp4": "mp4/aac", "aac": "adts/aac",
    "webm": "webm/libopus", "ac3": "ac3/ac3", "eac3": "eac3/eac3", "mp2": "mp2/mp2",
    "wv": "wv/wavpack", "tta": "tta/tta", "flv": "flv/aac", "ts": "mpegts/aac", "3gp": "3gp/aac",
}  # fmt: skip


def write_sndfile(path, kind, seconds):
    """Write silence by libsndfile, in blocks."""
    format_, subtype = kind.split("/")
    channels = 1 if format_ in ("AU", "SVX", "NIST") else 2
    with soundfile.SoundFile(path, "w", RATE, channels, subtype, format=format_) as file:
        for _ in range(seconds):
            file.write(np.zeros((RATE, channels)))


def write_ffmpeg(path, kind, seconds):
    """Write silence by FFmpeg, in blocks."""
    container, codec = kind.split("/")
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE)
        stream.layout = "stereo"
        kept = stream.codec_context.codec.audio_formats[0].name
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=kept, layout="stereo", rate=RATE, frame_size=size)
        for _ in range(seconds):
            zeros = np.zeros((1, 2 * RATE), np.int16)
            frame = av.AudioFrame.from_ndarray(zeros, format="s16", layout="stereo")
            frame.sample_rate = RATE
            for one in resampler.resample(frame):
                out.mux(stream.encode(one))
        out.mux(stream.encode(None))


@pytest.mark.e2e
@pytest.mark.parametrize("kind", [*SNDFILE, *(f"{n}/{kind}" for n, kind in FFMPEG.items())])
def test_silence_without_end_takes_no_more_than_the_limit_allows(tmp_path, kind):
    suffix, _, rest = kind.rpartition("/")[0].partition("/")
    write = write_ffmpeg if rest else write_sndfile
    name = suffix if rest else suffix.lower()
    files = [tmp_path / f"long.{name}", tmp_path / f"small.{name}"]
    for path, seconds in zip(files, (SECONDS, 1), strict=True):
        write(path, kind.partition("/")[2] if rest else kind, seconds)
    command = [sys.executable, "-W", "ignore", "-c", MEASURE]
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
