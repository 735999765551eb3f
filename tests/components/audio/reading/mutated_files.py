"""Read mutated files, in a process of its own: what comes out, how long, how much memory.

python mutated_files.py MUTANTS_OF_EACH [SEED]
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from media import MEDIA, SOUND_FILES, any_file

from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import CutClip, cut_recording, single_file


def mutate(data, rng):
    """Return a file with a few changes, half of them in its header."""
    mutant = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if len(mutant) < 16:
            break
        end = min(len(mutant), 200) if rng.random() < 0.5 else len(mutant)
        at = int(rng.integers(0, end))
        size = int(rng.integers(1, 17))
        kind = rng.integers(0, 6)
        if kind == 0:
            mutant[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            mutant[at : at + size] = rng.bytes(len(mutant[at : at + size]))
        elif kind == 2:
            mutant[at : at + size] = (b"\xff" if rng.random() < 0.5 else b"\0") * size
        elif kind == 3:
            del mutant[at : at + size * 20]
        elif kind == 4:
            mutant[at:at] = mutant[max(0, at - 300) : at]
        else:
            del mutant[max(16, at) :]
    return bytes(mutant)


def main():
    """Print one JSON object."""
    each, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts, slowest = Counter(), (0.0, "")
    for name in (*MEDIA, *SOUND_FILES):
        data = any_file(name, 0.5)
        rng = np.random.default_rng([seed, *name.encode()])
        for number in range(each):
            mutant = mutate(data, rng)
            started = time.perf_counter()
            (cut,) = cut_recording(single_file("", name), mutant, ClipFormat(16000))
            slowest = max(slowest, (time.perf_counter() - started, f"{name} {number}"))
            counts["clip" if isinstance(cut, CutClip) else cut.reason] += 1
            if isinstance(cut, CutClip):
                assert np.isfinite(cut.clip.waveform).all(), f"{name} {number}"
            else:
                assert cut.detail, f"{name} {number}"
    # ru_maxrss would be that of the process that started this one, where that is the larger
    (peak,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    ]
    rss_mb = int(peak.split()[1]) / 1024
    print(json.dumps({"counts": counts, "slowest": slowest, "rss_mb": rss_mb}))


if __name__ == "__main__":
    main()
