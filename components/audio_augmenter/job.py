"""`AugmentationJob`: what one augmentation reads, what it makes of it and where that goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.splits import EVAL, TEST, TRAIN
from tfx_audio.components.audio_augmenter.spans import Span
from tfx_audio.components.audio_augmenter.transforms import EXAMPLES, condition_tag
from tfx_audio.components.audio_augmenter.user_records import CONTRACT, ContractRecords

CONDITIONS = "conditions"


@dataclass(frozen=True)
class AugmentationJob:
    """What is read, what is made of it and where it goes.

    Attributes:
      policy: The augmentation.
      inputs: File patterns by split.
      split_uri: Where an output split is written, by its name.
      rejected_dir: Where the rejected table is written.
      progress_dir: Where workers count what they have finished; removed at the end.
      bank_uris: Folders of the policy's sound banks, by name.
      evaluation_split: The split that is put under the conditions; empty: test, else eval.
      kept_dir: A folder, on a file system of this machine, where results of finished spans are
        kept, so that a job that was killed goes on from there; empty: nothing is kept.
      bank_digest: Digest of the sound banks' content, which kept results depend on.
      records: How the examples are read and written.
    """

    policy: AugmentationPolicy
    inputs: Mapping[str, Sequence[str]]
    split_uri: Callable[[str], str]
    rejected_dir: str
    progress_dir: str
    bank_uris: Mapping[str, str] = field(default_factory=dict)
    evaluation_split: str = ""
    kept_dir: str = ""
    bank_digest: str = ""
    records: ContractRecords = CONTRACT

    @property
    def judged_split(self) -> str:
        """The split that is put under the conditions, empty if there is none."""
        if self.evaluation_split:
            return self.evaluation_split
        return next((split for split in (TEST, EVAL) if split in self.inputs), "")

    @property
    def condition_splits(self) -> dict[str, str]:
        """Output split by condition."""
        if not self.judged_split:
            return {}
        return {name: f"{self.judged_split}_{name}" for name in self.policy.conditions}

    @property
    def passed_splits(self) -> list[str]:
        """What is passed on as it came; the conditions of `test` stand for it."""
        return sorted(split for split in self.inputs if split not in (TRAIN, TEST))

    @property
    def output_splits(self) -> list[str]:
        """Everything that is written: train, what is passed on, the conditions."""
        return [TRAIN, *self.passed_splits, *self.condition_splits.values()]

    @property
    def outputs_by_step(self) -> dict[str, dict[str, str]]:
        """The output splits of each step, by the tag that its results have."""
        conditions = {condition_tag(name): s for name, s in self.condition_splits.items()}
        whole = {split: {EXAMPLES: split} for split in (TRAIN, *self.passed_splits)}
        return {**whole, CONDITIONS: conditions}

    def spans_by_step(self, spans: Mapping[str, list[Span]]) -> dict[str, list[Span]]:
        """Return what each step reads, of the spans of each split."""
        read = {split: split for split in (TRAIN, *self.passed_splits)}
        read[CONDITIONS] = self.judged_split
        return {step: spans[split] for step, split in read.items() if split in spans}

    def check(self) -> None:
        """Raise `InvalidInput` for a split or a sound bank that is not there."""
        for split in filter(None, (TRAIN, self.judged_split)):
            if split not in self.inputs:
                raise InvalidInput(
                    f"augmentation needs a split '{split}'; the examples have "
                    f"{', '.join(sorted(self.inputs)) or 'none'}"
                )
        self.policy.check_banks(self.bank_uris)
