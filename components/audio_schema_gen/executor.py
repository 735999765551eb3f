"""Executor of AudioSchemaGen: statistics to schema."""

import os
from typing import Any

from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfx_audio.components.audio.splits import TRAIN
from tfx_audio.components.audio_schema_gen.config import ValidationConfig
from tfx_audio.components.audio_schema_gen.schema import complete_schema

STATISTICS_KEY = "statistics"
SCHEMA_KEY = "schema"
VALIDATION_CONFIG_KEY = "validation_config"
CODE_DIGEST_KEY = "code_digest"
_FILE_NAME = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Completes the curated schema."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the schema."""
        self._log_startup(input_dict, output_dict, exec_properties)
        validation = ValidationConfig.model_validate_json(exec_properties[VALIDATION_CONFIG_KEY])
        statistics = artifact_utils.get_single_instance(input_dict[STATISTICS_KEY])
        train = stats_artifact_utils.load_statistics(statistics, TRAIN).proto()
        schema = complete_schema(train.datasets[0], validation)
        uri = artifact_utils.get_single_uri(output_dict[SCHEMA_KEY])
        io_utils.write_pbtxt_file(os.path.join(uri, _FILE_NAME), schema)
