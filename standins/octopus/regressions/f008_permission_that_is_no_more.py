"""A custom role holds a permission that the new version does not know (OctopusDeploy/Issues 5362)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference

_REMOVED = "TaskViewLog"


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0183RemoveObsoletePermissions.cs", _parse)


def _parse(context: ScriptContext) -> None:
    """The role is planted: no role of the sample holds the permission any more."""
    context.database.rewrite("UserRole", _plant)
    for role, _ in context.database.documents("UserRole"):
        if _REMOVED in texts(role, "GrantedSpacePermissions"):
            raise ValueError(f"Requested value '{_REMOVED}' was not found.")


def _plant(role: dict[str, Any]) -> bool:
    role["GrantedSpacePermissions"] = [*texts(role, "GrantedSpacePermissions"), _REMOVED]
    return True
