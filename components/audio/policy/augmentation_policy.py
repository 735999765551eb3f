"""`AugmentationPolicy`: which transforms run on which clips, how many copies, from which seed.

A policy is one YAML or JSON file. It names transforms, never code, and this module reads and
checks it without importing audiomentations: a pipeline is defined, a worker started and a cache
key computed without it. What only the library knows (a constructor that refuses its values, a
missing package) is found by `augment.check_policy`.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from tfx_audio.components.audio.clip import CLEAN, label_names
from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.check import Checker, policy_schema
from tfx_audio.components.audio.policy.extensions import extension_versions
from tfx_audio.components.audio.policy.label_changes import change_transforms, check_ids
from tfx_audio.components.audio.policy.steps import TransformSpec, read_transforms
from tfx_audio.components.audio.policy.yaml_document import MAX_BYTES, Document, read_document
from tfx_audio.components.audio.regular_file import read_text

COPIES_KEY = "copies_per_clip"
_SHOWN_LABELS = 12
DEFAULT_CONDITIONS: Mapping[str, Any] = {
    f"noise_{snr_db}db": [
        {"name": "AddGaussianSNR", "min_snr_db": snr_db, "max_snr_db": snr_db, "p": 1.0}
    ]
    for snr_db in (20, 10, 0)
}


@dataclass(frozen=True)
class AugmentationPolicy:
    """A checked policy.

    Attributes:
      transforms: What runs on every copy, in order.
      conditions: Robustness conditions of the evaluation split by name; ``clean`` is first and
        holds nothing.
      seed: Decides, with clip id and copy number, everything that is drawn.
      copies_per_clip: Augmented copies of every training clip.
      keep_originals: Whether the unchanged clips stay.
      balance: ``none`` or ``by_label``.
      max_copies: The most copies of one clip that balancing makes.
      level: ``clip``, ``rescale`` or ``reject``: what happens above full scale.
      labels: Changes by label: step id or name to ``"off"`` or parameters.
      description: What the policy is for.
      document: Where it was read from, for messages; not part of its identity.
    """

    transforms: tuple[TransformSpec, ...]
    conditions: Mapping[str, tuple[TransformSpec, ...]]
    seed: int = 0
    copies_per_clip: int = 1
    keep_originals: bool = True
    balance: str = "none"
    max_copies: int = 10
    level: str = "rescale"
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    description: str = ""
    document: Document = field(default=Document(None, "policy"), compare=False, repr=False)

    def __hash__(self) -> int:
        return hash(self.digest)

    @functools.cached_property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def sound_banks(self) -> tuple[str, ...]:
        """Names of the sound banks that the policy needs, sorted."""
        return tuple(sorted({name for step in self._steps() for name in step.sounds()}))

    @property
    def extension_versions(self) -> dict[str, str]:
        """Versions of the installed packages whose transforms the policy names."""
        return extension_versions({step.name for step in self._steps()})

    def _steps(self) -> Iterator[TransformSpec]:
        """Yield every step that any clip may meet, those inside others too."""
        trees = [self.transforms_for(label) for label in ("", *self.labels)]
        for spec in itertools.chain(*trees, *self.conditions.values()):
            yield from spec.walk()

    def transforms_for(self, label: str) -> tuple[TransformSpec, ...]:
        """Return what runs on copies of clips with this label."""
        changes = {
            key: change for key, change in self.labels.get(label, {}).items() if key != COPIES_KEY
        }
        if not changes:
            return self.transforms
        return change_transforms(
            self.transforms, changes, Checker(self.document), ("labels", label)
        )

    def copies_for(self, label: str, counts: Mapping[str, int] | None = None) -> int:
        """Return how many copies each clip of a label gets.

        With ``balance: by_label`` a rare label gets as many as bring it up to, not above, the
        total of the most frequent one, and at most `max_copies`.

        Args:
          label: The clip's label; of several the one that asks for most decides.
          counts: Training clips by label; needed for balancing only.
        """
        names = label_names(label)
        if len(names) > 1:
            return max(self.copies_for(name, counts) for name in names)
        own = self.labels.get(label, {}).get(COPIES_KEY)
        if own is not None:
            return int(own)
        count = (counts or {}).get(label, 0)
        if self.balance != "by_label" or count <= 0:
            return self.copies_per_clip
        kept = 1 if self.keep_originals else 0
        target = max((counts or {}).values()) * (kept + self.copies_per_clip)
        return max(self.copies_per_clip, min(self.max_copies, target // count - kept))

    def check_labels(self, labels: Mapping[str, int] | list[str]) -> None:
        """Raise `InvalidInput` if `labels:` changes a label that the data does not have."""
        for label in self.labels:
            if label not in labels:
                known = sorted(filter(None, labels))
                some = ", ".join(known[:_SHOWN_LABELS]) + (", …" * (len(known) > _SHOWN_LABELS))
                raise InvalidInput(
                    f"{self.document.place(('labels', label))}: the data has no label "
                    f"'{label}'; it has {some or 'none at all'}.{did_you_mean(label, known)}"
                )

    def check_sample_rate(self, sample_rate: int) -> None:
        """Raise `InvalidInput` if a transform can't take clips of a sample rate, in Hz."""
        for step in self._steps():
            rates = policy_schema()["definitions"].get(step.name, {}).get("x-sample-rates")
            if rates and sample_rate not in rates:
                raise InvalidInput(
                    f"{self.document.place(step.at)}: {step.name} can't take clips of "
                    f"{sample_rate} Hz, only of {', '.join(map(str, rates))} Hz. data.sample_rate "
                    "or --sample-rate resamples; or leave the transform out"
                )

    def check_banks(self, given: Mapping[str, str]) -> None:
        """Raise `InvalidInput` if a sound bank that the policy names was not given."""
        for name in self.sound_banks:
            if name not in given:
                raise InvalidInput(
                    f"the policy names the sound bank '{name}', which was not given: expected "
                    f"--sound-bank {name}=DIR; given: {', '.join(sorted(given)) or 'none'}."
                    f"{did_you_mean(name, given)}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values: a policy file with all its defaults written out."""
        return {
            "description": self.description,
            "seed": self.seed,
            "copies_per_clip": self.copies_per_clip,
            "keep_originals": self.keep_originals,
            "balance": self.balance,
            "max_copies": self.max_copies,
            "level": self.level,
            "transforms": [spec.to_dict() for spec in self.transforms],
            "labels": {label: dict(changes) for label, changes in self.labels.items()},
            "conditions": {
                name: [spec.to_dict() for spec in specs]
                for name, specs in self.conditions.items()
                if name != CLEAN
            },
        }

    def to_json(self) -> str:
        """Return the canonical content, on one line: the same policy, the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, where: str = "policy") -> AugmentationPolicy:
        """Read what `to_json` wrote.

        Raises:
          InvalidInput: If the text is not a policy.
        """
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{where}: not JSON: {error}") from None
        return _read(Document(value, where))


def parse_policy(text: str, where: str = "policy") -> AugmentationPolicy:
    """Parse and check the text of a policy file, YAML or JSON; `where` names it in messages.

    Raises:
      InvalidInput: With the line, the place in the file and the nearest valid name.
    """
    return _read(read_document(text, where))


def load_policy(
    name_or_path: str | Path | Mapping[str, Any] | AugmentationPolicy,
) -> AugmentationPolicy:
    """Load a preset by its name, or a policy file.

    A mapping is what such a file holds; a policy is itself.

    Raises:
      InvalidInput: If there is no such preset or file, or it holds no valid policy.
    """
    if isinstance(name_or_path, AugmentationPolicy):
        return name_or_path
    if isinstance(name_or_path, Mapping):
        return _read(Document(json.loads(json.dumps(name_or_path)), "policy"))
    if str(name_or_path) in preset_names():
        text = preset_text(str(name_or_path))
        return parse_policy(text, f"preset {name_or_path}")
    path = Path(name_or_path)
    try:
        text = read_text(path, "policy", MAX_BYTES)
    except FileNotFoundError:
        raise InvalidInput(
            f"no policy file and no preset '{name_or_path}'."
            f"{did_you_mean(str(name_or_path), preset_names())} "
            f"The presets are: {', '.join(preset_names())}"
        ) from None
    return parse_policy(text, str(path))


def preset_names() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    folder = resources.files("tfx_audio.components.audio.policy.presets")
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """Return the YAML text of a shipped preset, comments included."""
    folder = resources.files("tfx_audio.components.audio.policy.presets")
    return folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def _read(document: Document) -> AugmentationPolicy:
    """Check a document and build the policy."""
    checker = Checker(document)
    if not isinstance(document.value, dict):
        raise checker.refuse((), "a policy is a mapping with the key 'transforms'")
    values = checker.mapping(document.value, (), policy_schema())
    conditions = values.get("conditions", DEFAULT_CONDITIONS)
    policy = AugmentationPolicy(
        **{
            **values,
            "transforms": read_transforms(values["transforms"], ("transforms",), checker),
            "conditions": {CLEAN: ()} | _conditions(conditions, checker),
            "labels": _labels(values.get("labels", {}), checker),
            "document": document,
        }
    )
    check_ids(policy.transforms, checker)
    most_copies = max(policy.copies_for(label) for label in [*policy.labels, ""])
    if not (policy.keep_originals or most_copies):
        raise checker.refuse(
            ("keep_originals",), "without originals and without copies nothing would be left"
        )
    for label in policy.labels:
        policy.transforms_for(label)
    return policy


def _conditions(values: Any, checker: Checker) -> dict[str, tuple[TransformSpec, ...]]:
    """Read the conditions, where a step without `p` always runs."""
    schema = policy_schema()["properties"]["conditions"]
    checker.value(values, ("conditions",), {"maxProperties": schema["maxProperties"]})
    conditions = {}
    for name, steps in values.items():
        path = ("conditions", name)
        checker.value(name, path, {"type": "string", **schema["propertyNames"]})
        if name == CLEAN:
            raise checker.refuse(path, "'clean' is the unchanged clip and always there")
        conditions[name] = read_transforms(steps, path, checker, default_p=1.0)
    return conditions


def _labels(values: Any, checker: Checker) -> dict[str, dict[str, Any]]:
    """Read the changes by label; ``off`` is what YAML calls false."""
    copies = policy_schema()["properties"][COPIES_KEY]
    labels: dict[str, dict[str, Any]] = {}
    for label, changes in values.items():
        path = ("labels", label)
        if not isinstance(changes, dict):
            raise checker.refuse(path, "expected changes by step, as in `{PitchShift: off}`")
        labels[label] = {}
        for key, change in changes.items():
            if key == COPIES_KEY:
                labels[label][key] = checker.value(change, (*path, key), copies)
            elif change is False or change == "off":
                labels[label][key] = "off"
            elif isinstance(change, dict):
                labels[label][key] = change
            else:
                raise checker.refuse((*path, key), "expected `off` or parameters to change")
    return labels
