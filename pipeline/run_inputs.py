"""What a run reads before its graph exists: policy, data digest, sample rate, bank digest.

All of it enters cache keys as content, never as a path or a time stamp.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from tfx_audio.components.audio.augment.augmenter import check_policy
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy, load_policy
from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
from tfx_audio.components.audio_example_gen.content_digest import data_digest
from tfx_audio.components.audio_example_gen.listing.inventory import scan
from tfx_audio.components.sound_bank.digest import bank_digest
from tfx_audio.pipeline.config import PipelineConfig
from tfx_audio.pipeline.model.config import import_function


@dataclass(frozen=True)
class PipelineInputs:
    """Content that the graph is built from.

    Attributes:
      policy: The augmentation policy, parsed.
      judged_split: The split that judges the model: what `augment.evaluation_split` says, else
        ``test``, or ``eval`` where the user has no test split.
      ingest: The ingest section with its sample rate resolved.
      split: The split section.
      data_digest: Digest of the input's content, or the version that the user states.
      banks: Folders of the sound banks that the policy names.
      bank_digest: Digest of their content; empty without banks.
      labels: Labels found, sorted; empty where they are only known when ingest has run.
      clips: Number of source files or records; None where it is not known.
      ignored: Number of what is left out of the data, by suffix or reason.
      notes: What a person should be told of the data, a sentence each.
    """

    policy: AugmentationPolicy
    judged_split: str
    ingest: IngestConfig
    split: SplitConfig
    data_digest: str
    banks: dict[str, str]
    bank_digest: str
    labels: tuple[str, ...] = ()
    clips: int | None = None
    ignored: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def sample_rate(self) -> int:
        """Hz of every clip.

        Raises:
          InvalidInput: If neither the data's headers nor the configuration say it.
        """
        if self.ingest.sample_rate is None:
            raise InvalidInput(
                "expected data.sample_rate: it is not set, and there are no headers to read it from"
            )
        return self.ingest.sample_rate


def read_inputs(config: PipelineConfig) -> PipelineInputs:
    """Read and check everything that can be checked before a component starts.

    Raises:
      InvalidInput: If data, policy or sound banks can't be used.
    """
    if ":" in config.model.backbone:
        import_function(config.model.backbone)
    policy = read_policy(config)
    inventory = scan(config.data, config.split)
    policy.check_sample_rate(inventory.sample_rate)
    ingest = inventory.config.model_copy(update={"sample_rate": inventory.sample_rate})
    if ingest.labels == "several":
        raise InvalidInput(
            "the data has several labels a clip, and the model learns one: data.labels=one takes "
            "clips with one label only; `tfx-audio augment` and AudioExampleGen take several"
        )
    if config.validation.strict and inventory.anomalies:
        raise InvalidInput(
            f"validation.strict allows no anomaly; the data has {'; '.join(inventory.anomalies)}"
        )
    if inventory.labels_complete:
        policy.check_labels(list(inventory.labels))
    banks = banks_of(config, policy)
    return PipelineInputs(
        policy=policy,
        judged_split=_judged_split(config, inventory.splits),
        ingest=ingest,
        split=config.split,
        data_digest=data_digest(ingest),
        banks=banks,
        bank_digest=bank_digest(banks) if banks else "",
        labels=tuple(inventory.labels),
        clips=inventory.n_clips,
        ignored=inventory.ignored,
        notes=(*inventory.notes, *(f"anomaly: {text}" for text in inventory.anomalies)),
    )


def inputs_for_pods(config: PipelineConfig, data_version: str | None) -> PipelineInputs:
    """Return a run's inputs for pods: read here, or stated where only the pods see the data.

    Raises:
      InvalidInput: If data, policy or sound banks can't be used, or a statement is missing.
    """
    if not data_version:
        for folder in (config.data.path, *config.augment.sound_banks.values()):
            if "://" in folder:
                raise InvalidInput(
                    f"--data-version is required for a folder that can't be read here ({folder})"
                )
        return read_inputs(config)
    if config.data.sample_rate is None:
        raise InvalidInput(
            "data.sample_rate is required with --data-version, since the data's headers are not "
            "read: for example --set data.sample_rate=16000"
        )
    policy = read_policy(config)
    return PipelineInputs(
        policy=policy,
        judged_split=_judged_split(config, config.split.rule().expected()),
        ingest=config.data,
        split=config.split,
        data_digest=data_version,
        banks=banks_of(config, policy),
        bank_digest=data_version,
    )


def _judged_split(config: PipelineConfig, splits: Collection[str]) -> str:
    return config.augment.evaluation_split or ("test" if "test" in splits else "eval")


def read_policy(config: PipelineConfig) -> AugmentationPolicy:
    """Load the run's policy and check that everything it names can be built here.

    Raises:
      InvalidInput: If it can't.
    """
    policy = load_policy(config.augment.policy)
    if config.augment.seed is not None:
        policy = replace(policy, seed=config.augment.seed)
    if config.augment.on_the_fly and policy.sound_banks:
        raise InvalidInput(
            "augment.on_the_fly makes copies in the Trainer, which has no sound banks; the policy "
            f"names {', '.join(policy.sound_banks)}. Leave on_the_fly off, or the banks out"
        )
    banks_of(config, policy)
    if config.data.sample_rate:
        policy.check_sample_rate(config.data.sample_rate)
    check_policy(policy)
    return policy


def banks_of(config: PipelineConfig, policy: AugmentationPolicy) -> dict[str, str]:
    """Return the folders of the banks that the policy names.

    Raises:
      InvalidInput: If the policy names a bank that was not given.
    """
    given = config.augment.sound_banks
    policy.check_banks(given)
    return {name: given[name] for name in sorted(policy.sound_banks)}
