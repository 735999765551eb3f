"""Beam arguments that stay out of TFX's cache key.

The local runner hashes a component's executor spec, and with it every Beam argument: another
number of workers would run everything again although not a byte changes. So the spec names
environment variables, always the same and always as many, and the arguments are read from them
when the component runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from tfx.dsl.placeholder.placeholder import environment_variable
from tfx.dsl.placeholder.placeholder_base import Placeholder

from tfx_audio.components.audio.errors import InvalidInput

SLOTS = 24


def by_environment(component_id: str, args: Sequence[str]) -> list[Placeholder]:
    """Put Beam's arguments into this process's environment; return placeholders for them.

    For components that run in this process: anywhere else the variables would be missing.

    Args:
      component_id: The component they are for.
      args: One argument at least; slots that are left over repeat the first, which changes
        nothing for an option with one value such as ``--runner``.

    Raises:
      InvalidInput: If there are more arguments than slots.
    """
    if len(args) > SLOTS:
        raise InvalidInput(f"beam.args: at most {SLOTS} arguments are possible, got {len(args)}")
    names = [f"TFX_AUDIO_BEAM_ARG_{component_id}_{slot}" for slot in range(SLOTS)]
    padded = [*[args[0]] * (SLOTS - len(args)), *args]
    os.environ.update(zip(names, padded, strict=True))
    return [environment_variable(name) for name in names]
