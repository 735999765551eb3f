"""The configuration's section `augment`."""

from pydantic import Field

from tfx_audio.components.config_section import ConfigSection


class AugmentConfig(ConfigSection):
    """What is augmented, and with what."""

    policy: str = Field(
        "classic",
        min_length=1,
        description="A policy file, or the name of a preset (`tfx-audio policy list`).",
    )
    seed: int | None = Field(
        None,
        ge=-(2**63) + 1,
        le=2**63 - 1,
        description="Replaces the policy's own seed where it is set.",
    )
    sound_banks: dict[str, str] = Field(
        default_factory=dict,
        description="Folders of noise or impulse responses, by the name the policy uses.",
    )
    evaluation_split: str = Field(
        "",
        description="The split whose clips are put under the policy's conditions; empty: test, or "
        "eval where there is no test split.",
    )
    on_the_fly: bool = Field(
        False, description="The Trainer makes fresh copies in every epoch, beside the written ones."
    )
