"""Examples with feature names of the user's own: read as clips, written under those names."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.clip import (
    CLEAN,
    PCM16_SCALE,
    Clip,
    encode_wav,
    from_pcm16,
    to_pcm16,
)
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.reading.clip_format import ClipFormat, to_format
from tfx_audio.components.audio.reading.foreign_record import record_audio, record_label, record_row
from tfx_audio.components.audio.reading.levels import CLIP, LevelMeter
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.records import examples as keys
from tfx_audio.components.open_files import open_file

ROLES = ("audio", "path", "label", "sample_rate", "id", "group")
# What a copy is made of: these are always ours, whatever the user has under the same name.
ORIGIN_KEYS = (
    keys.CLIP_ID_KEY,
    keys.SOURCE_CLIP_ID_KEY,
    keys.COPY_INDEX_KEY,
    keys.AUGMENTATION_KEY,
    keys.CONDITION_KEY,
)
_AS_IT_IS = ClipFormat(sample_rate=0, keep_channels=True, over_full_scale=CLIP)


@dataclass(frozen=True)
class ContractRecords:
    """Examples of the data contract, as AudioExampleGen writes them."""

    def read(self, example: bytes) -> Clip:
        """Return the clip; raises ValueError where there is none."""
        return keys.example_to_clip(example)

    def label(self, example: bytes) -> str:
        """Return the label; raises ValueError where there is none."""
        return keys.label_of(keys.parse_features(example))

    def write(self, clip: Clip) -> bytes:
        """Return an example of a clip."""
        return keys.clip_to_example(clip)

    def keep(self, example: bytes, clip: Clip) -> bytes:
        """Return the example of a clip that nothing was done to."""
        return example

    def by_contract(self, example: bytes) -> bytes:
        """Return an example of the data contract; raises ValueError where there is no clip."""
        return example


@dataclass(frozen=True)
class UserRecords(ContractRecords):
    """Examples with feature names of the user's own.

    What is written has all of the user's features as they came, but in a copy the audio is the
    copy's: a file's bytes become those of a WAV file (PCM 16 bit), a list of floats or integers
    stays one, of the same scale. The data contract's features stand beside them where a name is
    free. A clip without an id gets a digest of its record.

    Attributes:
      columns: Feature by role, see `columns_json`.
      audio_dir: What a relative path starts from.
    """

    columns: Mapping[str, str | int]
    audio_dir: str = ""

    @property
    def by_path(self) -> bool:
        """Whether the audio's feature holds a path and no audio."""
        return "path" in self.columns

    @functools.cached_property
    def features(self) -> RecordFeatures:
        """Which feature means what."""
        given = {role: str(name) for role, name in self.columns.items()}
        rate = self.columns.get("sample_rate", "")
        return RecordFeatures(
            audio=given.get("audio") or given["path"],
            label=given.get("label", ""),
            sample_rate=rate if isinstance(rate, str) else "",
            fixed_rate=rate if isinstance(rate, int) else None,
            clip_id=given.get("id", ""),
            group=given.get("group", ""),
            several_labels=True,
        )

    def read(self, example: bytes) -> Clip:
        """Return the clip, its `fields` all of the user's features."""
        values = keys.parse_features(example)
        name = hashlib.sha256(keys.serialize_features(values)).hexdigest()[:32]
        try:
            record = self._with_audio(values)
            row = record_row(record, self.features, name)
            audio = record_audio(record, self.features)
            formatted = to_format(audio, _AS_IT_IS, is_clip=True)
        except OSError as error:
            raise ValueError(f"the audio's file: {error}") from error
        made = _origin(values)
        return Clip(
            waveform=from_pcm16(to_pcm16(formatted.waveform)),
            sample_rate=formatted.sample_rate,
            label=row.label,
            group=row.group,
            fields=values,
            **{"clip_id": row.clip_id, **made},
        )

    def label(self, example: bytes) -> str:
        """Return the label, without a look at the audio."""
        return record_label(keys.parse_features(example), self.features)

    def write(self, clip: Clip) -> bytes:
        """Return an example with the user's features, and the contract's beside them."""
        pcm = to_pcm16(clip.waveform)
        ours = keys.contract_features(clip.replace(waveform=from_pcm16(pcm)), pcm)
        reserved = (*ORIGIN_KEYS, *([keys.AUDIO_KEY] if self.by_path else ()))
        theirs = {name: value for name, value in clip.fields.items() if name not in reserved}
        if (clip.copy_index or clip.condition != CLEAN) and not self.by_path:
            theirs[self.features.audio] = _coded_alike(theirs[self.features.audio], clip, pcm)
        return keys.serialize_features({**ours, **theirs})

    def keep(self, example: bytes, clip: Clip) -> bytes:
        """Return the example with the contract's features beside the user's."""
        return self.write(clip)

    def by_contract(self, example: bytes) -> bytes:
        """Return an example of the data contract and no more."""
        return keys.clip_to_example(self.read(example).replace(fields={}))

    def _with_audio(self, values: dict[str, list[Any]]) -> Mapping[str, Sequence[Any]]:
        name = self.features.audio
        if self.by_path and _origin(values):  # written here: the audio stands beside the path
            return {**values, name: values[keys.AUDIO_KEY]}
        if not self.by_path or not values.get(name):
            return values
        path = values[name][0]
        if not isinstance(path, bytes):
            raise Unusable("bad_record", f"the feature {name!r} holds numbers and no path")
        with open_file(FileSystems.join(self.audio_dir, path.decode())) as file:
            return {**values, name: [file.read()]}


CONTRACT = ContractRecords()


def user_records(columns: str) -> ContractRecords:
    """Return how the records of a component's parameter are read; see `columns_json`."""
    if not columns:
        return CONTRACT
    given = json.loads(columns)
    audio_dir = given.pop("audio_dir")
    return UserRecords(given, audio_dir)


def columns_json(columns: Mapping[str, str | int] | None, audio_dir: str = "") -> str:
    """Return the user's columns as a component's parameter, the same text every time.

    Args:
      columns: Feature by role: ``audio`` or ``path``, and any of ``label``, ``sample_rate`` (a
        feature, or Hz), ``id``, ``group``. None for records of the data contract.
      audio_dir: What relative paths start from.

    Raises:
      InvalidInput: If a role is unknown, or none says the audio.
    """
    if not columns:
        return ""
    for role, name in columns.items():
        if role not in ROLES:
            known = ", ".join(ROLES)
            hint = did_you_mean(role, ROLES)
            raise InvalidInput(f"columns: {role!r} is not one of {known}.{hint}")
        if not isinstance(name, str) and (role != "sample_rate" or not isinstance(name, int)):
            raise InvalidInput(f"columns: {role!r} needs a feature's name, got {name!r}")
    if ("audio" in columns) == ("path" in columns):
        raise InvalidInput(
            "columns: expected 'audio' (a feature with the audio) or 'path' (one with a file's "
            f"path), got {', '.join(columns)}"
        )
    return json.dumps({**columns, "audio_dir": audio_dir}, sort_keys=True)


def _origin(values: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return what a record that was written here says of its making; nothing of another."""
    if not all(values.get(name) for name in ORIGIN_KEYS):
        return {}
    plain = {name: values[name][0] for name in ORIGIN_KEYS}
    return {n: v.decode("utf-8") if isinstance(v, bytes) else v for n, v in plain.items()}


def _coded_alike(original: Sequence[Any], clip: Clip, pcm: np.ndarray) -> Any:
    """Return a copy's audio in the kind of coding that the original's has."""
    if isinstance(original[0], bytes):
        return encode_wav(clip.waveform, clip.sample_rate)
    if isinstance(original[0], int):
        return pcm.tolist()
    meter = LevelMeter()
    list(meter.measure([np.asarray(original, np.float32).reshape(-1, 1)]))
    scale, _ = meter.full_scale(CLIP)  # integers that were stored as floats
    return (pcm.astype(np.float64) * (scale / PCM16_SCALE)).tolist()
