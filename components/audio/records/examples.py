"""`Clip` to and from serialised `tf.train.Example`, without TensorFlow.

A message of our own name has the same fields as ``tf.train.Example`` and so the same bytes on
the wire (github.com/tensorflow/tensorflow, ``core/example/{example,feature}.proto``). A Beam
worker that augments never imports TensorFlow, which is most of its start-up time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from tfx_audio.components.audio.clip import (
    Clip,
    decode_wav,
    from_pcm16,
    join_labels,
    label_names,
    levels,
    pcm16_to_wav,
    to_pcm16,
)
from tfx_audio.components.audio.records.wire_format import FeatureValue
from tfx_audio.components.audio.records.wire_format import serialize_features as serialize_features

CLIP_ID_KEY = "clip_id"
AUDIO_KEY = "audio"
SAMPLE_RATE_KEY = "sample_rate"
LABEL_KEY = "label"
GROUP_KEY = "group"
DURATION_KEY = "duration_s"
PEAK_KEY = "peak_dbfs"
RMS_KEY = "rms_dbfs"
CLIPPED_KEY = "clipped_fraction"
SOURCE_CLIP_ID_KEY = "source_clip_id"
COPY_INDEX_KEY = "copy_index"
AUGMENTATION_KEY = "augmentation"
CONDITION_KEY = "condition"

CONTRACT_KEYS = (
    CLIP_ID_KEY,
    AUDIO_KEY,
    SAMPLE_RATE_KEY,
    LABEL_KEY,
    GROUP_KEY,
    DURATION_KEY,
    PEAK_KEY,
    RMS_KEY,
    CLIPPED_KEY,
    SOURCE_CLIP_ID_KEY,
    COPY_INDEX_KEY,
    AUGMENTATION_KEY,
    CONDITION_KEY,
)

# The messages of example.proto and feature.proto, under a package of our own.
_WIRE = """
name: "tfx_audio/wire.proto" package: "tfx_audio.wire" syntax: "proto3"
message_type { name: "BytesList"
  field { name: "value" number: 1 type: TYPE_BYTES label: LABEL_REPEATED } }
message_type { name: "FloatList"
  field { name: "value" number: 1 type: TYPE_FLOAT label: LABEL_REPEATED } }
message_type { name: "Int64List"
  field { name: "value" number: 1 type: TYPE_INT64 label: LABEL_REPEATED } }
message_type { name: "Feature" oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 type_name: ".tfx_audio.wire.BytesList" oneof_index: 0 }
  field { name: "float_list" number: 2 type_name: ".tfx_audio.wire.FloatList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type_name: ".tfx_audio.wire.Int64List" oneof_index: 0 } }
message_type { name: "Features"
  nested_type { name: "FeatureEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING }
    field { name: "value" number: 2 type_name: ".tfx_audio.wire.Feature" } }
  field { name: "feature" number: 1 label: LABEL_REPEATED
          type_name: ".tfx_audio.wire.Features.FeatureEntry" } }
message_type { name: "Example"
  field { name: "features" number: 1 type_name: ".tfx_audio.wire.Features" } }
"""


def _example_class() -> Any:
    """Build the message class from its descriptor, in a pool of its own."""
    file = text_format.Parse(_WIRE, descriptor_pb2.FileDescriptorProto())
    for message in file.message_type:
        for field in [*message.field, *(f for nested in message.nested_type for f in nested.field)]:
            if not field.HasField("type"):
                field.type = field.TYPE_MESSAGE
            if not field.HasField("label"):
                field.label = field.LABEL_OPTIONAL
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"{file.package}.Example")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


_Example = _example_class()


def parse_features(serialized: bytes) -> dict[str, list[Any]]:
    """Parse a serialised ``tf.train.Example`` into lists of values by name.

    Raises:
      ValueError: If the bytes are not a ``tf.train.Example``.
    """
    try:
        example = _Example.FromString(serialized)
    except Exception as error:  # protobuf's DecodeError has another base in each implementation
        raise ValueError(f"not a serialised tf.train.Example: {error}") from error
    parsed: dict[str, list[Any]] = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        parsed[name] = list(getattr(feature, kind).value) if kind else []
    return parsed


def label_of(features: Mapping[str, Sequence[Any]]) -> str:
    """Return the label in parsed features of the data contract, its names joined.

    Raises:
      ValueError: If a name is not UTF-8 text.
    """
    names = features.get(LABEL_KEY, ())
    if not all(isinstance(name, bytes) for name in names):
        raise ValueError(f"the feature {LABEL_KEY!r} needs bytes, got {names[0]!r}")
    return join_labels(name.decode("utf-8") for name in names)


def clip_to_example(clip: Clip) -> bytes:
    """Serialise a clip with every feature of the data contract (schemas/clip.pbtxt).

    The level features describe the stored 16 bit audio.
    """
    pcm = to_pcm16(clip.waveform)
    return pcm16_to_example(clip.replace(waveform=from_pcm16(pcm)), pcm)


def pcm16_to_example(clip: Clip, pcm: np.ndarray) -> bytes:
    """Serialise a clip whose waveform is exactly the 16 bit steps `pcm`; see `clip_to_example`."""
    return serialize_features({**clip.fields, **contract_features(clip, pcm)})


def contract_features(clip: Clip, pcm: np.ndarray) -> dict[str, FeatureValue]:
    """Return the features of the data contract; see `pcm16_to_example`."""
    level = levels(clip.waveform)
    return {
        CLIP_ID_KEY: clip.clip_id,
        AUDIO_KEY: pcm16_to_wav(pcm, clip.sample_rate),
        SAMPLE_RATE_KEY: clip.sample_rate,
        LABEL_KEY: label_names(clip.label) if clip.label else "",
        GROUP_KEY: clip.group,
        DURATION_KEY: float(clip.duration_s),
        PEAK_KEY: level.peak_dbfs,
        RMS_KEY: level.rms_dbfs,
        CLIPPED_KEY: level.clipped_fraction,
        SOURCE_CLIP_ID_KEY: clip.source_clip_id,
        COPY_INDEX_KEY: clip.copy_index,
        AUGMENTATION_KEY: clip.augmentation,
        CONDITION_KEY: clip.condition,
    }


def example_to_clip(serialized: bytes) -> Clip:
    """Parse an example of the data contract.

    Raises:
      ValueError: If a feature of the contract is missing or the audio is not PCM 16 WAV.
    """
    features = parse_features(serialized)
    missing = [key for key in CONTRACT_KEYS if not features.get(key)]
    if missing:
        raise ValueError(
            f"an example of the data contract needs {', '.join(CONTRACT_KEYS)}; missing: "
            f"{', '.join(missing)}; it has {', '.join(sorted(features))}"
        )

    def text(key: str) -> str:
        found = _one(features, key, bytes).decode("utf-8")
        if "\0" in found:
            raise ValueError(f"the feature {key!r} has a NUL in it")
        return str(found)

    waveform, sample_rate = decode_wav(_one(features, AUDIO_KEY, bytes))
    if _one(features, SAMPLE_RATE_KEY, int) != sample_rate:
        raise ValueError(f"{SAMPLE_RATE_KEY} is not the {sample_rate} Hz of the audio")
    extra = {name: _plain(values) for name, values in features.items() if name not in CONTRACT_KEYS}
    return Clip(
        clip_id=text(CLIP_ID_KEY),
        waveform=waveform,
        sample_rate=sample_rate,
        label=label_of(features),
        group=text(GROUP_KEY),
        source_clip_id=text(SOURCE_CLIP_ID_KEY),
        copy_index=_one(features, COPY_INDEX_KEY, int),
        augmentation=text(AUGMENTATION_KEY),
        condition=text(CONDITION_KEY),
        fields=extra,
    )


def _plain(values: list[Any]) -> Any:
    """Return one text as such, and whatever else a feature holds as it is."""
    if len(values) == 1 and isinstance(values[0], bytes):
        with contextlib.suppress(UnicodeDecodeError):
            return values[0].decode("utf-8")
    return values


def text_of(serialized: bytes, key: str) -> str:
    """Return one feature of an example as text for a person, empty where there is none to be had.

    For what is said of an example that may be no example at all; see `example_to_clip`.
    """
    try:
        (value,) = parse_features(serialized)[key]
    except (ValueError, KeyError):
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _one(features: Mapping[str, list[Any]], key: str, kind: type) -> Any:
    values = features[key]
    if len(values) != 1 or not isinstance(values[0], kind):
        wanted = {bytes: "one bytes value", int: "one int64"}[kind]
        found = f"{len(values)} of type {type(values[0]).__name__}"
        raise ValueError(f"the feature {key!r} must hold {wanted}; it holds {found}")
    return values[0]
