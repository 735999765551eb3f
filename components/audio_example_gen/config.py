"""`IngestConfig` and `SplitConfig`: what is read, and how it is divided."""

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio.reading.name_pattern import parse_name_pattern
from tfx_audio.components.audio.records.examples import AUDIO_KEY, CONTRACT_KEYS
from tfx_audio.components.audio.splits import SplitRule, make_split_rule
from tfx_audio.components.audio_example_gen.listing.columns import Columns
from tfx_audio.components.config_section import ConfigSection, Texts

_DAY_S = 86_400.0
_BYTES_PER_SAMPLE = 4


class IngestConfig(ConfigSection):
    """Where the audio is and what becomes of it."""

    path: str = Field("", description="Data root: a folder of audio.")
    version: str = Field(
        "",
        description="Any text that changes with the data: the cache goes by it instead of a digest "
        "of every byte. A run still reads some headers. In YAML, quote a number.",
    )
    layout: str = Field(
        "",
        description="How the data set lies in its folder: a name (docs/your_data.md), a file, or "
        "none. Without it what lies in the folder tells.",
    )
    manifest: Texts = Field(
        (),
        description="Tables with a row a clip: CSV, TSV, JSON. 'eval=dev.tsv' says the split of "
        "one; of several the names say it, if they do.",
    )
    encoding: str = Field(
        "", description="Coding of tables that are no Unicode: cp1251, shift_jis, ..."
    )
    columns: Columns = Field(
        default_factory=Columns, description="Columns of the manifest, features of the records."
    )
    fields: Texts = Field(
        (), description="Further columns of a manifest that become features of each clip."
    )
    labels: Literal["one", "several"] | None = Field(
        None, description="How many labels a clip has; None: what the layout says, else one."
    )
    exclude: Texts = Field((), description="Patterns of files that are passed over: 'drafts/*'.")
    records: str = Field(
        "", description="Pattern of TFRecord files of others below the data root: '*.tfrecord'."
    )
    records_sample_rate: int | None = Field(
        None, ge=100, le=1_000_000, description="Hz of samples in records, where no feature says."
    )
    label_from: str = Field(
        "",
        description="Pattern of file names, '{label}_{speaker}_{index}': its parts become the "
        "label, the group and features of their own. Without it the folder is the label.",
    )
    label_folder: Literal["first", "last"] = Field(
        "first",
        description="Which folder names the class where folders are nested: the first below the "
        "data root, or the one that holds the file.",
    )
    sample_rate: int | None = Field(
        None, ge=100, le=1_000_000, description="Hz of every clip; None: what most headers say."
    )
    channels: Literal["mono", "keep"] = Field(
        "mono", description="Mix all channels to one, or keep them."
    )
    trim_silence_db: float | None = Field(
        None,
        gt=0,
        description="Trim both ends where they stay this much, in dB, below the loudest 10 ms.",
    )
    window_s: float | None = Field(
        None,
        ge=0.01,
        le=_DAY_S,
        description="Cut recordings into windows of this length, in seconds.",
    )
    hop_s: float | None = Field(
        None,
        ge=0.001,
        le=_DAY_S,
        description="From one window's start to the next, in seconds; None: window_s.",
    )
    min_duration_s: float = Field(0.0, ge=0, le=_DAY_S, description="Shortest clip, in seconds.")
    max_duration_s: float | None = Field(
        None, gt=0, le=_DAY_S, description="Longest clip, in seconds."
    )
    max_recording_mb: int = Field(
        1024,
        ge=1,
        le=2**20,
        description="Largest recording: MiB of the file, and MiB of its 32 bit samples decoded.",
    )
    over_full_scale: Literal["rescale", "clip", "reject"] = Field(
        "rescale",
        description="What is done with a recording beyond full scale, as float files and MP3s may "
        "be: brought to full scale, clipped or rejected. Integers stored as floats are read so.",
    )
    silent_labels: tuple[str, ...] = Field(
        (),
        description="Labels whose clips may be digital silence; a clip of nothing but zeros under "
        "another label is rejected.",
    )
    near_duplicates: Literal["ignore", "report", "reject"] = Field(
        "ignore",
        description="What is done with a clip that sounds like one in a split that is held out: "
        "the same recording in another format, at another level or with another start. report "
        "names it as an anomaly, reject takes it out of "
        "train, and of eval where test has the other.",
    )
    roots: tuple[str, ...] = Field(
        (), description="Further folders that links and manifests may point into."
    )

    @property
    def max_samples(self) -> int:
        """The most samples that one decoded recording may have."""
        return self.max_recording_mb * 2**20 // _BYTES_PER_SAMPLE

    def clip_format(self, sample_rate: int) -> ClipFormat:
        """Return what clips are made into; `sample_rate` holds where the section sets none."""
        return ClipFormat(
            sample_rate=self.sample_rate or sample_rate,
            keep_channels=self.channels == "keep",
            trim_silence_db=self.trim_silence_db,
            window_s=self.window_s,
            hop_s=self.hop_s,
            min_duration_s=self.min_duration_s,
            max_duration_s=self.max_duration_s,
            max_samples=self.max_samples,
            over_full_scale=self.over_full_scale,
            silent_labels=self.silent_labels,
        )

    def field_names(self) -> tuple[str, ...]:
        """Return the names of the features that the data adds to the contract's."""
        named = parse_name_pattern(self.label_from).fields if self.label_from else ()
        return (*named, *(name for name in self.fields if name not in named))

    @field_validator("fields")
    @classmethod
    def _no_feature_twice(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        taken = [name for name in fields if name in CONTRACT_KEYS]
        if taken:
            raise ValueError(
                f"every clip has the features {', '.join(CONTRACT_KEYS)}; {taken[0]!r} can't be "
                "kept beside them"
            )
        return fields


class SplitConfig(ConfigSection):
    """How clips are divided into train, eval and test."""

    ratios: dict[str, float] = Field(
        default_factory=lambda: {"train": 0.8, "eval": 0.1, "test": 0.1},
        description="Weight of each split; test may be left out.",
    )
    by: str = Field(
        "",
        description="The feature whose values never straddle two splits (speaker, group); "
        "'audio': the audio's content. Empty: what the layout says, else the audio.",
    )
    fold: str = Field(
        "", description="The fold that is the test split; the next one is eval, the others train."
    )
    select: dict[str, str] = Field(
        default_factory=dict,
        description="Clips chosen for a split by value: {test: 'index in 0-4'}; the others are "
        "divided among the splits that have no selection.",
    )
    seed: int | None = Field(
        None,
        ge=-(2**63),
        lt=2**63,
        description="Another seed, another partition; None: 0, or where few groups leave a split "
        "empty, the next that leaves none.",
    )

    def rule(self, given_splits: frozenset[str] = frozenset()) -> SplitRule:
        """Return the rule; raises InvalidInput where it makes no sense."""
        return make_split_rule(self.ratios, self.by, self.select, self.seed or 0, given_splits)


_Section = TypeVar("_Section", bound=BaseModel)


def parse_section(model: type[_Section], where: str, values: Mapping[str, Any]) -> _Section:
    """Return a section of the configuration from plain values.

    Raises:
      InvalidInput: For the first field that is unknown or has no value that it may have.
    """
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        hint = did_you_mean(name, model.model_fields) if first["type"] == "extra_forbidden" else ""
        raise InvalidInput(f"{where}.{name}: {first['msg']}.{hint}") from None


def ingest_config_json(data: IngestConfig, split: SplitConfig) -> str:
    """Return both as the component's parameter `ingest_config`, the same text every time."""
    return json.dumps(
        {"data": data.model_dump(mode="json"), "split": split.model_dump(mode="json")},
        sort_keys=True,
    )


def parse_ingest_config(text: str) -> tuple[IngestConfig, SplitConfig]:
    """Parse what `ingest_config_json` wrote."""
    sections = json.loads(text)
    return IngestConfig(**sections["data"]), SplitConfig(**sections["split"])


def statistics_features(data: IngestConfig) -> list[str]:
    """Return the features that StatisticsGen looks at: all but the audio's bytes.

    For ``StatisticsGen(stats_options=tfdv.StatsOptions(feature_allowlist=...))``.
    """
    contract = [key for key in CONTRACT_KEYS if key != AUDIO_KEY]
    return [*contract, *data.field_names()]
