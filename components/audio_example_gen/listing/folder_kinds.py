"""What folders are by their names, where they are no classes."""

import re
from collections.abc import Collection

from tfx_audio.components.audio.splits import split_of_name

_KINDS = {
    "folds": ("fold", "folds", "cv"),
    "parts of a data set": ("part", "batch", "chunk", "shard", "disc", "disk", "cd", "set"),
    "speakers or sessions": (
        *("actor", "speaker", "spk", "subject", "subj", "sub", "participant", "person", "user"),
        *("singer", "patient", "session", "ses", "recording", "rec"),
    ),
}
_NUMBERED = re.compile(r"([A-Za-z]+)[ _.-]*0*\d+")


def kind_of_folders(names: Collection[str]) -> str:
    """Return what folders look like, in the plural; empty for what may be classes.

    Folders are no classes where all are splits, or all the same word with a number.
    """
    if len(names) < 2:
        return ""
    if all(split_of_name(name) for name in names):
        return "splits"
    found = [_NUMBERED.fullmatch(name) for name in names]
    words = {match.group(1).lower() if match else "" for match in found}
    word = words.pop() if len(words) == 1 else ""
    return next((kind for kind, known in _KINDS.items() if word in known), "")
