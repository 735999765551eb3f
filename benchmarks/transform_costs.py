"""What every transform costs: CPU ms for a second of audio at 16 kHz, least of several runs.

    python -m benchmarks.transform_costs [NAME ...]

`scripts/policy_schema/transform_notes.py` keeps the figures that the documentation and
`tfx-audio policy list` show.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, parse_policy
from tfx_audio.components.audio.policy.check import transform_schemas

SAMPLE_RATE = 16000
SECONDS = 2
RUNS, COPIES = 7, 8


def main(names: list[str]) -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    noise = np.random.RandomState(0).standard_normal(SECONDS * SAMPLE_RATE)
    clip = Clip("clip.wav", (0.1 * noise).astype(np.float32), SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        burst = noise[:8000] * np.exp(-np.arange(8000) / 1500) * 0.2
        Path(folder, "sound.wav").write_bytes(encode_wav(burst.astype(np.float32), SAMPLE_RATE))
        for name, schema in sorted(transform_schemas().items()):
            if "transforms" in schema["properties"] or (names and name not in names):
                continue
            augmenter = Augmenter(_policy(name), {"sounds": folder})
            print(f'    "{name}": {_cost(augmenter, clip):.3g},', flush=True)


def _policy(name: str) -> AugmentationPolicy:
    extra = ", sounds: sounds" if "sounds" in transform_schemas()[name]["properties"] else ""
    extra += ", duration_seconds: 1.5" if name == "AdjustDuration" else ""
    return parse_policy(f"conditions: {{}}\ntransforms: [{{name: {name}, p: 1.0{extra}}}]")


def _cost(augmenter: Augmenter, clip: Clip) -> float:
    times = []
    for run in range(RUNS):
        start = time.process_time()
        for copy_index in range(COPIES):
            try:
                augmenter.augment(clip, copy_index)
            except AugmentationFailed as error:
                print(error, file=sys.stderr)
        if run:  # the first one imports and compiles
            times.append((time.process_time() - start) / COPIES / SECONDS)
    return 1000 * min(times)


if __name__ == "__main__":
    main(sys.argv[1:])
