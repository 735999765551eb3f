"""The resolved front end and masks: defaults, derived values, checks, the paper's policies."""

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.features import POLICIES, Frontend, Masks
from tfx_audio.pipeline.model.config import FrontendConfig, SpecAugmentConfig


@pytest.mark.parametrize(("rate", "n_fft", "hop"), [(8_000, 256, 80), (44_100, 1_024, 441)])
def test_what_the_section_leaves_open_follows_from_the_rate(rate, n_fft, hop):
    expected = Frontend(rate, n_fft, n_fft, hop, 40, 0.0, rate / 2, 1, 40.0)
    assert Frontend.derive(rate) == expected
    assert Frontend.derive(rate, FrontendConfig()) == expected
    assert Frontend.derive(rate, FrontendConfig().model_dump(mode="json")) == expected


def test_what_the_section_says_goes_first():
    section = {"n_fft": 512, "hop_length": 100, "n_mels": 20, "f_max_hz": 3_000.0, "power": 2}
    expected = Frontend(16_000, 512, 512, 100, 20, 0.0, 3_000.0, 2, 40.0)
    assert Frontend.derive(16_000, section) == expected


def test_a_front_end_that_does_not_fit_together_is_only_refused_when_checked():
    tight = Frontend.derive(16_000, {"n_mels": 400})
    with pytest.raises(InvalidInput, match="lower n_mels or raise n_fft"):
        tight.checked()


def test_masks_are_in_proportion_to_the_spectrogram():
    section = {"freq_fraction": 0.2, "time_fraction": 0.1, "n_time_masks": 2}
    assert Masks.derive(section, frames=80, n_mels=40) == Masks(8, 8, 1, 2, 1.0)


def test_the_report_and_the_model_have_one_default():
    """Both fractions are 0.1, whether the section is there, empty, or left out."""
    expected = Masks(4, 10, 1, 1, 1.0)
    assert Masks.derive({}, 100, 40) == expected
    assert Masks.derive(SpecAugmentConfig(), 100, 40) == expected


def test_masks_by_the_papers_names_or_none():
    assert {
        "LB": Masks(27, 100, 1, 1, 1.0),
        "LD": Masks(27, 100, 2, 2, 1.0),
        "SM": Masks(15, 70, 2, 2, 0.2),
        "SS": Masks(27, 70, 2, 2, 0.2),
    } == POLICIES
    assert Masks.derive(SpecAugmentConfig(policy="SM"), 80, 40) == POLICIES["SM"]
    assert Masks.derive({"policy": "none"}, 80, 40) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [((-1, 2), "freq_mask_param must be at least 0"), ((1, 2, 1, 1, 1.1), "at most 1, got 1.1")],
)
def test_masks_that_can_not_be_are_refused(values, message):
    with pytest.raises(InvalidInput, match=message):
        Masks(*values)
