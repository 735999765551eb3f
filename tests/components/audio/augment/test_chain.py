"""`distribution: log`: log(x / min) / log(max / min) is uniform, for every range that is named."""

from __future__ import annotations

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.policy.check import transform_schemas

RATE, COPIES = 16000, 300
CRITICAL = 1.95 / np.sqrt(COPIES)  # Kolmogorov-Smirnov at 0.1 %
# By range: its ends here, and how the copy's parameters give what was drawn.
RANGES = {
    "amplitude": (0.001, 0.5, lambda drawn: drawn["amplitude"]),
    "distance": (1.0, 100.0, lambda drawn: drawn["distance"]),
    "sample_rate": (100, 30000, lambda drawn: drawn["new_sample_rate"]),
    "center_freq": (50.0, 7500.0, lambda drawn: drawn["center_freq"]),
    "cutoff_freq": (50.0, 7500.0, lambda drawn: drawn["cutoff_freq"]),
    "bandwidth_fraction": (0.02, 1.9, lambda drawn: drawn["bandwidth"] / drawn["center_freq"]),
    "q": (0.01, 0.9, lambda drawn: drawn["q_factor"]),
    "attack": (0.0005, 0.5, lambda drawn: seconds(drawn["attack"])),
    "release": (0.0005, 0.5, lambda drawn: seconds(drawn["release"])),
    "distortion": (0.01, 0.9, lambda drawn: drawn["distortion_amount"]),
    "rate": (0.1, 10.0, lambda drawn: drawn["rate"]),
}
CASES = [
    (name, parameter)
    for name, schema in transform_schemas().items()
    for parameter in schema.get("x-log-ranges", ())
]


def seconds(coefficient):
    """Invert audiomentations' Limiter: 60 dB in that time."""
    return -3 / (RATE * np.log10(coefficient))


def distance_from_uniform(values, low, high):
    shares = np.sort(np.log(np.array(values) / low) / np.log(high / low))
    assert shares[0] >= -1e-9
    assert shares[-1] <= 1 + 1e-9
    return np.abs(shares - (np.arange(COPIES) + 0.5) / COPIES).max()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_what_is_drawn_is_log_uniform(augmenter_of, applied, name, parameter):
    low, high, value_of = RANGES[parameter]
    step = {"name": name, f"min_{parameter}": low, f"max_{parameter}": high, "p": 1.0}
    samples = np.random.default_rng(0).normal(0, 0.1, 400).astype(np.float32)
    distances = {}
    for distribution in ("log", "uniform"):
        augmenter = augmenter_of([{**step, "distribution": distribution}])
        copies = [augmenter.augment(Clip("a", samples, RATE), n) for n in range(1, COPIES + 1)]
        values = [value_of(applied(copy)[0]["parameters"]) for copy in copies]
        distances[distribution] = distance_from_uniform(values, low, high)
    assert distances["log"] < CRITICAL < distances["uniform"]


def test_uniform_is_the_default_and_changes_no_byte(augmenter_of, noise):
    step = {"name": "TimeStretch", "p": 1.0}
    plain = augmenter_of([step]).augment(noise(), 1)
    named = augmenter_of([{**step, "distribution": "uniform"}]).augment(noise(), 1)
    assert plain.waveform.tobytes() == named.waveform.tobytes()


def test_a_step_after_it_draws_as_it_always_does(augmenter_of, noise, applied):
    """The same range without the option, behind one with it."""
    same = {"min_amplitude": 0.001, "max_amplitude": 0.5, "p": 1.0}
    steps = [{"name": "AddGaussianNoise", **same, "distribution": "log"}]
    augmenter = augmenter_of([*steps, {"name": "AddGaussianNoise", **same}])
    drawn = [
        applied(augmenter.augment(noise(0.01), n))[1]["parameters"]["amplitude"]
        for n in range(1, COPIES + 1)
    ]
    assert np.mean(drawn) == pytest.approx(0.25, abs=0.03)


def test_the_smallest_of_numbers_is_an_end_like_another(augmenter_of, noise):
    step = {"name": "AddGaussianNoise", "min_amplitude": 5e-324, "p": 1.0, "distribution": "log"}
    assert augmenter_of([step]).augment(noise(0.01), 1).waveform.any()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{name: Gain, distribution: log}", "Gain has no 'distribution'"),
        ("{name: TimeStretch, distribution: lgo}", "expected one of uniform, log"),
        (
            "{name: AddGaussianNoise, min_amplitude: 0, distribution: log}",
            "min_amplitude: distribution: log needs a range of its own above 0; got 0",
        ),
        (
            "{name: PeakingFilter, min_gain_db: 0.5, max_gain_db: 5, distribution: log}",
            "min_q: distribution: log needs a range of its own above 0; the range of gain_db is",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(step, words):
    with pytest.raises(InvalidInput, match=words):
        parse_policy(f"transforms: [{step}]")
