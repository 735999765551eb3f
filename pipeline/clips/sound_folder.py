"""Finds and reads single clips of a user's folder, as ingest does, labelled or not.

`preview` and `explore` look at any folder of audio, also one that has no labels yet. Listing and
reading are ingest's own, so that a copy made here is the copy that a run on the same folder trains
on.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.recording import Recording, single_file
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.inventory import most_common_rate, sampled_rates
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording, records_of
from tfx_audio.components.augmentation_report.sampling import rank


class Sounds(NamedTuple):
    """What a folder holds.

    Attributes:
      recordings: Audio files, and files of records with the clips they have, sorted by path.
      rejections: Files that their name or their place rules out.
      config: The configuration, with what a layout says filled in.
    """

    recordings: list[Recording]
    rejections: list[Rejection]
    config: IngestConfig

    def clip_format(self) -> ClipFormat:
        """Return what clips are made into, as a run does: at the rate that most headers say.

        Raises:
          InvalidInput: If no rate is set, and no header can be read.
        """
        rate = self.config.sample_rate
        if not rate:
            rates = sampled_rates(self.recordings)
            if not rates:
                raise InvalidInput("none of the files can be read as audio")
            rate = most_common_rate(rates)
        return self.config.clip_format(rate)


def list_sounds(source: IngestConfig) -> Sounds:
    """List the audio of a folder, of its tables, or one file.

    Args:
      source: Where clips come from: a folder of this machine, or one audio file. What nothing
        labels has no label.

    Raises:
      InvalidInput: If there is nothing to list.
    """
    path = source.path
    if os.path.isfile(path):
        return Sounds([single_file(path, os.path.basename(path))], [], source)
    listing = list_recordings(source, unlabelled=True)
    found, rejections = listing.recordings, listing.rejections
    if listing.record_features:
        found = [_with_rows(one, source.max_samples, rejections) for one in found]
        found = [one for one in found if one.rows]
    if not found:
        why = f" whose name fits {source.label_from!r}" if source.label_from else ""
        first = next(iter(rejections), None)
        instead = f"; {len(rejections)} can't be used: {first.detail}" if first else ""
        raise InvalidInput(f"expected audio files{why} under {path!r}; found none{instead}")
    found.sort(key=lambda recording: recording.path)
    return Sounds(found, rejections, listing.config)


def _with_rows(file: Recording, max_samples: int, rejections: list[Rejection]) -> Recording:
    """Return a file of records with the clips that it has; what can't be used is rejected."""
    rows = []
    for found in records_of(file, max_samples):
        if isinstance(found, Rejection):
            rejections.append(found)
        else:
            rows.append(found[0])
    return replace(file, rows=tuple(rows))


def single_clips(recordings: Iterable[Recording]) -> list[Recording]:
    """Return each clip of some recordings as a recording of its own."""
    return [replace(one, rows=(row,)) for one in recordings for row in one.rows]


def choose_clips(recordings: Iterable[Recording], count: int) -> list[Recording]:
    """Choose some single clips, the labels in turn; the same folder gives the same choice."""
    seen: Counter[str] = Counter()
    turns = []
    for recording in sorted(single_clips(recordings), key=lambda one: rank(one.rows[0].clip_id)):
        row = recording.rows[0]
        seen[row.label] += 1
        turns.append((seen[row.label], row.label, row.clip_id, recording))
    chosen = [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:3])[:count]]
    return sorted(chosen, key=lambda one: (one.rows[0].label, one.rows[0].clip_id))


def read_clips(
    recordings: Iterable[Recording], clip_format: ClipFormat
) -> tuple[list[Clip], list[Rejection]]:
    """Read clips as they are stored for training; return them, and why others can't be used."""
    clips: list[Clip] = []
    rejections: list[Rejection] = []
    for recording in recordings:
        for cut in read_recording(recording, clip_format):
            if isinstance(cut, Rejection):
                rejections.append(cut)
            else:
                clips.append(cut.clip)
    return clips, rejections
