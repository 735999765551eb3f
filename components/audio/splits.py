"""Which split a clip belongs to: by hash, by selection, or as its manifest says.

A clip's split is a function of its own key and the configuration alone, so adding data never
moves a clip that was there before.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.rejection import shorten

TRAIN = "train"
EVAL = "eval"
TEST = "test"
SPLITS = (TRAIN, EVAL, TEST)
SPLIT_PREFIX = "Split-"  # of a split's folder, as TFX names it
# Audio found in two splits stays in the first of these and is rejected from the other.
KEEP_ORDER = (TEST, EVAL, TRAIN)
BY_AUDIO = "audio"
_ALIASES = {
    "train": TRAIN,
    "training": TRAIN,
    "eval": EVAL,
    "evaluation": EVAL,
    "val": EVAL,
    "valid": EVAL,
    "validation": EVAL,
    "dev": EVAL,
    "test": TEST,
    "testing": TEST,
}
_SELECTION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s+in\s+(\S.*?)\s*", re.DOTALL)
_RANGE = re.compile(r"(\d+)-(\d+)", re.ASCII)
_MAX_DIGITS = 18


def split_of_name(name: str) -> str | None:
    """Return the split that a folder or a manifest calls `name`, or None."""
    return _ALIASES.get(name.strip().lower())


@dataclass(frozen=True)
class Selection:
    """``feature in 0-4, 7, theo``: the clips with one of these values, range ends included.

    `feature` is one of the clip's fields, ``label``, ``group`` or ``clip_id``.
    """

    feature: str
    values: frozenset[str]
    ranges: tuple[tuple[int, int], ...]

    def selects(self, features: Mapping[str, str]) -> bool:
        """Return whether a clip with these features is selected."""
        value = features.get(self.feature, "")
        if value in self.values:
            return True
        if not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS):
            return False
        return any(low <= int(value) <= high for low, high in self.ranges)


def parse_selection(text: str) -> Selection:
    """Parse ``<feature> in <value>, <low>-<high>, …``.

    Raises:
      InvalidInput: If the text has another form.
    """
    found = _SELECTION.fullmatch(text)
    if not found:
        raise InvalidInput(
            f"a selection has the form '<feature> in <value>, <low>-<high>, ...', for instance "
            f"'index in 0-4'; got {shorten(text, 200)!r}"
        )
    values, ranges = set(), []
    for item in (part.strip() for part in found.group(2).split(",")):
        bounds = _RANGE.fullmatch(item)
        if bounds and max(map(len, bounds.groups())) > _MAX_DIGITS:
            raise InvalidInput(
                f"a selection's ranges have numbers of at most {_MAX_DIGITS} digits; "
                f"got {shorten(item, 60)}"
            )
        if bounds:
            ranges.append((int(bounds.group(1)), int(bounds.group(2))))
        elif item:
            values.add(item)
    return Selection(found.group(1), frozenset(values), tuple(ranges))


def hashed_split(key: bytes, weights: Mapping[str, float], seed: int) -> str:
    """Return the split of a key: `weights` share out the range of a hash of it.

    Args:
      key: What decides (a digest of the audio, a speaker's name).
      weights: Positive weight of each split; they need not add up to 1.
      seed: Another seed, another partition.
    """
    digest = hashlib.sha256(b"tfx_audio.split:%d:" % seed + key).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(weights.values())
    for split in KEEP_ORDER:
        point -= weights.get(split, 0.0)
        if point < 0 and split in weights:
            return split
    return next(split for split in reversed(KEEP_ORDER) if split in weights)


@dataclass(frozen=True)
class SplitRule:
    """How clips are divided.

    Attributes:
      ratios: Weight of each split.
      by: Feature whose values never straddle two splits; `BY_AUDIO` for the audio's content.
      selections: Selection of some splits.
      given_splits: Splits that the manifest or the folders give.
      seed: Seed of the hash.
    """

    ratios: tuple[tuple[str, float], ...]
    by: str = BY_AUDIO
    selections: tuple[tuple[str, Selection], ...] = ()
    given_splits: frozenset[str] = frozenset()
    seed: int = 0

    def expected(self) -> tuple[str, ...]:
        """Return the splits that must not come out empty, in order."""
        selected = {name for name, _ in self.selections}
        by_hash = (
            set(self._weights()) if TRAIN not in self.given_splits else set(self._given_weights())
        )
        return tuple(name for name in SPLITS if name in selected | self.given_splits | by_hash)

    def features(self) -> frozenset[str]:
        """Return the features that the rule looks at."""
        named = {selection.feature for _, selection in self.selections}
        return frozenset(named if self.by == BY_AUDIO else named | {self.by})

    def assign(
        self, features: Mapping[str, str], audio_key: bytes, given_split: str = ""
    ) -> str | None:
        """Return a clip's split, or None if nothing chooses one.

        Args:
          features: The clip's fields, label, group and id.
          audio_key: Digest of the recording's audio.
          given_split: The split that its manifest or folder gives, if any.
        """
        if given_split and given_split != TRAIN:
            return given_split
        for split in KEEP_ORDER:
            for name, selection in self.selections:
                if name == split and selection.selects(features):
                    return split
        weights = self._given_weights() if given_split else self._weights()
        if not weights:
            return None
        if self.by == BY_AUDIO:
            return hashed_split(audio_key, weights, self.seed)
        value = features.get(self.by, "")
        return hashed_split(value.encode("utf-8"), weights, self.seed) if value else None

    def _weights(self) -> dict[str, float]:
        """Return the weights among the splits that have no selection."""
        selected = {name for name, _ in self.selections}
        return {name: w for name, w in self.ratios if w > 0 and name not in selected}

    def _given_weights(self) -> dict[str, float]:
        """Return the weights for clips given as train; eval is taken from them if not given."""
        taken = self.given_splits | {name for name, _ in self.selections} | {TEST}
        weights = {name: w for name, w in self.ratios if w > 0 and name not in taken - {TRAIN}}
        return weights if TRAIN in weights else {TRAIN: 1.0}


def make_split_rule(
    ratios: Mapping[str, float],
    by: str,
    select: Mapping[str, str],
    seed: int,
    given_splits: Collection[str] = (),
) -> SplitRule:
    """Check a configuration of splits and return its rule.

    Raises:
      InvalidInput: If a split has another name, a weight is negative, a selection is malformed,
        or train or eval gets nothing.
    """
    for where, names in (("split.ratios", ratios), ("split.select", select)):
        for name in names:
            if name not in SPLITS:
                raise InvalidInput(
                    f"{where} knows the splits {', '.join(SPLITS)}; got {name!r}."
                    f"{did_you_mean(name, SPLITS)}"
                )
    for name, weight in ratios.items():
        if not 0 <= weight < float("inf"):
            raise InvalidInput(f"split.ratios needs weights >= 0; got {name}: {weight}")
    for name in (TRAIN, EVAL):
        if not ratios.get(name) and name not in select and name not in given_splits:
            raise InvalidInput(
                f"{name} needs a weight above 0 in split.ratios or a selection in split.select; "
                f"got ratios {dict(ratios)} and select {dict(select)}"
            )
    selections = tuple((name, parse_selection(text)) for name, text in sorted(select.items()))
    return SplitRule(
        tuple(ratios.items()), by or BY_AUDIO, selections, frozenset(given_splits), seed
    )
