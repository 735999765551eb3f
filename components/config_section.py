"""`ConfigSection`: what all parts of a configuration file have in common."""

from pydantic import BaseModel, ConfigDict


class ConfigSection(BaseModel):
    """One section: frozen, finite, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
