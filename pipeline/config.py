"""`PipelineConfig`: file, environment and flags become one frozen object.

Later sources win: defaults, then a YAML file (``--config`` or ``TFX_AUDIO_CONFIG``), then flags and
``--set section.field=value``. Relative paths in a file are relative to that file, on the command
line to the working directory.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from tfx_audio.components.audio.errors import InvalidInput, check_no_pattern, did_you_mean
from tfx_audio.components.audio.policy.yaml_document import MAX_BYTES, read_document
from tfx_audio.components.audio.regular_file import read_text
from tfx_audio.components.audio.rejection import DEFAULT_MAX_REJECTED_FRACTION, shorten
from tfx_audio.components.audio.splits import split_of_name
from tfx_audio.components.audio_augmenter.config import AugmentConfig
from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
from tfx_audio.components.audio_schema_gen.config import ValidationConfig
from tfx_audio.components.config_section import ConfigSection
from tfx_audio.pipeline.beam.options import BeamConfig
from tfx_audio.pipeline.kubeflow.config import KubeflowConfig
from tfx_audio.pipeline.model.config import EvaluateConfig, ModelConfig, TrainConfig, TuneConfig

CONFIG_ENVIRONMENT_VARIABLE = "TFX_AUDIO_CONFIG"
_PATH_FIELDS = (
    *(("root",), ("data", "path"), ("data", "manifest"), ("data", "layout")),
    ("augment", "policy"),
)
_NAMES_OR_FILES = ("layout", "policy")  # a name stays as it is unless such a file exists


class PipelineConfig(ConfigSection):
    """Everything that a run depends on."""

    model_config = ConfigDict(protected_namespaces=())

    name: str = Field("tfx-audio", description="Name of the pipeline in ML Metadata.")
    root: str = Field("build/run", description="Folder for artifacts, metadata, logs, summary.")
    data: IngestConfig = Field(description="What is ingested, and how.")
    split: SplitConfig = Field(default_factory=SplitConfig, description="Who lands in which split.")
    validation: ValidationConfig = Field(
        default_factory=ValidationConfig, description="What counts as an anomaly."
    )
    augment: AugmentConfig = Field(
        default_factory=AugmentConfig, description="Policy and sound banks."
    )
    model: ModelConfig = Field(default_factory=ModelConfig, description="The network.")
    train: TrainConfig = Field(default_factory=TrainConfig, description="How it is trained.")
    tune: TuneConfig = Field(default_factory=TuneConfig, description="Search over parameters.")
    evaluate: EvaluateConfig = Field(
        default_factory=EvaluateConfig, description="Thresholds for the blessing."
    )
    beam: BeamConfig = Field(default_factory=BeamConfig, description="Where Beam runs.")
    kubeflow: KubeflowConfig = Field(
        default_factory=KubeflowConfig, description="What pods ask of the cluster."
    )
    max_rejected_fraction: float = Field(
        DEFAULT_MAX_REJECTED_FRACTION,
        ge=0,
        le=1,
        description="A component fails when it rejects more than this fraction.",
    )

    @property
    def metadata_path(self) -> str:
        """Where ML Metadata's SQLite file lies."""
        return os.path.join(self.root, "metadata.sqlite")

    @property
    def failed_dir(self) -> str:
        """Where the rejected table of a failed component is kept."""
        return os.path.join(self.root, "failed")

    @property
    def push_dir(self) -> str:
        """Where Pusher puts blessed models."""
        return os.path.join(self.root, "pushed")


def load_config(
    file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    assignments: Iterable[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> PipelineConfig:
    """Build the configuration of one run.

    Args:
      file: A YAML file with the fields of `PipelineConfig`.
      overrides: Values by dotted field name (``data.path``), from flags.
      assignments: ``section.field=value`` strings of ``--set``; values are read as YAML.
      defaults: Values by dotted field name that give way to all of these, the file's as well.

    Raises:
      InvalidInput: For a file that can't be read, an unknown field or an unfit value.
    """
    tree: dict[str, Any] = {}
    if file is not None:
        tree = _read_file(Path(file))
        _resolve_paths(tree, Path(file).resolve().parent)
    given = _tree_of(overrides or {})
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or not name.strip():
            raise InvalidInput(f"--set expects section.field=value, got {assignment!r}")
        _assign(given, name.strip(), _parse_value(name.strip(), text))
    _resolve_paths(given, Path.cwd())
    return parse_config(_merge(_merge(_tree_of(defaults or {}), tree), given))


def parse_config(tree: Mapping[str, Any]) -> PipelineConfig:
    """Validate a tree of values.

    Raises:
      InvalidInput: With one line for each field that does not fit.
    """
    try:
        config = PipelineConfig.model_validate(tree)
    except pydantic.ValidationError as error:
        lines = [_explain(item) for item in error.errors(include_url=False)]
        raise InvalidInput("; ".join(lines)) from None
    check_no_pattern("root", config.root)
    return config


def known_fields(model: type[BaseModel] = PipelineConfig) -> list[str]:
    """Return the dotted names of every field that ``--set`` reaches."""
    names = []
    for name, info in model.model_fields.items():
        inner = _model_of(info.annotation)
        names.append(name)
        if inner is not None:
            names.extend(f"{name}.{child}" for child in known_fields(inner))
    return names


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _explain(item: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        hint = did_you_mean(name, known_fields())
        return f"unknown field {name!r}.{hint}"
    if item["type"] == "missing":
        return f"{name} is required"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}, got {shorten(_shown(item.get('input')), 200)}"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes
        return "a number of very many digits"


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = read_text(path, "configuration", MAX_BYTES)
    except FileNotFoundError as error:
        raise InvalidInput(f"configuration file {path}: {error.strerror}") from error
    tree = read_document(text, f"configuration file {path}").value
    if not isinstance(tree, dict):
        raise InvalidInput(f"configuration file {path}: expected a mapping of sections")
    return tree


def _parse_value(name: str, text: str) -> Any:
    """Return the value of ``--set``: of a field that is text as it stands, else read as YAML."""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    if _is_text(name.split("."), PipelineConfig) and not is_quoted:
        return text
    if not text.strip() or text.startswith("*"):  # a file pattern; an alias would name nothing
        return text
    return read_document(text, f"--set {name}").value


def _is_text(names: list[str], model: type[BaseModel]) -> bool:
    """Return whether a dotted name is that of a field, or of a mapping's value, that is text."""
    info = model.model_fields.get(names[0])
    if info is None:
        return False
    inner = _model_of(info.annotation)
    if inner is not None:
        return len(names) > 1 and _is_text(names[1:], inner)
    return bool(info.annotation == (str if len(names) == 1 else dict[str, str]))


def _tree_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted name as a tree; None stands for a flag that was not given."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            _assign(tree, name, value)
    return tree


def _assign(tree: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        inner = tree.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InvalidInput(f"--set {name}: {parent!r} already has a value of its own")
        tree = inner
    tree[last] = value


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        old = merged.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[name] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _resolve_paths(tree: dict[str, Any], base: Path) -> None:
    """Make paths absolute."""
    for *parents, last in _PATH_FIELDS:
        section: Any = tree
        for parent in parents:
            section = section.get(parent) if isinstance(section, dict) else None
        value = section.get(last) if isinstance(section, dict) else None
        if isinstance(value, str):
            section[last] = _absolute(value, base, last)
        elif isinstance(value, list | tuple):
            section[last] = [_absolute(v, base, last) if isinstance(v, str) else v for v in value]
    augment = tree.get("augment")
    banks = augment.get("sound_banks") if isinstance(augment, dict) else None
    if isinstance(banks, dict):
        for name, value in banks.items():
            if isinstance(value, str) and "://" not in value:
                banks[name] = os.path.abspath(base / value)


def _absolute(value: str, base: Path, field: str) -> str:
    """Return a path from `base`; also that of ``eval=dev.tsv``, which says a split."""
    before, separator, file = value.partition("=")
    if field == "manifest" and separator and split_of_name(before):
        return f"{before}={_absolute(file, base, field)}"
    if not value or "://" in value or value.startswith("{"):
        return value
    if field in _NAMES_OR_FILES and not (base / value).is_file():
        return value
    return os.path.abspath(base / value)
