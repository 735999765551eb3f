"""A policy on some clips of a folder, as a report page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tfx_audio.components.audio.augment.augmenter import AugmentationFailed, Augmenter
from tfx_audio.components.audio.clip import Clip, copy_id, label_names
from tfx_audio.components.audio.policy.augmentation_policy import AugmentationPolicy
from tfx_audio.components.audio.rejection import Rejection
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.augmentation_report.clip_views import build_family_views
from tfx_audio.components.augmentation_report.report_data import Report, TransformUse
from tfx_audio.components.augmentation_report.sampling import Family
from tfx_audio.components.augmentation_report.tables import show_policy, sound_note
from tfx_audio.pipeline.clips.prepared_banks import prepared_banks
from tfx_audio.pipeline.clips.sound_folder import choose_clips, list_sounds, read_clips
from tfx_audio.pipeline.model.config import ModelConfig

STAGE = "preview"


@dataclass(frozen=True)
class PreviewRequest:
    """What to show, and the network whose input the pictures show.

    `clips` is how many source clips are shown, taken from the labels in turn; `copies` is how many
    copies of each.
    """

    source: IngestConfig
    policy: AugmentationPolicy
    policy_name: str
    clips: int = 6
    copies: int = 4
    sound_banks: Mapping[str, str] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)


def preview_policy(request: PreviewRequest) -> Report:
    """Augment some clips and return what a page shows of them.

    Raises:
      InvalidInput: If the folder holds no audio or the policy can't run.
    """
    sounds = list_sounds(request.source)
    recordings, left_out = sounds.recordings, sounds.rejections
    joined = {row.label for one in recordings for row in one.rows}
    labels = sorted({name for label in joined for name in label_names(label)})
    if labels:
        request.policy.check_labels(labels)
    clip_format = sounds.clip_format()
    sample_rate = clip_format.sample_rate
    request.policy.check_sample_rate(sample_rate)
    clips, rejections = read_clips(choose_clips(recordings, request.clips), clip_format)
    rejections += left_out
    families = []
    with prepared_banks(request.policy, request.sound_banks, sample_rate) as banks:
        rejections += banks.rejections
        augmenter = Augmenter(request.policy, banks.folders)
        for clip in clips:
            copies, failed = make_copies(augmenter, clip, request.copies)
            families.append((clip.label, Family(clip, tuple(copies))))
            rejections += failed
    views, sound = build_family_views(families, request.model.model_dump(mode="json"))
    return Report(
        title=f"Preview of {request.policy_name}",
        summary=_summary(request, families, len(recordings), sample_rate),
        families=views,
        transforms=_uses(augmenter, families),
        rejected_counts=Counter((one.stage, one.reason) for one in rejections),
        rejected=tuple(rejections),
        policy=show_policy(request.policy.to_dict()),
        provenance=(("seed", str(request.policy.seed)), ("policy digest", request.policy.digest)),
        notes=(sound_note(sound),),
    )


def make_copies(
    augmenter: Augmenter, clip: Clip, copies: int
) -> tuple[list[Clip], list[Rejection]]:
    """Make copies of one clip; return those and why others failed."""
    made: list[Clip] = []
    failed: list[Rejection] = []
    for copy_index in range(1, copies + 1):
        try:
            made.append(augmenter.augment(clip, copy_index))
        except AugmentationFailed as error:
            where = copy_id(clip.clip_id, copy_index)
            detail = f"{error.transform}: {error.detail}"
            failed.append(Rejection(where, error.reason, STAGE, detail, clip.label))
    return made, failed


def _summary(
    request: PreviewRequest, families: list[tuple[str, Family]], found: int, sample_rate: int
) -> tuple[tuple[str, str], ...]:
    return (
        ("policy", request.policy_name),
        ("seed", str(request.policy.seed)),
        ("audio files found", f"{found:,}"),
        ("clips shown", str(len(families))),
        ("copies made", str(sum(len(family.copies) for _, family in families))),
        ("sample rate", f"{sample_rate:,} Hz"),
    )


def _uses(augmenter: Augmenter, families: list[tuple[str, Family]]) -> tuple[TransformUse, ...]:
    copies = sum(len(family.copies) for _, family in families)
    return tuple(
        TransformUse(
            name,
            stats.applied,
            min(1.0, stats.applied / max(1, copies)),
            1000 * stats.seconds / stats.applied,
        )
        for name, stats in augmenter.stats.items()
    )
