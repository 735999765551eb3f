"""The rule by which clips are divided, made for the data at hand before any of it is decoded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tfx_audio.components.audio.clip import label_names
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.records.examples import CLIP_ID_KEY, GROUP_KEY, LABEL_KEY
from tfx_audio.components.audio.splits import BY_AUDIO, EVAL, TEST, TRAIN, SplitRule
from tfx_audio.components.audio_example_gen.config import SplitConfig
from tfx_audio.components.audio_example_gen.listing.listing import Listing

_FOLD = "fold"
_MAX_SEED = 10_000
_MIN_FOLDS_FOR_EVAL = 3


def plan_splits(split: SplitConfig, listing: Listing) -> SplitRule:
    """Return the rule for a listing.

    What the configuration leaves open is settled here and noted in `Listing.notes`: the fold that
    tests, the feature that a layout divides by, and a seed that leaves no split empty.

    Raises:
      InvalidInput: If the rule makes no sense, or is sure to leave a split empty.
    """
    clips = list(_clips(listing))
    by = split.by or (listing.split_by if _all_have(clips, listing.split_by) else "")
    select = dict(split.select)
    is_open = not (split.by or split.select or listing.given_splits)
    if split.fold or (listing.folds and is_open):
        select |= _folds(split.fold, clips, listing)
    open_split = split.model_copy(update={"by": by, "select": select, "seed": split.seed or 0})
    rule = open_split.rule(listing.given_splits)
    if not clips or not rule.features() <= {name for features, _ in clips for name in features}:
        return rule  # nothing is known before reading, or `take_inventory` has words for it
    return _with_seed(rule, clips, split.seed, listing)


def fold_values(listing: Listing) -> list[str]:
    """Return the folds that the data has, in order; none if it has no column of folds."""
    feature = _fold_feature(listing)
    values = {features.get(feature, "") for features, _ in _clips(listing)} - {""}
    return sorted(values, key=lambda value: (not value.isdecimal(), value.zfill(9)))


def _fold_feature(listing: Listing) -> str:
    """Return the feature that numbers the folds: the layout's, a kept column, or the group."""
    return listing.folds or (_FOLD if _FOLD in listing.config.field_names() else GROUP_KEY)


def _clips(listing: Listing) -> Iterable[tuple[Mapping[str, str], str]]:
    """Yield what a rule sees of each clip, and the split that the data says."""
    windows = listing.config.window_s is not None
    for recording in listing.recordings:
        for row in recording.rows:
            group = row.group or (row.clip_id if windows else "")
            named = {LABEL_KEY: row.label, GROUP_KEY: group, CLIP_ID_KEY: row.clip_id}
            yield {**row.fields, **named}, row.split


def _all_have(clips: Sequence[tuple[Mapping[str, str], str]], feature: str) -> bool:
    return bool(feature) and all(features.get(feature) for features, _ in clips)


def _folds(asked: str, clips: Sequence[object], listing: Listing) -> dict[str, str]:
    """Return the selections of one fold: it is the test split, and the next one is eval."""
    folds, feature = fold_values(listing), _fold_feature(listing)
    fold = asked or (folds[-1] if folds else "")
    if fold not in folds:
        shown = ", ".join(folds[:20]) or "none"
        raise InvalidInput(f"split.fold is {fold!r}; the folds of the data are {shown}")
    select = {TEST: f"{feature} in {fold}"}
    if len(folds) >= _MIN_FOLDS_FOR_EVAL:
        following = folds[(folds.index(fold) + 1) % len(folds)]
        select[EVAL] = f"{feature} in {following}"
    chosen = "" if asked else " (--set split.fold=K chooses; tfx-audio folds runs all)"
    chosen_by = " and ".join(
        f"{text.replace(' in ', ' ')} is {name}" for name, text in select.items()
    )
    listing.note(f"{chosen_by}{chosen}")
    return select


def _with_seed(
    rule: SplitRule,
    clips: Sequence[tuple[Mapping[str, str], str]],
    seed: int | None,
    listing: Listing,
) -> SplitRule:
    """Return the rule with a seed that leaves no split empty; see `plan_splits`."""
    problem = _problem(rule, clips)
    if not problem:
        return rule
    groups = {features.get(rule.by, "") for features, _ in clips} - {""}
    of = f"split.by={rule.by} has {len(groups)} values"
    if rule.by == BY_AUDIO:
        raise InvalidInput(f"{problem}; mend split.select")
    works = next((s for s in range(_MAX_SEED) if not _problem(replace(rule, seed=s), clips)), None)
    if works is None:
        raise InvalidInput(
            f"{of}: no way to divide them fills the splits {', '.join(rule.expected())} ({problem})"
        )
    if seed is not None:
        raise InvalidInput(
            f"{of}: with split.seed={seed} {problem}; split.seed={works} leaves none empty"
        )
    listing.note(f"{of}: with split.seed=0 {problem}; split.seed={works} is taken")
    return replace(rule, seed=works)


def _problem(rule: SplitRule, clips: Sequence[tuple[Mapping[str, str], str]]) -> str:
    """Return which split a rule leaves empty, or which label train lacks; empty if none."""
    by_audio = rule.by == BY_AUDIO
    found: set[str] = set()
    in_train: set[str] = set()
    labels: set[str] = set()
    for features, given_split in clips:
        assigned = rule.assign(features, b"", given_split) or ""
        found.add(assigned)
        names = label_names(features[LABEL_KEY])
        labels.update(names)
        if assigned == TRAIN:
            in_train.update(names)
    sure = (
        {name for name, _ in rule.selections} | rule.given_splits
        if by_audio
        else set(rule.expected())
    )
    for split in rule.expected():
        if split in sure and split not in found and not (by_audio and split == TRAIN):
            return f"no clip comes into {split}"
    if not by_audio and labels - in_train:
        return f"train has no clip of {sorted(labels - in_train)[0]!r}"
    return ""
