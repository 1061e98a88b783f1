"""The checks there are, from `knowledge/checks.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class CheckDescription:
    """What a check asks, how it finds out, and who would notice."""

    id: str
    title: str
    asks: str
    how: str
    notices: str


@cache
def checks() -> Mapping[str, CheckDescription]:
    """Every check by its id."""
    text = resources.files("tidegate.knowledge").joinpath("checks.toml").read_text(encoding="utf-8")
    return {name: CheckDescription(name, **row) for name, row in tomllib.loads(text).items()}
