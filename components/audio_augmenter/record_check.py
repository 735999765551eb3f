"""Whether a job can read its examples at all, found before any work is done."""

from collections.abc import Collection, Sequence

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.records.examples import CLIP_ID_KEY, CONTRACT_KEYS, parse_features
from tfx_audio.components.audio_augmenter.user_records import (
    ORIGIN_KEYS,
    ContractRecords,
    UserRecords,
)
from tfx_audio.components.audio_example_gen.listing.columns import Columns, find_roles


def check_records(records: ContractRecords, sample: Sequence[bytes]) -> None:
    """Check that some of a job's examples can be read; single bad ones are rejected later.

    Raises:
      InvalidInput: If a column that the user names is not there, or none of them is an example
        that can be read: with what is needed, what there is and the nearest names.
    """
    problems = []
    names: set[str] = set()
    for example in sample:
        try:
            names.update(parse_features(example))
            records.read(example)
        except ValueError as error:
            problems.append(str(error))
    if isinstance(records, UserRecords) and names:
        _check_columns(records, names)
    if not problems or len(problems) < len(sample):
        return
    if not isinstance(records, UserRecords) and names and not names.issuperset(CONTRACT_KEYS):
        raise InvalidInput(_which_is_which(names))
    raise InvalidInput(f"none of {len(sample)} examples can be read; the first: {problems[0]}")


def _check_columns(records: UserRecords, names: set[str]) -> None:
    for role, name in records.columns.items():
        if isinstance(name, str) and name not in names:
            raise InvalidInput(
                f"columns: {role!r} is {name!r}, but the examples have {_shown(names)}."
                f"{did_you_mean(name, names)}"
            )
    taken = sorted(names & {*ORIGIN_KEYS} - {records.features.clip_id})
    if taken and not names.issuperset(ORIGIN_KEYS):
        is_id = ", or if it is the clips' id, say so: columns={'id': 'clip_id'}"
        raise InvalidInput(
            f"the examples have a feature {taken[0]!r}, a name that the augmenter needs for what "
            f"it says of a copy ({', '.join(ORIGIN_KEYS)}): rename it"
            f"{is_id if taken[0] == CLIP_ID_KEY else ''}"
        )


def _which_is_which(names: Collection[str]) -> str:
    missing = ", ".join(key for key in CONTRACT_KEYS if key not in names)
    found = find_roles(Columns(), sorted(names), "the examples")
    guess = {"audio": found.audio, "label": found.label, "sample_rate": found.sample_rate}
    shown = {role: name for role, name in guess.items() if name} or {"audio": "…", "label": "…"}
    return (
        f"the examples have the features {_shown(names)}; an example of the data contract also "
        f"needs {missing}. For examples of your own say which feature is which: columns={shown}"
    )


def _shown(names: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(names)))
