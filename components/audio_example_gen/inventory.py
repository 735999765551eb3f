"""What the data says of itself before anything runs: files, labels, sample rates."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass

import soundfile
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.decode import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    looks_like_audio,
)
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.recording import Recording
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing import Listing, list_recordings

_MAX_HEADERS = 500
_HEAD_BYTES = 2**16


@dataclass(frozen=True)
class Inventory:
    """What was found.

    Attributes:
      sample_rate: Hz; the configured one, or what most headers say.
      rates: Number of headers by sample rate, of those that were looked at.
      n_files: Audio files.
      n_clips: Clips that they are said to hold.
      labels: Class names in order.
      n_rejected: What can't be used already by its name or place.
    """

    sample_rate: int
    rates: dict[int, int]
    n_files: int
    n_clips: int
    labels: tuple[str, ...]
    n_rejected: int = 0


def scan(config: IngestConfig) -> Inventory:
    """Look the data over: list it, and read some headers.

    Raises:
      InvalidInput: If there is no such folder, no audio in it, fewer than two classes, or the
        label pattern fits no file.
    """
    return take_inventory(config, list_recordings(config))


def take_inventory(config: IngestConfig, listing: Listing) -> Inventory:
    """Look a listing over; see `scan`."""
    _check_labels_found(config, listing)
    sampled = _evenly(listing.recordings, _MAX_HEADERS)
    rates = Counter(rate for rate in map(_rate, sampled) if rate)
    if not rates:
        raise InvalidInput(f"no audio that can be read under {config.path!r}")
    labels = listing.labels
    if len(labels) < 2:
        raise InvalidInput(
            f"a classifier needs two labels at least; {config.path!r} has only {labels[0]!r}. "
            "Folders name the labels; data.label_from reads them from file names"
        )
    most = max(rates, key=lambda rate: (rates[rate], rate))
    return Inventory(
        sample_rate=config.sample_rate or most,
        rates=dict(sorted(rates.items())),
        n_files=len(listing.recordings),
        n_clips=sum(len(recording.rows) for recording in listing.recordings),
        labels=tuple(labels),
        n_rejected=len(listing.rejections),
    )


def resolve_sample_rate(config: IngestConfig) -> IngestConfig:
    """Return the configuration with the sample rate that the data's headers say, unless set."""
    if config.sample_rate is not None:
        return config
    return config.model_copy(update={"sample_rate": scan(config).sample_rate})


def _check_labels_found(config: IngestConfig, listing: Listing) -> None:
    if listing.recordings:
        return
    unlabelled = [r for r in listing.rejections if r.reason == "missing_label"]
    if not unlabelled:
        raise InvalidInput(f"no audio under {config.path!r}")
    example = unlabelled[0].path
    if config.label_from:
        raise InvalidInput(
            f"the label pattern {config.label_from!r} fits none of {len(unlabelled)} files "
            f"under {config.path!r}, for instance {example!r}"
        )
    raise InvalidInput(
        f"{len(unlabelled)} audio files lie in {config.path!r} itself, for instance {example!r}, "
        "and none in a folder that names its label; data.label_from reads labels from file names"
    )


def _evenly(recordings: list[Recording], limit: int) -> list[Recording]:
    """Return at most `limit` recordings, evenly spread."""
    step = max(1, -(-len(recordings) // limit))
    return recordings[::step]


def _rate(recording: Recording) -> int | None:
    """Return the sample rate in a file's header, or None if it has none."""
    try:
        with FileSystems.open(
            recording.uri, compression_type=CompressionTypes.UNCOMPRESSED
        ) as file:
            head = file.read(_HEAD_BYTES)
        if not recording.surely_audio and not looks_like_audio(head[:64]):
            return None
        rate = int(soundfile.info(io.BytesIO(head)).samplerate)
    except (OSError, soundfile.LibsndfileError):
        return None
    return rate if MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE else None
