"""What holds for every transform that a policy may name."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.policy.check import COMPOSITIONS, transform_schemas
from tfx_audio.components.audio.records.examples import clip_to_example

RATE = 16000
TRANSFORMS = [name for name in transform_schemas() if name not in COMPOSITIONS]
SAMPLE_RATES = {
    name: schema["x-sample-rates"]
    for name, schema in transform_schemas().items()
    if "x-sample-rates" in schema
}
WITHOUT_PARAMETERS = {"AdjustDuration", "Clip", "PolarityInversion", "Reverse", "Trim"}
MONO_ONLY = {"AddBackgroundNoise", "AddShortNoises"}
# Clips that a transform refuses, always with a reason; everything else must succeed.
REFUSED = {
    "LoudnessNormalization": {"one_sample", "10_ms"},  # needs 400 ms
    "Mp3Compression": {"one_sample", "10_ms"},  # needs 100 ms
    **{name: {"stereo"} for name in MONO_ONLY},
}


def clips() -> dict[str, Clip]:
    time_s = np.arange(RATE) / RATE
    hiss = np.random.RandomState(0).standard_normal(RATE)
    tone = (0.3 * np.sin(2 * np.pi * 440 * time_s) + 0.05 * hiss).astype(np.float32)
    waveforms = {
        "one_second": tone,
        "one_sample": tone[1:2],
        "10_ms": tone[:160],
        "stereo": np.stack([tone, tone[::-1]]),
        "silence": np.zeros_like(tone),
        "full_scale": np.sign(tone),
        "8_khz": tone[:8000],
    }
    return {
        name: Clip(f"{name}.wav", waveform, 8000 if name == "8_khz" else RATE, label="tone")
        for name, waveform in waveforms.items()
    }


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("bank")
    for index, samples in enumerate((3000, 20000)):
        burst = np.random.RandomState(index).standard_normal(samples)
        burst *= 0.1 * np.exp(-np.arange(samples) / 2000)
        path = folder / f"{index}.wav"
        path.write_bytes(encode_wav(burst.astype(np.float32), RATE))
    return str(folder)


def augmenter_for(name: str, bank: str) -> Augmenter:
    step = {"name": name, "p": 1.0}
    if "sounds" in transform_schemas()[name]["properties"]:
        step["sounds"] = "bank"
    if name == "AdjustDuration":
        step["duration_seconds"] = 0.7
    if name == "AddShortNoises":
        step["max_time_between_sounds"] = 2.0
    text = json.dumps({"transforms": [step], "conditions": {}})
    return Augmenter(parse_policy(text), {"bank": bank})


def waveform_and_provenance(copy: Clip) -> bytes:
    head = f"{copy.waveform.dtype}{copy.waveform.shape}{copy.augmentation}"
    return head.encode() + copy.waveform.tobytes()


def outcome(
    augmenter: Augmenter,
    clip: Clip,
    copy_index: int = 1,
    content: Callable[[Clip], bytes] = waveform_and_provenance,
) -> str:
    """Return a digest of what comes out, or the reason why nothing does."""
    try:
        copy = augmenter.augment(clip, copy_index)
    except AugmentationFailed as failure:
        return failure.reason
    return hashlib.sha256(content(copy)).hexdigest()


def all_outcomes(
    bank: str, content: Callable[[Clip], bytes] = waveform_and_provenance
) -> dict[str, str]:
    warnings.simplefilter("ignore")
    return {
        f"{name} {kind}": outcome(augmenter_for(name, bank), clip, content=content)
        for name in TRANSFORMS
        for kind, clip in clips().items()
        if kind in ("one_second", "8_khz", "full_scale")
    }


@pytest.mark.filterwarnings("ignore::UserWarning:audiomentations", "ignore::UserWarning:librosa")
@pytest.mark.parametrize("name", TRANSFORMS)
class TestEveryTransform:
    def test_clips_of_every_kind_give_a_valid_copy_or_a_reason(self, name, bank):
        augmenter = augmenter_for(name, bank)
        for kind, clip in clips().items():
            before = clip.waveform.tobytes()
            for copy_index in (1, 2):
                if kind in REFUSED.get(name, ()):
                    with pytest.raises(AugmentationFailed) as failure:
                        augmenter.augment(clip, copy_index)
                    assert failure.value.transform == name
                    assert failure.value.reason
                    assert failure.value.detail
                else:
                    self.check_copy(augmenter.augment(clip, copy_index), clip)
            assert clip.waveform.tobytes() == before, f"{name} wrote into its input ({kind})"

    @staticmethod
    def check_copy(copy: Clip, clip: Clip) -> None:
        waveform = copy.waveform
        assert waveform.dtype == np.float32
        assert waveform.flags.carray
        assert np.isfinite(waveform).all()
        assert waveform.ndim == clip.waveform.ndim
        assert waveform.shape[:-1] == clip.waveform.shape[:-1]
        assert 0 < waveform.shape[-1] < 40 * RATE
        assert np.abs(waveform).max() <= 1.0
        assert copy.sample_rate == clip.sample_rate

    def test_every_parameter_that_was_drawn_is_recorded(self, name, bank):
        clip = clips()["one_second"]
        copy = augmenter_for(name, bank).augment(clip, 1)
        record = json.loads(copy.augmentation, parse_constant=pytest.fail)
        if name == "RepeatPart" and not record["transforms"]:
            return  # the part that was drawn does not fit into this clip
        (step,) = record["transforms"]
        assert (step["name"], step["path"]) == (name, "transforms[0]")
        assert bool(step["parameters"]) == (name not in WITHOUT_PARAMETERS)
        assert bank not in copy.augmentation

    def test_same_bytes_in_four_threads(self, name, bank):
        augmenter, clip = augmenter_for(name, bank), clips()["one_second"]
        copies = (1, 2) if name == "RoomSimulator" else (1, 2, 3, 4)
        alone = [outcome(augmenter, clip, n) for n in copies]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda n: outcome(augmenter, clip, n), copies))
        assert together == alone


def outcomes_in_another_process(
    bank: str, content: str = "waveform_and_provenance", **env: str
) -> dict[str, str]:
    code = (
        "import json, runpy, sys; "
        f"module = runpy.run_path({__file__!r}); "
        f"print(json.dumps(module['all_outcomes'](sys.argv[1], module[{content!r}])))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, bank],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(other.stdout)


@pytest.mark.parametrize("kernel", ["Prescott", "Haswell"])
def test_same_record_whatever_kernel_openblas_picks(bank, kernel):
    other = outcomes_in_another_process(bank, "clip_to_example", OPENBLAS_CORETYPE=kernel)
    assert other == all_outcomes(bank, clip_to_example)


def test_same_bytes_in_a_second_process(bank):
    assert outcomes_in_another_process(bank) == all_outcomes(bank)


def test_records_are_the_recorded_ones(bank):
    """Another digest is another data set for the user: CHANGELOG.md, then record it.

    Computed without what only some processors have. Where the two platforms differ (docs/limits.md
    says how), each has a digest of its own.
    """
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    outcomes = outcomes_in_another_process(
        bank,
        "clip_to_example",
        OPENBLAS_CORETYPE="Prescott",
        NPY_DISABLE_CPU_FEATURES=" ".join(extensions.get("found", [])),
    )
    digests = {
        name: hashlib.sha256(
            "".join(o for case, o in outcomes.items() if case.startswith(f"{name} ")).encode()
        ).hexdigest()[:16]
        for name in TRANSFORMS
    }
    recorded = json.loads(Path(__file__).with_name("recorded_digests.json").read_text())
    platform = "py310" if sys.version_info < (3, 11) else "py313"
    assert digests == {
        name: digest[platform] if isinstance(digest, dict) else digest
        for name, digest in recorded.items()
    }


@pytest.mark.filterwarnings("ignore::UserWarning:audiomentations", "ignore::UserWarning:librosa")
@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("rate", [10000, 96000])
def test_transforms_take_any_sample_rate_but_where_notes_say_which(name, rate, bank):
    if name == "RoomSimulator":
        pytest.skip("seconds of ray tracing; a room has no rate")
    hiss = 0.1 * np.random.RandomState(0).standard_normal(rate)
    clip = Clip("hiss.wav", hiss.astype(np.float32), rate, label="tone")
    try:
        augmenter_for(name, bank).augment(clip, 1)
    except AugmentationFailed:
        assert name in SAMPLE_RATES
    else:
        assert rate in SAMPLE_RATES.get(name, (rate,))
