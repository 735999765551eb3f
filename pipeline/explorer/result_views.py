"""The explorer's results: steps, copies, seeds, SpecAugment, cost, and the file to save."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from tfx_audio.components.audio.augment.augmenter import TransformStats
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.features import MASK_FRACTION, POLICIES, Frontend, Masks
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.augmentation_report.clip_views import describe_clip, read_steps
from tfx_audio.components.augmentation_report.log_mel import log_mel
from tfx_audio.components.augmentation_report.pictures import (
    WAVEFORM_COLUMNS,
    WAVEFORM_HEIGHT,
    mel_png,
    waveform_path,
)
from tfx_audio.components.augmentation_report.sound import data_uri, sound_uri
from tfx_audio.components.augmentation_report.spec_masks import (
    apply_masks,
    describe_masks,
    draw_masks,
)
from tfx_audio.pipeline.explorer.listening import Heard, hear_copies, hear_seeds, hear_steps
from tfx_audio.pipeline.explorer.messages import as_text
from tfx_audio.pipeline.explorer.policy_controls import MAX_WHOLE, fits_page
from tfx_audio.pipeline.explorer.policy_draft import PolicyDraft

_PICTURE_SIZE = (640, 160)


def show_results(
    draft: PolicyDraft, policy: AugmentationPolicy, clip: Clip, bank_dirs: Mapping[str, str]
) -> None:
    """Draw everything that follows from the policy and the clip."""
    show_clip("original", clip)
    steps, copies, seeds, masks, cost, file = st.tabs(
        ["Step by step", "Copies", "Seeds", "SpecAugment", "Cost", "Policy file"]
    )
    with copies:
        count = st.slider("How many copies", 1, 8, 3, key="copies_shown")
        heard, costs = hear_copies(policy, clip, count, bank_dirs)
        _grid(heard)
    with steps:
        index = st.number_input("Copy", 1, 1000, 1, key="copy_index")
        for one in hear_steps(policy, clip, int(index), bank_dirs):
            _heard(one)
    with seeds:
        begin = policy.seed if fits_page(policy.seed, policy.seed + 2) else 0
        first = st.number_input("From seed", -MAX_WHOLE, MAX_WHOLE - 2, begin, key="first_seed")
        policies = {seed: draft.to_policy(seed) for seed in range(int(first), int(first) + 3)}
        _grid(hear_seeds(policies, clip, bank_dirs))
    with masks:
        _spec_augment([clip, *(one.clip for one in heard if one.clip)])
    with cost:
        _costs(costs, clip, policy)
    with file:
        _policy_file(draft)


def show_clip(title: str, clip: Clip) -> None:
    """Draw one clip: player, waveform, log-mel, and what was applied."""
    st.markdown(f"**{title}**")
    st.caption(describe_clip(clip))
    st.audio(sound_uri(clip.waveform, clip.sample_rate, "WAV"))
    st.image(_waveform_svg(clip), width="stretch")
    st.image(_mel_picture(_log_mel(clip)), width="stretch")
    for step in read_steps(clip.augmentation):
        drawn = ", ".join(f"{name} = {value}" for name, value in step.parameters.items())
        st.text(f"{step.name}: {drawn}" if drawn else step.name)


def _heard(one: Heard) -> None:
    if one.clip is None:
        st.markdown(f"**{one.title}**")
        st.warning(as_text(one.problem))
    else:
        show_clip(one.title, one.clip)


def _grid(heard: Sequence[Heard], columns: int = 2) -> None:
    for start in range(0, len(heard), columns):
        for column, one in zip(st.columns(columns), heard[start : start + columns], strict=False):
            with column:
                _heard(one)


def _spec_augment(clips: list[Clip]) -> None:
    """Draw the log-mel before and after masks, under settings of their own."""
    st.caption("In training, new masks are drawn at every step; move the draw to see others.")
    left, right = st.columns(2)
    policy = left.selectbox("Masks", ["scaled", *POLICIES, "none"], key="mask_policy")
    draw = right.number_input("Draw", 0, 10_000, 0, key="mask_draw")
    section: dict[str, Any] = {"policy": policy}
    if policy == "scaled":
        for name, column in (("freq_fraction", left), ("time_fraction", right)):
            section[name] = column.slider(name, 0.0, 1.0, MASK_FRACTION, key=f"mask_{name[:4]}")
    for number, clip in enumerate(clips):
        mel = _log_mel(clip)
        frames, n_mels = mel.shape
        chosen = Masks.derive(section, frames, n_mels)
        masks = []
        if chosen is not None:
            masks = draw_masks(np.random.default_rng([int(draw), number]), frames, n_mels, chosen)
        st.image(_mel_picture(apply_masks(mel, masks), mel), width="stretch")
        title = f"copy {clip.copy_index}" if clip.copy_index else "original"
        words = describe_masks(masks, Frontend.derive(clip.sample_rate))
        st.caption(f"{title}: {words or 'no masks'}")


def _costs(costs: Mapping[str, TransformStats], clip: Clip, policy: AugmentationPolicy) -> None:
    if not costs:
        st.info("No transform was applied.")
        return
    rows: list[dict[str, Any]] = []
    for name, cost in costs.items():
        ms_each = 1000 * cost.seconds / cost.applied
        of_a_second = round(ms_each / clip.duration_s, 2)
        row = {"transform": name, "applied": cost.applied, "ms each": round(ms_each, 2)}
        rows.append(row | {"ms per second of audio": of_a_second})
    st.table(rows)
    each_s = sum(cost.seconds for cost in costs.values())
    made = max(cost.applied for cost in costs.values())
    minutes = each_s / made * 10_000 * max(1, policy.copies_per_clip) / 60
    st.caption(
        f"Measured just now on this machine. 10,000 clips like this one, {policy.copies_per_clip} "
        f"copies of each: about {minutes:.1f} minutes of one core."
    )


def _policy_file(draft: PolicyDraft) -> None:
    text = draft.to_yaml()
    st.download_button("Save the policy", text, "policy.yaml", "application/yaml", key="save")
    st.code("tfx-audio augment --data DIR --policy policy.yaml --out augmented", language="bash")
    st.code(text, language="yaml")


def _log_mel(clip: Clip) -> np.ndarray:
    return log_mel(clip.waveform, Frontend.derive(clip.sample_rate))


def _mel_picture(shown: np.ndarray, reference: np.ndarray | None = None) -> str:
    """Draw a log-mel on the colour scale of `reference`, or its own, within the page itself.

    Streamlit serves sounds and pictures as files that it forgets when a newer run of the page
    replaces them; a browser that asks a moment later gets 404 instead of the sound.
    """
    scale = shown if reference is None else reference
    png = mel_png(shown, float(scale.min()), float(scale.max()), _PICTURE_SIZE)
    return data_uri(png, "image/png")


def _waveform_svg(clip: Clip) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WAVEFORM_COLUMNS} '
        f'{WAVEFORM_HEIGHT}" preserveAspectRatio="none" width="640" height="80">'
        f'<path fill="#b45fb5" stroke="#b45fb5" stroke-width="0.5" '
        f'd="{waveform_path(clip.waveform)}"/></svg>'
    )
