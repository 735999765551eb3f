"""Applies a policy to clips: the same clip, policy and copy number give the same bytes.

This folder is all that touches audiomentations.

    augmenter = Augmenter(load_policy("classic"))
    copy = augmenter.augment(clip, copy_index=1)     # or AugmentationFailed

A copy's ``augmentation`` is strict JSON:

    {"transforms": [{"name": "PitchShift", "path": "transforms[0]", "id": "...",
                     "parameters": {"num_semitones": -1.83}}, ...],
     "level": {"rule": "rescale", "peak": 1.27}}

``transforms`` are those that were applied, in order, with everything that was drawn; ``path`` is
the step's place in the policy, ``id`` is there where the policy gives one; sound files are named
relative to their bank (``traffic/street/3.wav``). ``level`` is there where the rule was needed.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx_audio.components.audio.augment.bank_files import SoundBankFiles
from tfx_audio.components.audio.augment.chain import Chain, build_chain
from tfx_audio.components.audio.augment.failure import AugmentationFailed, peak_of, ready_input
from tfx_audio.components.audio.augment.random_streams import Seeded
from tfx_audio.components.audio.clip import (
    CLEAN,
    CLIPPED_LEVEL,
    Clip,
    condition_id,
    copy_id,
    label_names,
)
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.policy.extensions import extensions
from tfx_audio.components.audio.policy.steps import TransformSpec

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

__all__ = ["AugmentationFailed", "Augmenter", "TransformStats", "augment", "check_policy"]


@dataclass(frozen=True)
class TransformStats:
    """How often a transform was applied, and the seconds it took (wall clock)."""

    applied: int = 0
    seconds: float = 0.0


class Augmenter:
    """Makes augmented copies and condition versions of clips.

    Build one per worker and keep it: transforms are built once for each label that the policy
    treats in its own way. Any number of threads may use one augmenter.

    Args:
      policy: What to do.
      bank_dirs: Local folder by sound bank name; PCM WAV at the clips' rate is fastest.

    Raises:
      InvalidInput: If the policy can't run here (see `check_policy`).
    """

    def __init__(
        self, policy: AugmentationPolicy, bank_dirs: Mapping[str, str] | None = None
    ) -> None:
        policy.check_banks(bank_dirs or {})
        self.policy = policy
        self._banks = SoundBankFiles(bank_dirs or {})
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all_times: list[dict[str, list[float]]] = []
        for label in ("", *policy.labels):
            self._chain("label", label)
        for name in policy.conditions:
            self._chain("condition", name)

    def augment(self, clip: Clip, copy_index: int) -> Clip:
        """Return the `copy_index`-th augmented copy of a clip.

        Everything drawn is a function of (policy seed, clip id, copy index). Copies count from
        1; on the fly they count on through the epochs.

        Raises:
          AugmentationFailed: If this copy can't be made.
        """
        changed = [name for name in label_names(clip.label) if name in self.policy.labels]
        chain = self._chain("label", changed[0] if changed else "")
        seeded = Seeded(self.policy.seed, "copy", copy_index, clip.clip_id)
        waveform, augmentation = self._run(chain, clip, seeded)
        return clip.replace(
            clip_id=copy_id(clip.clip_id, copy_index),
            waveform=waveform,
            source_clip_id=clip.clip_id,
            copy_index=copy_index,
            augmentation=augmentation,
        )

    def condition(self, clip: Clip, name: str) -> Clip:
        """Return a clip under one of the policy's robustness conditions.

        Everything drawn is a function of (policy seed, clip id, condition). ``clean`` is the clip
        itself under the id of the condition.

        Raises:
          AugmentationFailed: If it can't be made.
          InvalidInput: If the policy has no such condition.
        """
        if name not in self.policy.conditions:
            raise InvalidInput(
                f"the policy has no condition '{name}'.{did_you_mean(name, self.policy.conditions)}"
            )
        changes: dict[str, Any] = {"waveform": clip.waveform}
        if name != CLEAN:
            seeded = Seeded(self.policy.seed, "condition", name, clip.clip_id)
            waveform, augmentation = self._run(self._chain("condition", name), clip, seeded)
            changes = {"waveform": waveform, "augmentation": augmentation}
        return clip.replace(
            clip_id=condition_id(clip.clip_id, name),
            source_clip_id=clip.clip_id,
            condition=name,
            **changes,
        )

    @property
    def stats(self) -> dict[str, TransformStats]:
        """What was applied since the augmenter was built, by transform, over all threads."""
        totals: dict[str, list[float]] = {}
        with self._lock:
            for times in self._all_times:
                for name, (applied, seconds) in times.items():
                    total = totals.setdefault(name, [0, 0.0])
                    total[0] += applied
                    total[1] += seconds
        return {name: TransformStats(int(n), s) for name, (n, s) in sorted(totals.items()) if n}

    def _chain(self, kind: str, name: str) -> Chain:
        """Return this thread's chain for a label or a condition."""
        chains: dict[tuple[str, str], Chain] | None = getattr(self._local, "chains", None)
        if chains is None:
            chains = self._local.chains = {}
        chain = chains.get((kind, name))
        if chain is None:
            policy = self.policy
            specs = policy.transforms_for(name) if kind == "label" else policy.conditions[name]
            chain = build_chain(specs, self._banks, policy.document)
            chains[(kind, name)] = chain
            with self._lock:
                self._all_times.append(chain.times)
        return chain

    def _run(self, chain: Chain, clip: Clip, seeded: Seeded) -> tuple[np.ndarray, str]:
        """Run a chain on a clip; return the waveform and the record of what was done."""
        waveform = ready_input(clip.waveform)
        chain.applied.clear()
        with seeded:
            waveform = chain.run(waveform, clip.sample_rate)
        record: dict[str, Any] = {"transforms": chain.applied}
        peak = peak_of(waveform)
        if peak > 1.0:
            record["level"] = {"rule": self.policy.level, "peak": peak}
            waveform = _within_full_scale(waveform, peak, self.policy.level)
        return waveform, _to_json(record)


def _within_full_scale(waveform: np.ndarray, peak: float, rule: str) -> np.ndarray:
    """Bring a waveform within [-1, 32767/32768] by the policy's level rule."""
    if rule == "reject":
        raise AugmentationFailed("", "over_full_scale", f"the copy's peak is {peak:.3f}")
    if rule == "clip":
        return np.clip(waveform, np.float32(-1.0), np.float32(CLIPPED_LEVEL))
    return waveform * np.float32(CLIPPED_LEVEL / peak)


def augment(
    clip: Clip,
    policy: AugmentationPolicy,
    copy_index: int,
    bank_dirs: Mapping[str, str] | None = None,
) -> Clip:
    """Return one augmented copy of one clip; for many, keep an `Augmenter`."""
    return Augmenter(policy, bank_dirs).augment(clip, copy_index)


def check_policy(policy: AugmentationPolicy) -> None:
    """Find what would stop a policy at the first clip, before anything is started.

    Builds every transform for every label and condition, so that its constructor sees its
    parameters, and imports the packages that it needs. Sound banks may lie where only workers can
    read them: `sound_bank.digest` looks into them.

    Raises:
      InvalidInput: With the place in the policy file.
    """
    banks = SoundBankFiles(None)
    trees = [policy.transforms_for(label) for label in ("", *policy.labels)]
    for specs in (*trees, *policy.conditions.values()):
        build_chain(specs, banks, policy.document)
        for spec in (step for top in specs for step in top.walk() if step.name in extensions()):
            if _try(spec, policy) != _try(spec, policy):
                raise InvalidInput(
                    f"{policy.document.place(spec.at)}: {spec.name} made two different copies from "
                    "one seed: it must draw from `random` or `np.random` alone"
                )


def _try(spec: TransformSpec, policy: AugmentationPolicy) -> bytes:
    """Return what a step of an installed package makes of a second of noise, eight times."""
    always = replace(spec, parameters={**spec.parameters, "p": 1.0})
    chain = build_chain((always,), SoundBankFiles(None), policy.document)
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 8000).astype(np.float32)
    with Seeded(0, "copy", 1, "check"):
        try:
            return b"".join(chain.run(noise, 8000).tobytes() for _ in range(8))
        except AugmentationFailed as failure:
            return str(failure).encode()
