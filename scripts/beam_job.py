"""Run ingest and augmentation on any Beam runner and print digests of what was written.

    python scripts/beam_job.py --data DIR --out DIR [--policy FILE] [-- BEAM ARGUMENTS]

The executors are AudioExampleGen's and AudioAugmenter's own, with the Beam arguments that a
pipeline would give them. The digests are of the sorted records of every split: equal digests are
equal records, whatever the runner, the workers and the number of files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from tfx_audio.components.artifacts import RejectedClips
from tfx_audio.components.audio.policy.augmentation_policy import load_policy
from tfx_audio.components.audio.records.tfrecord import read_records
from tfx_audio.components.audio_augmenter.executor import Executor as AugmenterExecutor
from tfx_audio.components.audio_example_gen.config import (
    IngestConfig,
    SplitConfig,
    ingest_config_json,
)
from tfx_audio.components.audio_example_gen.executor import Executor as IngestExecutor


def main() -> int:
    """Run both components and print seconds and digests as JSON."""
    argv = sys.argv[1:]
    cut = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--policy", default="classic")
    parser.add_argument("--sample-rate", type=int, default=16_000)
    parser.add_argument("--label-from", default="", help="pattern of file names")
    args = parser.parse_args(argv[:cut])
    beam_args = argv[cut + 1 :]
    out = args.out.resolve()
    ingest = IngestConfig(
        path=str(args.data.resolve()), sample_rate=args.sample_rate, label_from=args.label_from
    )
    examples, rejected = _artifact(standard_artifacts.Examples, out / "examples"), RejectedClips()
    rejected.uri = str(out / "ingest_rejected")
    started = time.monotonic()
    _do(
        IngestExecutor,
        beam_args,
        {},
        {"examples": [examples], "rejected": [rejected]},
        {"ingest_config": ingest_config_json(ingest, SplitConfig()), "data_digest": "x"},
    )
    ingested = time.monotonic()
    augmented = _artifact(standard_artifacts.Examples, out / "augmented")
    rejected = _artifact(RejectedClips, out / "augment_rejected")
    _do(
        AugmenterExecutor,
        beam_args,
        {"examples": [examples]},
        {"augmented_examples": [augmented], "rejected": [rejected]},
        {"policy": load_policy(args.policy).to_json()},
    )
    finished = time.monotonic()
    result = {
        "ingest_s": round(ingested - started, 1),
        "augment_s": round(finished - ingested, 1),
        "examples": _digests(out / "examples"),
        "augmented": _digests(out / "augmented"),
    }
    print(json.dumps(result, indent=2))
    return 0


def _artifact(cls: type[Artifact], path: Path) -> Any:
    artifact = cls()
    artifact.uri = str(path)
    return artifact


def _do(executor: Any, beam_args: list[str], inputs: Any, outputs: Any, properties: Any) -> None:
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(beam_args), unique_id="1")
    common = {"max_rejected_fraction": 0.01, "failed_dir": "", "code_digest": "x"}
    executor(context).Do(inputs, outputs, {**common, **properties})


def _digests(folder: Path) -> dict[str, str]:
    """Return by split the number of records and a digest of the sorted ones."""
    found = {}
    for split in sorted(folder.glob("Split-*")):
        files = [path for path in sorted(split.iterdir()) if path.is_file()]
        records = sorted(hashlib.sha256(r).digest() for path in files for r in _records(path))
        found[split.name] = f"{len(records)}:{hashlib.sha256(b''.join(records)).hexdigest()}"
    return found


def _records(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from read_records(file)


if __name__ == "__main__":
    sys.exit(main())
