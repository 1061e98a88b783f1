"""What every section of the settings file has in common."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """Unknown keys are refused: a misspelt setting must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write a URL such as https://octopus.example.com")
    if parts.username or parts.password:
        raise ValueError("a URL must not carry credentials; use a secret reference instead")
    return text.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]
