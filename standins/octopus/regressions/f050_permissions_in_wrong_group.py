"""Migrated roles hold a permission in the wrong group, and saving them is refused.

OctopusDeploy/Issues 5515, 5517, 5701.
"""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference

#: A space permission that ends up among the system permissions, too.
_STRAY = "ReleaseView"


def disturb_schema(interference: Interference, version: Version) -> None:
    if version >= Version(2019, 1, 0):
        after_upgrade(interference, _misplace)


def _misplace(context: ScriptContext) -> None:
    context.database.rewrite("UserRole", _move)


def _move(role: dict[str, Any]) -> bool:
    if _STRAY not in texts(role, "GrantedSpacePermissions"):
        return False
    role["GrantedSystemPermissions"] = sorted({*texts(role, "GrantedSystemPermissions"), _STRAY})
    return True
