"""Turns clips into what a page shows of them: sound, pictures, and words."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_audio.components.audio.clip import Clip, levels
from tfx_audio.components.audio.features import Frontend, Masks
from tfx_audio.components.augmentation_report.log_mel import log_mel
from tfx_audio.components.augmentation_report.pictures import mel_png, waveform_path
from tfx_audio.components.augmentation_report.report_data import ClipView, FamilyView, Step
from tfx_audio.components.augmentation_report.sampling import Family
from tfx_audio.components.augmentation_report.sound import (
    SoundSettings,
    choose_sound_settings,
    data_uri,
    excerpt,
    sound_uri,
)
from tfx_audio.components.augmentation_report.spec_masks import (
    apply_masks,
    describe_masks,
    draw_masks,
)


def build_family_views(
    families: Sequence[tuple[str, Family]], model: Mapping[str, Any], masked: bool = True
) -> tuple[tuple[FamilyView, ...], SoundSettings]:
    """Build what is shown of every family, all with the same codec and excerpt length.

    Args:
      families: ``(label, family)`` pairs.
      model: The configuration's ``model`` section as plain values, of which ``frontend`` and
        ``spec_augment`` are read; empty for the defaults.
      masked: Whether to show the mel after SpecAugment as well.

    Returns:
      The views and how their sounds are embedded.
    """
    clips = [clip for _, family in families for clip in family.clips]
    rate = max((clip.sample_rate for clip in clips), default=0)
    sound = choose_sound_settings([clip.duration_s for clip in clips], rate)
    views = tuple(
        FamilyView(
            label,
            family.clips[0].source_clip_id,
            tuple(
                build_clip_view(clip, model, sound, masked, family.original)
                for clip in family.clips
            ),
        )
        for label, family in families
        if family.clips
    )
    return views, sound


def build_clip_view(
    clip: Clip,
    model: Mapping[str, Any],
    sound: SoundSettings,
    masked: bool = True,
    original: Clip | None = None,
) -> ClipView:
    """Build what is shown of one clip; SpecAugment's draw follows from the clip's id.

    A copy of `original` is compared with it.
    """
    shown = excerpt(clip.waveform, clip.sample_rate, sound)
    frontend = Frontend.derive(clip.sample_rate, model.get("frontend", {}))
    mel = log_mel(shown, frontend)
    highest = float(mel.max())
    lowest = highest - frontend.dynamic_range_db
    frames, n_mels = mel.shape
    masks = Masks.derive(model.get("spec_augment", {}), frames, n_mels) if masked else None
    masked_uri, words = "", ""
    if masks is not None:
        drawn = draw_masks(_generator(clip.clip_id), frames, n_mels, masks)
        masked_uri = data_uri(mel_png(apply_masks(mel, drawn), lowest, highest), "image/png")
        words = describe_masks(drawn, frontend)
    return ClipView(
        title=_title(clip),
        clip_id=clip.clip_id,
        facts=describe_clip(clip),
        sound=sound_uri(shown, clip.sample_rate, sound.codec),
        waveform=waveform_path(shown),
        mel=data_uri(mel_png(mel, lowest, highest), "image/png"),
        masked_mel=masked_uri,
        masks=words,
        steps=tuple(read_steps(clip.augmentation)),
        cut=shown.shape[-1] < clip.waveform.shape[-1],
        seconds=shown.shape[-1] / clip.sample_rate,
        hz=tuple(f"{hz:.0f}" for hz in frontend.band_hz([n_mels, n_mels / 2, 0])),
        is_copy=clip.copy_index > 0,
        change=_change(mel, original, frontend, sound) if clip is not original else None,
    )


def _change(
    mel: np.ndarray, original: Clip | None, frontend: Frontend, sound: SoundSettings
) -> float | None:
    """Return the mean difference of two log-mels over the frames that both have, in dB."""
    if original is None:
        return None
    other = log_mel(excerpt(original.waveform, original.sample_rate, sound), frontend)
    frames = min(len(mel), len(other))
    return float(np.abs(mel[:frames] - other[:frames]).mean())


def describe_clip(clip: Clip) -> str:
    """Return length, rate and level in words."""
    level = levels(clip.waveform)
    clipped = (
        f" · {100 * level.clipped_fraction:.1f} % at full scale" if level.clipped_fraction else ""
    )
    return (
        f"{clip.duration_s:.2f} s · {clip.sample_rate} Hz · peak {level.peak_dbfs:.1f} dBFS · "
        f"RMS {level.rms_dbfs:.1f} dBFS{clipped}"
    )


def read_steps(augmentation: str) -> Iterator[Step]:
    """Yield the transforms of an `augmentation` feature, nested ones in the order they ran."""
    record = json.loads(augmentation or "{}")
    yield from _steps(record.get("transforms", []))


def _steps(transforms: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    for transform in transforms:
        nested = transform.get("transforms")
        if nested is not None:
            yield from _steps(nested)
            continue
        parameters = transform.get("parameters", {})
        yield Step(
            str(transform["name"]),
            {name: _value(value) for name, value in parameters.items() if name != "should_apply"},
        )


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _title(clip: Clip) -> str:
    if clip.copy_index:
        return f"copy {clip.copy_index}"
    return "original" if clip.clip_id == clip.source_clip_id else clip.condition


def _generator(clip_id: str) -> np.random.Generator:
    digest = hashlib.sha256(clip_id.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
