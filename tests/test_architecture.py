"""The import rules of docs/architecture.md, read off the sources and off a fresh interpreter."""

import ast
import functools
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP_FOLDERS = ("components", "pipeline", "schemas")
HEAVY = {"tfx", "tensorflow", "keras", "apache_beam", "kapre", "tensorflow_transform"}
# What the extra augment does not bring.
BEYOND_AUGMENT = {
    "tfx", "tensorflow", "keras", "kapre", "tensorflow_transform", "tensorflow_metadata", "kfp",
    "tensorflow_model_analysis", "tensorflow_data_validation", "ml_metadata", "keras_tuner",
    "matplotlib", "streamlit", "starlette",
}  # fmt: skip
NO_TENSORFLOW = HEAVY - {"apache_beam"}
# From the ground up: a module imports from its own line's folder and from the lines above it.
# Folders on one line don't know each other. What is not named belongs to the folder above it.
LAYERS = (
    ("components/audio",),
    ("components/audio/records",),
    ("components/audio/policy", "components/audio/reading"),
    ("components/audio/augment",),
    ("components",),
    ("components/audio_example_gen", "components/audio_schema_gen", "components/sound_bank"),
    ("components/audio_augmenter",),
    ("components/augmentation_report",),
    ("components/evaluation_report",),
    ("pipeline/quiet_tensorflow.py",),
    (
        "pipeline/beam",
        "pipeline/kubeflow/config.py",
        "pipeline/model",
        "pipeline/progress_display.py",
    ),
    ("pipeline/config.py",),
    ("pipeline/clips", "pipeline/results"),
    ("pipeline/run_inputs.py",),
    ("pipeline/definition.py",),
    ("pipeline/kubeflow", "pipeline/local_runner.py"),
    ("pipeline/commands",),
    ("pipeline/cli.py", "pipeline/explorer"),
)


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


@functools.cache
def modules():
    """Return the project's modules by the name that they are imported under."""
    names = {}
    for path in sources("components", "pipeline"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(("tfx_audio", *parts)).removesuffix(".__init__")] = path
    return names


@functools.cache
def imports_of(path):
    """Return the project's modules that a file imports, at the top or inside a function."""
    found = imported(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in found:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name: modules()[name] for name in found & set(modules())}


def place(path):
    """Return a module's place in `LAYERS`: the number of its layer, and its entry there."""
    name = path.relative_to(ROOT).as_posix()
    entries = {entry: rank for rank, layer in enumerate(LAYERS) for entry in layer}
    found = max((e for e in entries if f"{name}/".startswith(f"{e}/")), key=len, default=None)
    assert found, f"{name} has no place in LAYERS"
    return entries[found], found


def test_every_folder_imports_from_the_layers_below_it_alone():
    wrong = []
    for path in modules().values():
        if path.parent.name in ("components", "pipeline") and path.name == "__init__.py":
            continue
        rank, entry = place(path)
        for name, other in imports_of(path).items():
            other_rank, other_entry = place(other)
            if other_rank > rank or (other_rank == rank and other_entry != entry):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others():
    graph = {path: set(imports_of(path).values()) - {path} for path in modules().values()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(" <- ".join(str(p.relative_to(ROOT)) for p in error.args[1])) from None


def test_an_executor_is_imported_by_its_component_and_a_component_by_the_graph():
    users = {"executor": {"component.py"}, "component": {"definition.py"}}
    for path in modules().values():
        for name in imports_of(path):
            package, _, last = name.rpartition(".")
            if last in users and package.startswith("tfx_audio.components."):
                assert path.name in users[last], f"{path.relative_to(ROOT)} imports {name}"


def test_the_tests_lie_where_what_they_test_lies():
    for folder in ("components", "pipeline"):
        for test in (ROOT / "tests" / folder).rglob("test_*.py"):
            mirrored = ROOT / test.parent.relative_to(ROOT / "tests")
            tested = test.stem.removeprefix("test_").split("_")
            names = ["_".join(tested[:n]) for n in range(1, len(tested) + 1)]
            known = [name for name in names if mirrored.joinpath(f"{name}.py").is_file()]
            known += [name for name in names if mirrored.joinpath(name).is_dir()]
            assert known, f"{test.relative_to(ROOT)} tests no module of {folder}"


def test_the_pure_core_knows_no_framework():
    assert breaches(sources("components/audio"), lambda n: n.split(".")[0] in HEAVY) == {}


def test_beam_transforms_know_neither_tfx_nor_tensorflow():
    modules = [path for path in sources("components") if path.name == "transforms.py"]
    assert len(modules) >= 2
    assert breaches(modules, lambda n: n.split(".")[0] in NO_TENSORFLOW) == {}


def test_only_the_augmentation_touches_audiomentations():
    users = [p for p in sources("components", "pipeline") if "audiomentations" in top_level(p)]
    assert users
    for path in users:
        assert path.parent == ROOT / "components" / "audio" / "augment", path


def test_the_model_knows_no_beam_and_tfx_only_where_it_meets_it():
    allowed = {"trainer.py", "tuner.py", "inputs.py"}
    modules = [path for path in sources("pipeline/model") if path.name not in allowed]
    assert breaches(modules, lambda n: n.split(".")[0] == "tfx") == {}
    assert breaches(sources("pipeline/model"), lambda n: under(n, "apache_beam")) == {}


def test_nothing_imports_the_umbrella_module_of_tfx():
    """`tfx.v1` also loads google.cloud.aiplatform: seconds of start-up for every process."""
    assert breaches(sources("components", "pipeline"), lambda n: under(n, "tfx.v1")) == {}


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


@pytest.mark.parametrize("command", ["augment", "preview", "replay", "verify", "policy"])
def test_the_commands_of_the_extra_augment_know_no_framework_but_beam(command):
    """By whatever they import, inside functions too; `components/audio_schema_gen` is TFX's."""
    start = ROOT / "pipeline" / "commands" / f"{command}.py"
    reached, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(imports_of(path).values())
    assert len(reached) > 20
    assert breaches(reached, lambda n: n.split(".")[0] in BEYOND_AUGMENT) == {}


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
