"""Which column of a manifest, or feature of a record, means what."""

from collections.abc import Collection

from pydantic import Field

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.config_section import ConfigSection

NONE = "-"
# The first of these that there is, unless data.columns or a layout says otherwise.
_CONVENTIONS = {
    "audio": (
        *("audio_filepath", "file_name", "filename", "audio_path", "path", "file", "filepath"),
        *("audio", "wav", "wav_path", "audio_file", "file_path", "fname"),
    ),
    "label": (
        *("label", "labels", "category", "class", "class_name", "event_label", "scene_label"),
        *("primary_label", "command", "keyword"),
    ),
    "split": ("split", "subset", "partition"),
    "group": ("group", "speaker", "speaker_id", "fold"),
    "start": ("start", "start_s", "onset", "offset"),
    "end": ("end", "end_s", "offset"),
    "duration": ("duration",),
    "id": ("clip_id", "id"),
    "sample_rate": ("sample_rate", "sampling_rate"),
}


class Columns(ConfigSection):
    """Names of a manifest's columns or of a foreign record's features.

    Empty: the usual name, if there is one. '-': none.
    """

    audio: str = Field("", description="Path of the audio; in records its bytes or samples.")
    label: str = Field("", description="Class name; without it the file's folder or name counts.")
    split: str = Field("", description="train, eval (val, validation, dev) or test.")
    group: str = Field("", description="Speaker, recording or fold.")
    start: str = Field("", description="Where a clip starts in its recording, in seconds.")
    end: str = Field("", description="Where it ends, in seconds.")
    duration: str = Field("", description="How long it is from its start, in seconds.")
    id: str = Field("", description="The clip's id; without it its path.")
    sample_rate: str = Field("", description="Hz of a record's samples (records only).")


def find_roles(
    columns: Columns, names: Collection[str], where: str, usual: Columns | None = None
) -> Columns:
    """Return which of the columns `names` plays which role, empty where none does.

    Args:
      columns: What the user says.
      names: The columns that there are.
      where: What has them, for messages.
      usual: What the layout says, of columns that may lack.

    Raises:
      InvalidInput: If a column that the user names is not there.
    """
    by_lower = {name.strip().lower(): name for name in reversed(list(names))}
    found: dict[str, str] = {}
    for role, conventions in _CONVENTIONS.items():
        asked = getattr(columns, role)
        if asked and asked != NONE:
            if asked not in names:
                raise InvalidInput(
                    f"data.columns.{role} is {asked!r}, but {where} has "
                    f"{', '.join(map(repr, sorted(names)))}.{did_you_mean(asked, names)}"
                )
            found[role] = asked
        elif not asked and (told := getattr(usual, role, "")) and told in (*names, NONE):
            found[role] = told if told != NONE else ""
        elif not asked:
            found[role] = next((by_lower[name] for name in conventions if name in by_lower), "")
    return Columns(**_settle_offset(found, by_lower))


def _settle_offset(found: dict[str, str], by_lower: dict[str, str]) -> dict[str, str]:
    """`offset` is NeMo's start, but beside an `onset` it is DCASE's end."""
    offset = by_lower.get("offset")
    if offset and found.get("end") == offset and "onset" not in by_lower:
        found["end"] = ""
    return found
