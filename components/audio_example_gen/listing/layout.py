"""`Layout`, how a data set lies in its folder: a declarative file, read and checked."""

import functools
import json
import os
from importlib import resources
from typing import Any, Literal

import pydantic
from apache_beam.io.filesystems import FileSystems
from pydantic import Field, field_validator

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.policy.yaml_document import MAX_BYTES, read_document
from tfx_audio.components.audio.regular_file import read_text
from tfx_audio.components.audio_example_gen.listing.columns import Columns
from tfx_audio.components.audio_example_gen.listing.manifest import Dialect, read_manifest
from tfx_audio.components.config_section import ConfigSection, Texts

NONE = "none"
_PACKAGE = "tfx_audio.components.audio_example_gen.layouts"


class TableFile(Dialect):
    """A table with a row a clip."""

    file: str = Field(
        description="Its place, a pattern; '{split}' stands for a split's name: '{split}.tsv'."
    )
    split: str = Field("", description="The split of all of its clips.")
    unless: str = Field("", description="A file beside it that takes its place if it is there.")
    audio: Texts = Field((), description="As the layout's, for this table alone.")


class Join(Dialect):
    """A table whose columns are added to the clips' rows; it need not be there."""

    file: str = Field(description="Its place, from the folder of the table of clips.")
    key: str = Field(description="The column that both have.")


class LabelTable(Dialect):
    """A table that names the labels; without it the codes are the labels."""

    file: str = Field(description="Its place.")
    code: str = Field(description="Column of the code.")
    name: str = Field(description="Column of the name.")


class RecordFiles(ConfigSection):
    """Files that hold many clips each, audio and all."""

    format: Literal["parquet", "webdataset"] = Field(description="What they are.")
    files: tuple[str, ...] = Field(
        description="Patterns of their places, the first that fits any; '{split}' as for tables."
    )


class Layout(ConfigSection):
    """How a data set lies in its folder. All places are relative to that folder."""

    title: str = Field(description="The data set's name.")
    says: str = Field("", description="What a person should know, as the rest of a sentence.")
    kind: Literal["dataset", "format"] = Field(
        "dataset", description="A format gives way to a data set that is recognised as well."
    )
    found_by: tuple[tuple[str, ...], ...] = Field(
        (),
        description="How it is recognised: patterns of files that are all there; or other ones. "
        "Without any it must be asked for.",
    )
    tables: tuple[TableFile, ...] = Field((), description="Tables with a row a clip.")
    files: str = Field(
        "", description="Instead of tables: the pattern of files, as for data.label_from."
    )
    records: RecordFiles | None = Field(None, description="Instead of tables: files of records.")
    audio: Texts = Field(
        (),
        description="Where a row's audio lies: 'audio/{filename}' with the row's columns, the "
        "first that is there; '**/{name}.*' for a file of that name, whatever its folder and "
        "ending. Without it a column names the file.",
    )
    columns: Columns = Field(
        default_factory=Columns, description="Which column means what, as in data.columns."
    )
    more_labels: Texts = Field((), description="Further columns of labels.")
    labels: Literal["one", "several"] = Field("one", description="How many labels a clip has.")
    separator: str = Field(",", description="What divides several labels in a column.")
    label_names: dict[str, str] = Field({}, description="Name of each label by its code.")
    label_table: LabelTable | None = Field(None, description="Or the table that has them.")
    label_choice: Texts = Field(
        (), description="Columns that could be the label, where only the user can say which."
    )
    joins: tuple[Join, ...] = Field((), description="Tables that add columns to the rows.")
    where: dict[str, str] = Field({}, description="Only rows with these values are clips.")
    fields: tuple[str, ...] = Field((), description="Columns that become features.")
    splits: dict[str, str] = Field(
        {}, description="Files that list the clips of a split; used where all of them are there."
    )
    unlisted: Literal["train", "ignored"] = Field(
        "train", description="What becomes of clips that no such file lists."
    )
    folds: str = Field("", description="The column that numbers the official folds.")
    split_by: str = Field("", description="The feature whose values never straddle two splits.")
    missing: Literal["rejected", "ignored"] = Field(
        "rejected", description="What becomes of rows whose audio is not there."
    )
    unlabelled: Literal["rejected", "ignored"] = Field(
        "rejected", description="What becomes of rows whose label is empty."
    )
    not_clips: Texts = Field((), description="Patterns of audio that is not a clip.")
    sound_banks: dict[str, str] = Field(
        {}, description="Folders that are sound banks for policies, by name."
    )

    def label_codes(self, home: str) -> dict[str, str]:
        """Return the names of labels by code: what the table in `home` says, if it is there."""
        table = self.label_table
        uri = FileSystems.join(home, table.file) if table else ""
        if not table or not FileSystems.exists(uri):
            return self.label_names
        rows = read_manifest(uri, table)
        return {row.values[table.code]: row.values[table.name] for row in rows if row.values}

    @field_validator("found_by", mode="before")
    @classmethod
    def _one_pattern_is_a_list(cls, value: Any) -> Any:
        return [[item] if isinstance(item, str) else item for item in value]


@functools.cache
def shipped_layouts() -> dict[str, Layout]:
    """Return the layouts that come with this package, by name."""
    files = sorted(resources.files(_PACKAGE).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".yaml"): _parse(file.read_text(encoding="utf-8"), file.name)
        for file in files
        if file.name.endswith(".yaml")
    }


def load_layout(name: str) -> Layout:
    """Return a layout.

    Args:
      name: Of a layout that is shipped; or a file; or the document itself, as JSON.

    Raises:
      InvalidInput: If there is no such layout, or it is malformed.
    """
    if name.startswith("{"):
        return _parse(name, "the layout")
    if os.path.isfile(name):
        return _parse(read_text(name, "layout", MAX_BYTES), name)
    known = shipped_layouts()
    if name.lower() not in known:
        raise InvalidInput(
            f"the layout {name!r} is neither a file nor one of {', '.join(known)}, {NONE}."
            f"{did_you_mean(name.lower(), known)}"
        )
    return known[name.lower()]


def _parse(text: str, where: str) -> Layout:
    try:
        return Layout.model_validate(read_document(text, where).value)
    except pydantic.ValidationError as error:
        lines = [
            f"{'.'.join(map(str, item['loc'])) or 'the document'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise InvalidInput(f"{where}: {'; '.join(lines)}") from None


def layout_schema() -> str:
    """Return the JSON Schema of layout files."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Layout.model_json_schema(), indent=2, sort_keys=True) + "\n"
