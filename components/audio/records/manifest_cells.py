"""Cells of the manifest that lies beside WAV files: no spreadsheet may take text for a formula."""

from collections.abc import Sequence

from tfx_audio.components.audio.records.examples import AUDIO_KEY, CONTRACT_KEYS

MANIFEST_COLUMNS = ("path", "split", *(key for key in CONTRACT_KEYS if key != AUDIO_KEY))
_FORMULA = tuple("=+-@\t\r\n")


def guarded(text: str) -> str:
    """Return text behind an apostrophe if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def is_ours(header: Sequence[str]) -> bool:
    """Return whether a table with these columns was written by this project."""
    return tuple(header[: len(MANIFEST_COLUMNS)]) == MANIFEST_COLUMNS
