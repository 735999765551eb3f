"""A package that adds a transform: named in a policy, seeded, checked, in the cache key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.augment.augmenter import Augmenter, check_policy
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy import check, extensions
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy

MODULE = """
import random

import numpy as np
from audiomentations.core.transforms_interface import BaseWaveformTransform


class Crackle(BaseWaveformTransform):
    def __init__(self, min_level=0.1, max_level=0.2, p=0.5):
        super().__init__(p)
        self.min_level, self.max_level = min_level, max_level

    def randomize_parameters(self, samples, sample_rate):
        super().randomize_parameters(samples, sample_rate)
        if self.parameters["should_apply"]:
            self.parameters["level"] = random.uniform(self.min_level, self.max_level)
            self.parameters["at"] = int(np.random.randint(samples.shape[-1]))

    def apply(self, samples, sample_rate):
        result = samples.copy()
        result[..., self.parameters["at"]] = self.parameters["level"]
        return result
"""
SCHEMA = {
    "description": "One click.",
    "x-cost-ms-per-s": 0.25,
    "properties": {
        "min_level": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.1},
        "max_level": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.2},
    },
}
POLICY = "transforms: [{name: Crackle, min_level: 0.15, p: 1}]\nconditions: {}"


def install(folder: Path, version="1.2", name="Crackle", schema=SCHEMA) -> None:
    """Lay a package down as pip would."""
    info = folder / "acme_sounds-1.dist-info"
    (folder / "acme").mkdir(parents=True, exist_ok=True)
    info.mkdir(exist_ok=True)
    (folder / "acme" / "__init__.py").touch()
    (folder / "acme" / "sounds.py").write_text(MODULE)
    (folder / "acme" / f"{name}.schema.json").write_text(json.dumps(schema))
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: acme-sounds\nVersion: {version}\n"
    )
    (info / "entry_points.txt").write_text(f"[{extensions.GROUP}]\n{name} = acme.sounds:Crackle\n")


def forget():
    for cached in (extensions.extensions, check.policy_schema, check.transform_schemas):
        cached.cache_clear()


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder in which packages are looked for, and nothing of it remembered afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()
    for name in ("acme", "acme.sounds"):
        sys.modules.pop(name, None)


def test_its_copies_are_seeded_and_say_what_was_drawn(packages):
    install(packages)
    policy = parse_policy(POLICY)
    check_policy(policy)
    clip = Clip("a", np.zeros(1000, np.float32), 8000)
    copies = [Augmenter(policy).augment(clip, n) for n in (1, 2, 1)]
    assert copies[0].waveform.tobytes() == copies[2].waveform.tobytes()
    assert copies[0].augmentation == copies[2].augmentation != copies[1].augmentation
    (step,) = json.loads(copies[0].augmentation)["transforms"]
    drawn = step["parameters"]
    assert np.flatnonzero(copies[0].waveform).tolist() == [drawn["at"]]
    assert 0.15 <= drawn["level"] <= 0.2
    assert copies[0].waveform[drawn["at"]] == np.float32(drawn["level"])


def test_its_schema_checks_the_policy_before_it_is_imported(packages):
    install(packages)
    with pytest.raises(InvalidInput, match=r"min_level: expected at least 0 and at most 1, got 7"):
        parse_policy("transforms: [{name: Crackle, min_level: 7}]")
    with pytest.raises(InvalidInput, match="Crackle has no 'levle'"):
        parse_policy("transforms: [{name: Crackle, levle: 7}]")
    with pytest.raises(InvalidInput, match=r"min_level \(0.9\) is greater than max_level \(0.2\)"):
        parse_policy("transforms: [{name: Crackle, min_level: 0.9}]")
    with pytest.raises(InvalidInput, match="Did you mean 'Crackle'"):
        parse_policy("transforms: [Crackel]")
    assert "acme.sounds" not in sys.modules


def test_its_version_is_in_the_key_and_in_the_facts_where_a_policy_names_it(packages):
    from tfx_audio.components.audio_augmenter.provenance import library_versions

    install(packages, version="1.2")
    plain, own = parse_policy("transforms: [Gain]"), parse_policy(POLICY)
    assert own.extension_versions == {"acme-sounds": "1.2"}
    assert library_versions(own)["acme-sounds"] == "1.2"
    assert "acme-sounds" not in library_versions(plain)
    inside = parse_policy(
        "transforms: [Gain]\nconditions: {c: [{name: Compose, transforms: [Crackle]}]}"
    )
    assert inside.extension_versions == {"acme-sounds": "1.2"}
    install(packages, version="1.3")
    forget()
    assert parse_policy(POLICY).extension_versions == {"acme-sounds": "1.3"}


def test_the_component_runs_again_with_another_version(packages):
    from tfx.types import Channel
    from tfx.types.standard_artifacts import Examples

    from tfx_audio.components.audio_augmenter.component import AudioAugmenter

    install(packages)

    def properties(policy):
        return AudioAugmenter(Channel(type=Examples), policy).exec_properties

    assert properties(parse_policy(POLICY))["extension_versions"] == '{"acme-sounds": "1.2"}'
    assert properties(parse_policy("transforms: [Gain]")).get("extension_versions") is None


NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"properties": {"x": {"type": "nubmer"}}}, r"properties.x.type: 'nubmer' is not one of"),
        ({"properties": {"x": {"type": ["number", "null"]}}}, r"properties.x.type: "),
        ({"properties": {"x": {**NUMBER, "minimum": "a"}}}, r"properties.x.minimum: 'a' is not"),
        ({"properties": {"sounds": NUMBER}}, "'sounds' should not be valid"),
        ({"properties": {"distribution": {"enum": ["log"]}}}, "'distribution' should not be valid"),
        ({"properties": {"p": NUMBER}}, "'p' should not be valid"),
        ({"properties": {"x": {"$ref": "#/y"}}}, r"properties.x"),
        ({"properties": {"x": True}}, r"properties.x: True is not of type 'object'"),
        ({"properties": {}, "x-log-ranges": ["x"]}, "'x-log-ranges' was unexpected"),
        ({"properties": {}, "x-cost-ms-per-s": "1 ms"}, "'1 ms' is not of type 'number'"),
        (["properties"], "is not of type 'object'"),
        ({}, "'properties' is a required property"),
    ],
)
def test_a_schema_that_makes_no_sense_is_refused_where_it_is_named(packages, schema, words):
    install(packages, schema=schema)
    parse_policy("transforms: [Gain]")
    with pytest.raises(InvalidInput, match=f"Crackle can't be used .*acme-sounds adds it.*{words}"):
        parse_policy(POLICY)


def test_a_missing_schema_says_where_it_was_looked_for(packages):
    install(packages)
    (packages / "acme" / "Crackle.schema.json").unlink()
    with pytest.raises(InvalidInput, match=r"there is no .*acme/Crackle.schema.json"):
        parse_policy(POLICY)


def test_the_name_of_another_transform_is_refused(packages):
    install(packages, name="Gain")
    with pytest.raises(InvalidInput, match="acme-sounds adds a transform 'Gain', but there is one"):
        parse_policy("transforms: [Shift]")


def test_two_packages_with_one_name_are_refused(packages):
    install(packages)
    other = packages / "zed-1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: zed\nVersion: 9\n")
    (other / "entry_points.txt").write_text(f"[{extensions.GROUP}]\nCrackle = zed:Crackle\n")
    with pytest.raises(InvalidInput, match=r"the packages .* both add a transform 'Crackle'"):
        parse_policy("transforms: [Gain]")


def test_reading_a_policy_imports_nothing_of_the_package(packages):
    install(packages)
    (packages / "acme" / "__init__.py").write_text("raise RuntimeError('no licence')\n")
    policy = parse_policy(POLICY)
    with pytest.raises(InvalidInput, match=r"Crackle needs the package acme.sounds: no licence"):
        check_policy(policy)


def test_a_single_file_is_a_package_too(packages):
    install(packages)
    (packages / "crackle_mod.py").write_text(MODULE)
    (packages / "crackle_mod.py").with_name("Crackle.schema.json").write_text(json.dumps(SCHEMA))
    entry = packages / "acme_sounds-1.dist-info" / "entry_points.txt"
    entry.write_text(f"[{extensions.GROUP}]\nCrackle = crackle_mod:Crackle\n")
    check_policy(parse_policy(POLICY))


@pytest.mark.parametrize(
    "imports",
    ["import random as rnd\nimport numpy as numbers", "import random as rnd, numpy as numbers"],
)
def test_other_names_of_the_generators_are_seeded_too(packages, imports):
    install(packages)
    module = MODULE.replace("import random\n\nimport numpy as np", imports)
    module = module.replace("random.uniform", "rnd.uniform").replace(
        "np.random.randint", "numbers.random.default_rng().integers"
    )
    (packages / "acme" / "sounds.py").write_text(module)
    policy, clip = parse_policy(POLICY), Clip("a", np.zeros(1000, np.float32), 8000)
    check_policy(policy)
    made = {Augmenter(policy).augment(clip, 1).waveform.tobytes() for _ in range(3)}
    assert len(made) == 1


def test_what_can_not_be_seeded_is_refused(packages):
    install(packages)
    module = MODULE.replace("import random\n", "from random import uniform\n")
    module = module.replace("random.uniform(", "uniform(")
    (packages / "acme" / "sounds.py").write_text(module)
    with pytest.raises(InvalidInput, match="Crackle made two different copies from one seed"):
        check_policy(parse_policy(POLICY))


def test_what_is_no_transform_is_refused(packages):
    install(packages)
    (packages / "acme" / "sounds.py").write_text("Crackle = print\n")
    with pytest.raises(InvalidInput, match="is no subclass of BaseWaveformTransform"):
        check_policy(parse_policy(POLICY))


def test_a_module_that_fails_is_the_policys_error(packages):
    install(packages)
    (packages / "acme" / "sounds.py").write_text("import a_package_that_is_missing\n")
    with pytest.raises(InvalidInput, match=r"transforms.0.: Crackle needs the package acme.sounds"):
        check_policy(parse_policy(POLICY))


def test_worker_processes_find_it(tmp_path):
    """The command, with two workers: their copies are the ones made in process."""
    install(tmp_path / "site")
    (tmp_path / "policy.yaml").write_text(POLICY)
    for n in range(6):
        path = tmp_path / "sounds" / "a" / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(800, (n + 1) / 10), 8000)
    made = []
    for workers in "12":
        out = tmp_path / f"out{workers}"
        command = [
            str(Path(sys.executable).with_name("tfx-audio")),
            "augment",
            "--workers",
            workers,
        ]
        command += ["--data", str(tmp_path / "sounds"), "--policy", str(tmp_path / "policy.yaml")]
        paths = [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        done = subprocess.run(
            [*command, "--out", str(out)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        facts = json.loads((out / "provenance.json").read_text())
        assert facts["counters"]["applied"] == {"Crackle": 6}
        assert facts["library_versions"]["acme-sounds"] == "1.2"
        made.append(facts["records"])
    assert made[0] == made[1]
