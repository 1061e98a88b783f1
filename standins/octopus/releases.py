"""The releases of Octopus Server that the stand-in can be."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from standins.octopus.contract import Version


@dataclass(frozen=True, slots=True)
class Release:
    """One released version; a withdrawn one was taken back by Octopus and is not listed for download."""

    version: Version
    withdrawn: bool = False


@cache
def releases() -> Sequence[Release]:
    """Every release from `data/releases.toml`, oldest first."""
    text = resources.files("standins.octopus").joinpath("data/releases.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    withdrawn = set(data["withdrawn"])
    return tuple(Release(Version.parse(version), version in withdrawn) for version in data["versions"])


def release(version: str) -> Release | None:
    """The release of this version, or None when there is none."""
    return next((known for known in releases() if str(known.version) == version), None)
