"""Clips in ``tf.train.Example`` records that somebody else wrote."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_audio.components.audio.clip import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    PCM16_SCALE,
    join_labels,
    label_names,
)
from tfx_audio.components.audio.reading.blocks import Blocks
from tfx_audio.components.audio.reading.decode import open_audio
from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Row, label_problem
from tfx_audio.components.audio.reading.unusable import Unusable
from tfx_audio.components.audio.splits import split_of_name


def record_label(values: Mapping[str, Sequence[Any]], features: RecordFeatures) -> str:
    """Return a record's label.

    Raises:
      Unusable: If it has several and may not, or one that is not text.
    """
    found = values.get(features.label, ())
    texts = [_text({"label": [one]}, "label") for one in found] if features.several_labels else []
    texts = texts or [_text(values, features.label)]
    return join_labels(_named(text, features.label_names) for text in texts)


def _named(text: str, names: Sequence[str]) -> str:
    return names[int(text)] if text.isdecimal() and int(text) < len(names) else text


def record_row(
    values: Mapping[str, Sequence[Any]], features: RecordFeatures, default_id: str
) -> Row:
    """Return what a record says of its clip.

    Raises:
      Unusable: Where it can't be used.
    """
    label = record_label(values, features)
    for name in label_names(label) or ([""] if features.label else []):
        if problem := label_problem(name):
            raise Unusable(*problem)
    given = _text(values, features.split)
    split = split_of_name(given) or ""
    if given and not split:
        raise Unusable("bad_row", f"the split is {given[:50]!r}; train, eval or test is known")
    return Row(
        clip_id=_text(values, features.clip_id) or default_id,
        label=label,
        group=_text(values, features.group),
        split=split,
        fields={name: _text(values, name) for name in features.fields},
    )


def _text(values: Mapping[str, Sequence[Any]], name: str) -> str:
    """Return a feature's one value as text, empty if it has none."""
    found = values.get(name, ()) if name else ()
    if not found:
        return ""
    if len(found) > 1:
        raise Unusable("bad_record", f"the feature {name!r} has {len(found)} values; one is needed")
    try:
        return found[0].decode("utf-8") if isinstance(found[0], bytes) else str(found[0])
    except UnicodeDecodeError as error:
        raise Unusable("bad_record", f"the feature {name!r} is not UTF-8") from error


def record_audio(values: Mapping[str, Sequence[Any]], features: RecordFeatures) -> Blocks:
    """Open a record's audio.

    Raises:
      Unusable: Where it can't be used.
    """
    samples = values.get(features.audio, ())
    if not samples:
        raise Unusable("empty", f"the record's feature {features.audio!r} has no audio")
    if isinstance(samples[0], bytes):
        if len(samples) > 1:
            raise Unusable("bad_record", f"{len(samples)} audio files in one record")
        return open_audio(samples[0])
    rate = _rate(values, features)
    if isinstance(samples[0], float):
        return Blocks(rate, 1, iter([np.asarray(samples, np.float32).reshape(-1, 1)]))
    steps = np.asarray(samples, dtype=np.float64)
    peak = float(np.abs(steps).max())
    if peak > PCM16_SCALE:
        raise Unusable("bad_scale", f"samples up to {peak:g}; {PCM16_SCALE:g} is full scale")
    frames = (steps / PCM16_SCALE).astype(np.float32).reshape(-1, 1)
    return Blocks(rate, 1, iter([frames]), is_bounded=True)


def _rate(values: Mapping[str, Sequence[Any]], features: RecordFeatures) -> int:
    text = _text(values, features.sample_rate)
    try:
        rate = round(float(text)) if text else features.fixed_rate
    except (ValueError, OverflowError):
        rate = -1
    if rate is None or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise Unusable("bad_sample_rate", f"the record says {text[:50] or 'no sample rate'!r}")
    return rate
