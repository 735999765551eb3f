"""A TFX pipeline for audio classification: ingest, reproducible augmentation on Beam, a model.

The packages beside this file are links to the repository's top-level folders.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "__version__":  # reading metadata costs more than an import should
        from importlib.metadata import version

        return version("tfx-audio")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
