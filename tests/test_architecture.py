"""The import rules of docs/architecture.md, read off the sources and off a fresh interpreter."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP_FOLDERS = ("components", "pipeline", "schemas")
HEAVY = {"tfx", "tensorflow", "keras", "apache_beam", "kapre", "tensorflow_transform"}
NO_TENSORFLOW = HEAVY - {"apache_beam"}


def sources(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path):
    """Return the modules that a file names in imports, those for the type checker left out."""
    names = set()
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return names


def top_level(path):
    return {name.split(".")[0] for name in imported(path)}


def breaches(paths, forbidden):
    return {
        str(path.relative_to(ROOT)): sorted(found)
        for path in paths
        if (found := {n for n in imported(path) if forbidden(n)})
    }


def under(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_the_pure_core_knows_no_framework():
    assert breaches(sources("components/audio"), lambda n: n.split(".")[0] in HEAVY) == {}


def test_the_pure_core_imports_nothing_else_of_the_project():
    def outside(name):
        return under(name, "tfx_audio") and not under(name, "tfx_audio.components.audio")

    assert breaches(sources("components/audio"), outside) == {}


def test_components_never_import_the_pipeline():
    assert breaches(sources("components"), lambda n: under(n, "tfx_audio.pipeline")) == {}


def test_beam_transforms_know_neither_tfx_nor_tensorflow():
    modules = [path for path in sources("components") if path.name == "transforms.py"]
    assert len(modules) >= 2
    assert breaches(modules, lambda n: n.split(".")[0] in NO_TENSORFLOW) == {}


def test_transforms_do_not_import_executors_nor_executors_components():
    for path in sources("components"):
        below = {"transforms.py": ("executor", "component"), "executor.py": ("component",)}
        wrong = {n for n in imported(path) if n.rpartition(".")[2] in below.get(path.name, ())}
        assert not wrong, path


def test_only_the_augmentation_touches_audiomentations():
    users = [p for p in sources("components", "pipeline") if "audiomentations" in top_level(p)]
    assert users
    for path in users:
        signatures = path.name == "transform_signatures.py"
        assert path.parent == ROOT / "components" / "audio" / "augment" or signatures, path


def test_the_model_knows_no_beam_and_tfx_only_where_it_meets_it():
    allowed = {"trainer.py", "tuner.py", "inputs.py"}
    modules = [path for path in sources("pipeline/model") if path.name not in allowed]
    assert breaches(modules, lambda n: n.split(".")[0] == "tfx") == {}
    assert breaches(sources("pipeline/model"), lambda n: under(n, "apache_beam")) == {}


def test_nothing_imports_the_umbrella_module_of_tfx():
    """`tfx.v1` also loads google.cloud.aiplatform: seconds of start-up for every process."""
    assert breaches(sources("components", "pipeline"), lambda n: under(n, "tfx.v1")) == {}


def test_the_graph_knows_no_runner_and_runners_no_command_line_commands():
    runners = ("tfx_audio.pipeline.local_runner", "tfx_audio.pipeline.kubeflow.compiler")
    definition = [ROOT / "pipeline" / "definition.py"]
    assert breaches(definition, lambda n: under(n, *runners, "tfx_audio.pipeline.cli")) == {}


def test_no_file_of_the_pipeline_shadows_an_importable_module():
    """The TFX CLI runs pipeline/local_runner.py as a script: its folder leads sys.path."""
    taken = set(sys.stdlib_module_names) | {"tfx", "keras", "kapre", "yaml", "pydantic", "rich"}
    assert {path.stem for path in (ROOT / "pipeline").iterdir()} & taken == set()


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("tfx_audio.components", HEAVY),
        ("tfx_audio.components.audio.augment.augmenter", HEAVY),
        ("tfx_audio.components.audio_augmenter.transforms", NO_TENSORFLOW),
        ("tfx_audio.components.audio_example_gen.transforms", NO_TENSORFLOW),
        ("tfx_audio.pipeline.local_runner", HEAVY),
    ],
)
def test_importing_loads_no_framework(module, forbidden):
    loaded = loaded_by(f"import {module}")
    assert {name.split(".")[0] for name in loaded} & forbidden == set()


def test_the_commands_load_no_framework_for_their_help_and_their_refusals():
    loaded = loaded_by("from tfx_audio.pipeline import cli; cli.build_parser()")
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()


def test_the_command_line_imports_the_module_of_the_chosen_command_alone():
    """What `tfx-audio --help` costs: 0.2 s of CPU, where NumPy alone takes as long."""
    help_only = loaded_by("from tfx_audio.pipeline import cli; cli.build_parser([])")
    assert {"numpy", "pydantic", "rich", "yaml"} & help_only == set()
    one = loaded_by("from tfx_audio.pipeline import cli; cli.build_parser(['policy'])")
    commands = [name for name in one if name.startswith("tfx_audio.pipeline.commands.")]
    assert {name.rpartition(".")[2] for name in commands} == {"arguments", "policy"}


def loaded_by(code):
    """Return the modules that a fresh interpreter has loaded after running `code`."""
    code = f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_folder_with_code_is_packaged():
    """`packages.find` takes folders with an `__init__.py` and passes over others."""
    for folder in TOP_FOLDERS:
        assert (ROOT / "src" / "tfx_audio" / folder).resolve() == ROOT / folder
        for code in (ROOT / folder).rglob("*.py"):
            assert (code.parent / "__init__.py").is_file(), code.parent
