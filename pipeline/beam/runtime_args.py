"""Give TFX's components their Beam arguments, and keep them out of TFX's cache key.

The local runner hashes a component's executor spec, and with it every Beam argument: another
number of workers would run everything again although not a byte changes. So the spec names
environment variables, always the same and always as many, and the arguments are read from them
when the component runs.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.dsl.placeholder.placeholder import environment_variable
from tfx.dsl.placeholder.placeholder_base import Placeholder

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.beam.options import BeamConfig, beam_args

SLOTS = 24


def set_beam_args(
    components: Iterable[Any], config: BeamConfig, in_this_process: bool = False
) -> None:
    """Give each Beam component of a TFX pipeline its arguments.

    Args:
      components: The pipeline's nodes.
      config: The configuration's section `beam`.
      in_this_process: The components will run in this process, so that their arguments can be
        kept out of TFX's cache key (see `by_environment`).

    Raises:
      InvalidInput: If the configuration names a component that is not there.
    """
    on_beam = beam_components(components)
    for name in config.components:
        if name not in on_beam:
            raise InvalidInput(
                f"beam.components: expected the id of a component that runs on Beam "
                f"({', '.join(sorted(on_beam))}), got '{name}'." + did_you_mean(name, on_beam)
            )
    for name, component in on_beam.items():
        args: list[Any] = beam_args(config, name)
        if in_this_process:
            args = by_environment(name, args)
        component.with_beam_pipeline_args(args)


def beam_components(nodes: Iterable[Any]) -> dict[str, Any]:
    """Return the components of a pipeline that run on Beam, by their ids."""
    return {
        node.id: node
        for node in nodes
        if isinstance(getattr(node, "executor_spec", None), BeamExecutorSpec)
    }


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
