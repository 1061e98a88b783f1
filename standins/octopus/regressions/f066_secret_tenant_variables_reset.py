"""Secret tenant variables are reset to null by the upgrade.

OctopusDeploy/Issues 9655; both releases were withdrawn.
"""

from __future__ import annotations

from typing import Any

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _forget)


def _forget(context: ScriptContext) -> None:
    context.database.rewrite("TenantVariable", _reset)


def _reset(variable: dict[str, Any]) -> bool:
    if not isinstance(variable.get("Value"), dict):
        return False
    variable["Value"] = None
    return True
