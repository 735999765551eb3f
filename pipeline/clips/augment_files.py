"""Augment a folder of audio, or TFRecords, without TFX: what `tfx-audio augment` runs."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.records.examples import example_to_clip
from tfx_audio.components.audio.rejection import TooManyRejected, check_rejected
from tfx_audio.components.audio.splits import SPLIT_PREFIX, TRAIN
from tfx_audio.components.audio_augmenter import provenance
from tfx_audio.components.audio_augmenter.counters import AugmentationCounts
from tfx_audio.components.audio_augmenter.job import AugmentationJob
from tfx_audio.components.audio_augmenter.run_job import STAGE, run_job
from tfx_audio.components.audio_augmenter.spans import count_records, plan_spans, read_span
from tfx_audio.components.audio_augmenter.wav_files import write_wav_files
from tfx_audio.components.audio_augmenter.workers import worker_args
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.open_files import read_record_files
from tfx_audio.components.sound_bank.banks import check_sounds, combined_digest, prepare_bank
from tfx_audio.pipeline.clips.augment_inputs import ingest_audio, record_patterns
from tfx_audio.pipeline.clips.output_folder import RESULT, appearing_when_whole

REJECTED_FILE = "rejected.jsonl"


@dataclass(frozen=True)
class AugmentRequest:
    """What to augment, with what, to where.

    Attributes:
      source: A folder of audio; or TFRecords of the data contract: one file, a file pattern, a
        folder of files, or a folder with a subfolder ``Split-<name>`` for each split.
      policy: The augmentation.
      out: A folder that does not exist yet.
      sound_banks: Folders of sounds by the name that the policy uses.
      workers: Worker processes; None for as many as the work is worth.
      as_wav: Write WAV files and a manifest instead of TFRecords.
      max_rejected_fraction: Fail when more can't be used.
    """

    source: IngestConfig
    policy: AugmentationPolicy
    out: str
    sound_banks: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    as_wav: bool = False
    max_rejected_fraction: float = 0.01


def augment_files(request: AugmentRequest) -> AugmentationCounts:
    """Augment, and give the result its name only when it is whole.

    A run that was killed leaves finished parts, and the next run for that output uses them.

    Raises:
      InvalidInput: If the data, the policy or `out` can't be used.
      TooManyRejected: If too much was rejected; the table stays as ``<out>-rejected.jsonl``.
    """
    request.policy.check_banks(request.sound_banks)
    with appearing_when_whole(Path(request.out)) as folder:
        rejected = folder / RESULT / REJECTED_FILE
        try:
            patterns = record_patterns(request.source.path)
            if patterns is None:
                patterns = _ingest(request, folder, rejected)
            counts = _augment(request, patterns, folder, rejected)
        except TooManyRejected:
            os.replace(rejected, _kept(request))
            raise
        if request.as_wav:
            _to_wav(folder / RESULT)
    return counts


def _ingest(request: AugmentRequest, folder: Path, rejected: Path) -> dict[str, list[str]]:
    """Ingest a folder of audio; return file patterns by split."""
    patterns, rejections = ingest_audio(request.source, folder, request.policy.check_sample_rate)
    rejected.write_text("".join(f"{rejection.to_json()}\n" for rejection in rejections))
    clips = count_records([span for split in patterns.values() for span in plan_spans(split)])
    check_rejected(
        Counter(rejection.reason for rejection in rejections),
        (clips or 0) + len(rejections),
        request.max_rejected_fraction,
        "ingest",
        _kept(request),
    )
    return patterns


def _augment(
    request: AugmentRequest, patterns: Mapping[str, Sequence[str]], folder: Path, rejected: Path
) -> AugmentationCounts:
    """Run the augmentation job on examples and describe it beside them."""
    result = folder / RESULT
    banks, digest = _prepare_banks(request, patterns, result / ".banks", rejected)
    table = result / ".rejected"
    table.mkdir()
    job = AugmentationJob(
        policy=request.policy,
        inputs=patterns,
        split_uri=lambda split: str(result / f"{SPLIT_PREFIX}{split}"),
        rejected_dir=str(table),
        progress_dir=str(result / ".progress"),
        bank_uris=banks,
        kept_dir=str(folder / "spans"),
        bank_digest=digest,
    )
    args = [] if request.workers is None else worker_args(request.workers)
    counts = run_job(job, lambda words: beam.Pipeline(FnApiRunner(), PipelineOptions(words)), args)
    with rejected.open("ab") as file:
        for part in sorted(table.glob("*.jsonl")):
            file.write(part.read_bytes())
    for done_with in (table, result / ".banks"):
        shutil.rmtree(done_with, ignore_errors=True)
    facts = provenance.provenance(request.policy, digest, counts)
    if request.as_wav:
        del facts[provenance.RECORDS_FACT]  # what they are the roots of is not kept
    provenance.write_beside(str(result), request.policy, facts)
    check_rejected(
        counts.rejected, counts.attempted, request.max_rejected_fraction, STAGE, _kept(request)
    )
    return counts


def _prepare_banks(
    request: AugmentRequest, patterns: Mapping[str, Sequence[str]], folder: Path, rejected: Path
) -> tuple[dict[str, str], str]:
    """Prepare the policy's sound banks at the clips' sample rate; return folders and digest.

    Sounds that can't be used are added to the table `rejected`.
    """
    needed = request.policy.sound_banks
    if not needed:
        return {}, ""
    first = next(record for span in plan_spans(patterns[TRAIN]) for record in read_span(span))
    rate = example_to_clip(first).sample_rate
    contents = {
        name: prepare_bank(name, request.sound_banks[name], str(folder / name), rate)
        for name in needed
    }
    left_out = [rejection for bank in contents.values() for rejection in bank.rejected]
    with rejected.open("a", encoding="utf-8") as table:
        table.writelines(f"{rejection.to_json()}\n" for rejection in left_out)
    check_sounds(
        contents.values(), request.max_rejected_fraction, "sound bank", str(_kept(request))
    )
    return {name: str(folder / name) for name in needed}, combined_digest(contents)


def _to_wav(folder: Path) -> None:
    """Turn the folder's TFRecords into WAV files and a manifest."""
    splits = sorted(folder.glob(f"{SPLIT_PREFIX}*"))
    examples = {s.name.removeprefix(SPLIT_PREFIX): read_record_files(str(s)) for s in splits}
    write_wav_files(examples, folder)
    for split in splits:
        shutil.rmtree(split)


def _kept(request: AugmentRequest) -> str:
    """Return where the rejected table is kept when there is no result to put it into."""
    return f"{Path(request.out).absolute()}-{REJECTED_FILE}"
