"""The public names: the list is a promise, and each costs only what it needs."""

import json
import re
import subprocess
import sys
from importlib import metadata

import pytest

import tfx_audio

COMPONENTS = {
    "AudioAugmenter", "AudioExampleGen", "AudioSchemaGen", "AugmentationReport", "SoundBank",
    "AugmentationHtml", "EvaluationHtml", "EvaluationReport", "RejectedClips", "SoundBanks",
}  # fmt: skip
KERAS = {"ClipNormalisation", "LogMel", "SpecAugment", "augment_dataset"}
BEAM = {"AugmentClips", "ReadExamples"}
PURE = {
    "AugmentationFailed", "Augmenter", "Clip", "Frontend", "clip_to_example", "example_to_clip",
    "load_policy", "read_records",
}  # fmt: skip
FRAMEWORKS = {"apache_beam", "tfx", "tensorflow", "keras", "numpy", "audiomentations"}


def loaded_by(code):
    """Return the frameworks that `code` loads in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; {code}; print(json.dumps(list(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1])) & FRAMEWORKS


def test_the_list_of_public_names():
    promised = COMPONENTS | KERAS | BEAM | PURE | {"create_pipeline", "__version__"}
    assert set(tfx_audio.__all__) == promised == set(dir(tfx_audio))


def test_every_name_is_there():
    for name in tfx_audio.__all__:
        found = getattr(tfx_audio, name)
        assert name == "__version__" or found.__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'SpecAugmnt'"):
        tfx_audio.SpecAugmnt  # noqa: B018 - the access is the test


def test_a_missing_extra_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tfx_audio, "find_spec", lambda package: None)
    said = re.escape(
        "tfx_audio.augment_dataset needs audiomentations, which is not installed: "
        "pip install 'tfx-audio[augment,model]'"
    )
    with pytest.raises(ModuleNotFoundError, match=f"^{said}$"):
        tfx_audio.augment_dataset  # noqa: B018 - the access is the test
    assert tfx_audio.load_policy  # needs none


@pytest.mark.parametrize(
    ("absent", "name", "said"),
    [
        ("audiomentations", "AudioAugmenter", "audiomentations, .*tfx-audio.pipeline.'$"),
        ("apache_beam", "LogMel", "apache_beam, .*tfx-audio.model.'$"),
        ("kapre", "LogMel", "kapre, .*pip install --no-deps kapre==0.4.1$"),
    ],
)
def test_one_package_of_an_extra_is_not_the_extra(monkeypatch, absent, name, said):
    """TFX, TensorFlow or audiomentations may have been there before."""
    monkeypatch.setattr(tfx_audio, "find_spec", lambda package: package != absent or None)
    with pytest.raises(ModuleNotFoundError, match=f"tfx_audio.{name} needs {said}"):
        getattr(tfx_audio, name)


def test_each_name_asks_for_the_extra_of_what_it_loads():
    extras = {name: set(extras) for name, (_, *extras) in tfx_audio._NAMES.items()}
    assert {name for name, needs in extras.items() if "pipeline" in needs} == {
        *COMPONENTS, "create_pipeline",
    }  # fmt: skip
    assert {name for name, needs in extras.items() if "model" in needs} == KERAS
    assert {name for name, needs in extras.items() if needs == {"beam"}} == {"ReadExamples"}
    brought = requirements_by_extra()
    assert set(tfx_audio._BROUGHT_BY) < set(brought)
    for extra, packages in tfx_audio._BROUGHT_BY.items():
        lines = [line for lines in brought.values() for line in lines]
        assert any(line.startswith(packages[0].replace("_", "-")) for line in brought[extra])
        for package in packages[1:]:  # perhaps by an extra inside it
            assert any(line.startswith(package.replace("_", "-")) for line in lines)


def requirements_by_extra():
    """Return the requirements of each extra, without those of other extras."""
    found = {}
    for line in metadata.requires("tfx-audio"):
        if extra := re.search(r"extra == ['\"](\w+)['\"]", line):
            found.setdefault(extra[1], []).append(line)
    return found


def test_the_type_checker_sees_the_same_names():
    with open(tfx_audio.__file__, encoding="utf-8") as file:
        text = file.read()
    for name in set(tfx_audio.__all__) - {"__version__"}:
        assert f"{name} as {name}" in text


@pytest.mark.parametrize(
    ("code", "loads"),
    [
        ("import tfx_audio", set()),
        ("from tfx_audio import Augmenter, Clip, load_policy", {"numpy", "audiomentations"}),
        ("from tfx_audio import clip_to_example, example_to_clip, read_records", {"numpy"}),
        ("from tfx_audio import AugmentClips, ReadExamples", {"numpy", "apache_beam"}),
        ("from tfx_audio import SpecAugment, LogMel", {"numpy", "tensorflow", "keras"}),
    ],
)
def test_a_name_loads_what_it_needs_and_no_more(code, loads):
    assert loaded_by(code) == loads
