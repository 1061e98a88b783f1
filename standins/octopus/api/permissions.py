"""The permission names of a version (``data/permissions.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from standins.octopus.api.versions import in_force
from standins.octopus.contract import Version


@dataclass(frozen=True, slots=True)
class Permission:
    """What a permission is about. ``restrictions``: Projects, ProjectGroups, Environments, Tenants."""

    name: str
    description: str
    level: Literal["system", "space", "both"]
    restrictions: frozenset[str]

    @property
    def at_system_level(self) -> bool:
        return self.level != "space"

    @property
    def at_space_level(self) -> bool:
        return self.level != "system"


@lru_cache(maxsize=1)
def _rows() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "data" / "permissions.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def permissions_for(version: Version) -> Mapping[str, Permission]:
    """Every permission the version knows, by name."""
    return {
        name: Permission(name, row["description"], row["level"], frozenset(row.get("restrictions", ())))
        for name, row in _rows().items()
        if in_force(version, row.get("since", ""), row.get("until", ""))
    }
