"""A digest of the code that a component runs, for its cache key.

TFX's cache key holds a component's inputs and parameters but not its source. Every component of
this project therefore carries the digest of its own import closure as a parameter: edit a line
that it can reach and it runs again, edit any other file and it stays cached.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

PACKAGE = "tfx_audio"


def import_closure_digest(*modules: str, data: Iterable[str] = ()) -> str:
    """Return a hex SHA-256 over the sources that `modules` import from this project.

    Args:
      modules: Full module names (``tfx_audio.components.audio_augmenter.executor``). Imports
        inside functions count as well.
      data: Package data files that the code reads, as ``package:file name``
        (``tfx_audio.schemas:clip.pbtxt``).

    Raises:
      ModuleNotFoundError: If a module does not exist.
    """
    digest = hashlib.sha256()
    for name in import_closure(*modules):
        digest.update(f"{name}\n".encode() + _source(name).read_bytes())
    for entry in sorted(data):
        package, _, file_name = entry.partition(":")
        digest.update(f"{entry}\n".encode() + (_source(package).parent / file_name).read_bytes())
    return digest.hexdigest()


def import_closure(*modules: str) -> list[str]:
    """Return the project's modules that `modules` reach by import, themselves included, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting.extend(sorted(_imports(_source(name)) - found))
    return sorted(found)


def _imports(path: Path) -> set[str]:
    """Return the project's modules that one file names in an import statement."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)  # names for the type checker run nothing
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in names if name.startswith(f"{PACKAGE}.") and _exists(name)}


def _exists(name: str) -> bool:
    try:
        _source(name)
    except ModuleNotFoundError:
        return False
    return True


@functools.cache
def _source(name: str) -> Path:
    """Return a module's file, found by its place: nothing below the top folders is imported."""
    top = ".".join(name.split(".")[:2])
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package named {top!r}")
    place = Path(spec.submodule_search_locations[0]).joinpath(*name.split(".")[2:])
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if path.is_file():
            return path
    raise ModuleNotFoundError(f"no module named {name!r} with a source file")
