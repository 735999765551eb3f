"""Executor of `SoundBank`: folders of sounds in, one checked and resampled artifact out."""

import collections
import itertools
import json
import os
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils

from tfx_audio.components.audio import progress
from tfx_audio.components.content_check import check_content, computed
from tfx_audio.components.rejected_table import count_rejected, kept_if_it_fails, write_rejections
from tfx_audio.components.sound_bank.banks import (
    BankContents,
    check_sounds,
    combined_digest,
    describe,
    prepare_bank,
)
from tfx_audio.components.sound_bank.digest import digest_of_banks

BANKS_KEY = "banks"
BANK_DIGEST_KEY = "bank_digest"
SAMPLE_RATE_KEY = "sample_rate"
SOUND_BANKS_KEY = "sound_banks"
REJECTED_KEY = "rejected"
MAX_REJECTED_KEY = "max_rejected_fraction"
FAILED_DIR_KEY = "failed_dir"
CODE_DIGEST_KEY = "code_digest"
STAGE = "SoundBank"
BANKS_FILE = "banks.json"


class Executor(BaseExecutor):
    """Prepares every bank in turn and describes them in the artifact."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Check, resample and store the sounds."""
        banks = artifact_utils.get_single_instance(output_dict[SOUND_BANKS_KEY])
        rejected = artifact_utils.get_single_instance(output_dict[REJECTED_KEY])
        sample_rate = int(exec_properties[SAMPLE_RATE_KEY])
        contents: dict[str, BankContents] = {}
        numbers = itertools.count(1)

        def count_sound() -> None:
            progress.report(STAGE, next(numbers), None, "sounds")

        for name, folder in sorted(json.loads(exec_properties[BANKS_KEY]).items()):
            target = os.path.join(banks.uri, name)
            contents[name] = prepare_bank(name, folder, target, sample_rate, count_sound)
        read = computed(digest_of_banks({name: c.read for name, c in contents.items()}))
        check_content(exec_properties[BANK_DIGEST_KEY], read, f"sound banks {', '.join(contents)}")
        with fileio.open(os.path.join(banks.uri, BANKS_FILE), "w") as file:
            file.write(describe(contents, sample_rate))
        banks.set_string_custom_property("digest", combined_digest(contents))
        banks.set_string_custom_property("banks", ",".join(contents))
        banks.set_int_custom_property("sample_rate", sample_rate)
        banks.set_int_custom_property("sounds", sum(c.files for c in contents.values()))
        self._reject(contents, rejected, exec_properties)

    def _reject(
        self, contents: dict[str, BankContents], rejected: Artifact, exec_properties: dict[str, Any]
    ) -> None:
        """Write the rejected table and apply the threshold."""
        records = [record for bank in contents.values() for record in bank.rejected]
        write_rejections(records, rejected.uri)
        count_rejected(rejected, collections.Counter(record.reason for record in records))
        failed_dir = exec_properties.get(FAILED_DIR_KEY) or ""
        with kept_if_it_fails(rejected.uri, failed_dir, STAGE) as table:
            check_sounds(contents.values(), float(exec_properties[MAX_REJECTED_KEY]), STAGE, table)
