"""A new permission appears that older clients cannot read (OctopusDeploy/Issues 7190)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _grant)


def _grant(context: ScriptContext) -> None:
    context.database.rewrite("UserRole", _add)


def _add(role: dict[str, Any]) -> bool:
    name = next((one for one in ("GrantedSystemPermissions", "GrantedPermissions") if texts(role, one)), None)
    if name is None:
        return False
    role[name] = [*texts(role, name), "TelemetryView"]
    return True
