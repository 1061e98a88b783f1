"""The built-in user roles of a version."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from standins.octopus.api.permissions import permissions_for
from standins.octopus.contract import Version
from standins.octopus.store.kinds import SPACES

_FILE: Final = Path(__file__).with_name("roles.toml")
#: Had by whoever could see the matching screen, and gone later: AuditView with 2019.1, TaskViewLog with 2019.1.7.
_COMPANIONS: Final = {"AuditView": "EventView", "TaskViewLog": "TaskView"}
_ALL_POWERFUL: Final = ("userroles-systemadministrator", "userroles-systemmanager")


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    name: str
    description: str
    space: Sequence[str]
    system: Sequence[str]

    def json(self, *, split: bool) -> dict[str, Any]:
        """The stored document; ``split`` once space and system permissions are apart (2019.1)."""
        shared = {"Description": self.description, "CanBeDeleted": False}
        if split:
            return {
                **shared,
                "GrantedSpacePermissions": list(self.space),
                "GrantedSystemPermissions": list(self.system),
            }
        return {**shared, "GrantedPermissions": list(dict.fromkeys([*self.space, *self.system]))}


@functools.cache
def _rows() -> Sequence[Mapping[str, Any]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))["roles"]


@functools.cache
def built_in_roles(version: Version) -> Sequence[Role]:
    known = permissions_for(version)
    roles: list[Role] = []
    for row in _rows():
        if version < Version.parse(row.get("since", "0.0.0")):
            continue
        if version < SPACES and row["id"] in _ALL_POWERFUL:
            space = [name for name in known if name != "AdministerSystem" or row["id"] == _ALL_POWERFUL[0]]
            roles.append(Role(row["id"], row["name"], row["description"], space, []))
            continue
        wanted = row["space"]
        if isinstance(wanted, str):
            wanted = [name for name, permission in known.items() if permission.at_space_level]
        else:
            wanted = [*wanted, *(old for old, new in _COMPANIONS.items() if new in wanted)]
        space = [name for name in wanted if name in known]
        system = [name for name in row["system"] if name in known]
        roles.append(Role(row["id"], row["name"], row["description"], space, system))
    return tuple(roles)
