"""What is constant for all records of one augmentation, written once beside them."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio_augmenter.counters import AugmentationCounts

POLICY_FILE = "policy.json"
PROVENANCE_FILE = "provenance.json"
COLUMNS_FACT = "columns"
RECORDS_FACT = "records"
_LIBRARIES = ("tfx-audio", "audiomentations", "apache-beam", "numpy", "scipy", "librosa", "soxr")


def provenance(
    policy: AugmentationPolicy, bank_digest: str, counts: AugmentationCounts, columns: str = ""
) -> dict[str, Any]:
    """Return the facts by name.

    Args:
      policy: The policy that was applied.
      bank_digest: Digest of the sound banks, empty if there are none.
      counts: What the job counted.
      columns: How the records are read (`user_records.columns_json`), if not by the contract.
    """
    return {
        **({COLUMNS_FACT: columns} if columns else {}),
        "policy_digest": policy.digest,
        "seed": policy.seed,
        "sound_bank_digest": bank_digest,
        "library_versions": library_versions(policy),
        "counters": counts.to_dict(),
        RECORDS_FACT: counts.records,
    }


def custom_properties(facts: Mapping[str, Any]) -> dict[str, str | int]:
    """Return the facts as an artifact's custom properties: mappings as compact JSON."""
    counts = facts["counters"]
    plain = {name: counts[name] for name in ("read", "kept", "augmented")}
    plain["rejected"] = sum(counts["rejected"].values())
    texts = {
        name: value if isinstance(value, (str, int)) else json.dumps(value, separators=(",", ":"))
        for name, value in facts.items()
    }
    return {**texts, **plain}


def write_beside(folder: str, policy: AugmentationPolicy, facts: Mapping[str, Any]) -> None:
    """Write `POLICY_FILE`, which a policy can be loaded from again, and `PROVENANCE_FILE`."""
    for name, text in (
        (POLICY_FILE, policy.to_json()),
        (PROVENANCE_FILE, json.dumps(facts, indent=2, sort_keys=True)),
    ):
        part = FileSystems.join(folder, f".{name}.part")
        with FileSystems.create(part, "text/plain") as file:
            file.write(f"{text}\n".encode())
        FileSystems.rename([part], [FileSystems.join(folder, name)])


def library_versions(policy: AugmentationPolicy) -> dict[str, str]:
    """Return the versions that the audio's bytes depend on."""
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **versions, **policy.extension_versions}
