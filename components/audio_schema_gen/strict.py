"""TFX's ExampleValidator, made to fail on an anomaly (``validation.strict=true``)."""

from typing import Any

from tfx import types
from tfx.components.example_validator import executor
from tfx.types import artifact_utils

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_schema_gen.anomalies import read_anomalies

_MOST_SHOWN = 5


class StrictExecutor(executor.Executor):
    """Validates as ExampleValidator does, then raises what it found."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Validate.

        Raises:
          InvalidInput: If there is an anomaly.
        """
        super().Do(input_dict, output_dict, exec_properties)
        found = read_anomalies(artifact_utils.get_single_uri(output_dict["anomalies"]))
        if found:
            more = f"; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
            raise InvalidInput(
                f"validation.strict allows no anomaly; the data has {len(found)}: "
                f"{'; '.join(map(str, found[:_MOST_SHOWN]))}{more}"
            )
