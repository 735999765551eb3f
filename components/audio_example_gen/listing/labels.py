"""The labels that tables, names and records say: codes to names, one or several a clip."""

import ast
from collections.abc import Mapping

from tfx_audio.components.audio.clip import join_labels, label_names
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.reading.recording import label_problem
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import Columns
from tfx_audio.components.audio_example_gen.listing.files import Problem
from tfx_audio.components.audio_example_gen.listing.manifest_tables import Manifest

SEVERAL = "several"


class LabelReader:
    """Reads the label of a table's rows."""

    def __init__(self, config: IngestConfig, manifest: Manifest, roles: Columns) -> None:
        layout = manifest.layout
        self.several = config.labels == SEVERAL
        self._separator = layout.separator
        self._codes = layout.label_codes(manifest.home)
        self._columns = [roles.label] if roles.label else []
        self._columns += layout.more_labels if self.several else ()
        self._may_have_several = layout.labels == SEVERAL and not layout.more_labels
        if not roles.label and layout.label_choice and not config.columns.label:
            choice = [name for name in layout.label_choice if name in manifest.columns]
            raise InvalidInput(
                f"{layout.title} has several columns that could be the label: "
                f"--set data.columns.label={'|'.join(choice)} says which"
            )

    @property
    def is_said(self) -> bool:
        """Whether the table has a column of labels."""
        return bool(self._columns)

    def read(self, values: Mapping[str, str]) -> str:
        """Return a row's label, empty if it has none."""
        texts = [values.get(column, "").strip() for column in self._columns]
        if not self.several and not self._may_have_several:
            return "".join(self._codes.get(text, text) for text in texts)
        names = [name for text in texts for name in split_labels(text, self._separator)]
        return join_labels(self._codes.get(name, name) for name in names)

    def problem(self, label: str) -> Problem | None:
        """Return why a label can't be used."""
        names = label_names(label) or ("",)
        if len(names) > 1 and not self.several:
            return "several_labels", f"{len(names)} labels; data.labels is one"
        return next((problem for name in names if (problem := label_problem(name))), None)


def split_labels(text: str, separator: str) -> list[str]:
    """Return the labels in one value: ``a,b``, ``["a", "b"]`` or ``['a', 'b']``."""
    if text.startswith("[") and text.endswith("]"):
        try:
            listed = ast.literal_eval(text)
            return [str(name) for name in listed if isinstance(name, str | int)]
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    return [name.strip() for name in text.split(separator)]
