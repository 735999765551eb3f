"""`ConfigSection`: what all parts of a configuration file have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _one_is_a_list(value: Any) -> Any:
    return ([value] if value else []) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_is_a_list)]
"""A field of several texts, of which one may stand alone."""


class ConfigSection(BaseModel):
    """One section: frozen, finite, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
