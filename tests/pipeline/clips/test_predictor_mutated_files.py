"""Damaged files of every format as `predict` reads them: each is a clip or has a reason."""

import importlib.util
import time
from pathlib import Path

import numpy as np

from tfx_audio.components.audio.clip import decode_wav
from tfx_audio.pipeline.clips.predict_files import AskedFile
from tfx_audio.pipeline.clips.predictor import read_wavs

READING = Path(__file__).parents[2] / "components" / "audio" / "reading"
EACH, SLOWEST_S = 10, 20


def load(name):
    spec = importlib.util.spec_from_file_location(name, READING / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_hundred_damaged_files_are_clips_or_have_a_reason(tmp_path):
    mutated, path = load("mutated_files"), tmp_path / "a file"
    clips, reasons = 0, set()
    for name in (*mutated.MEDIA, *mutated.SOUND_FILES):
        data, rng = mutated.any_file(name, 0.5), np.random.default_rng([7, *name.encode()])
        for number in range(EACH):
            path.write_bytes(mutated.mutate(data, rng))
            started = time.perf_counter()
            ((shown, wav),) = read_wavs(AskedFile(str(path)), 16_000)
            assert time.perf_counter() - started < SLOWEST_S, f"{name} {number}"
            assert shown == str(path)
            if isinstance(wav, bytes):
                assert decode_wav(wav)[0].size, f"{name} {number}"
                clips += 1
            else:
                assert wav.detail, f"{name} {number}"
                reasons.add(wav.reason)
    assert clips > EACH
    assert {"unreadable", "truncated", "damaged"} <= reasons
