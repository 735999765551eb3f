"""`ValidationConfig`: what the data must look like."""

from pydantic import Field

from tfx_audio.components.config_section import ConfigSection


class ValidationConfig(ConfigSection):
    """What the data is held against, and how strictly."""

    strict: bool = Field(False, description="Whether an anomaly fails the run.")
    labels: tuple[str, ...] = Field(
        (), description="The labels that are right; empty: those of train."
    )
    sample_rate: int | None = Field(
        None, ge=100, le=1_000_000, description="The rate that is right, Hz; None: the data's."
    )
    min_peak_dbfs: float = Field(
        -80.0, le=0, description="A clip that peaks below this, in dB of full scale, is silent."
    )
