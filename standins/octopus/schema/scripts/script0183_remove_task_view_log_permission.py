"""2019.1.7 and again 2019.2.5: no role may grant TaskViewLog, which is gone (OctopusDeploy/Issues#5362).

2019.2.5 failed on roles without GrantedSpacePermissions and was withdrawn (#5414); this is the form of 2019.2.6.
"""

from __future__ import annotations

from typing import Any, Final

from standins.octopus.schema.context import ScriptContext

_GONE: Final = "TaskViewLog"


def run(context: ScriptContext) -> None:
    context.database.rewrite("UserRole", _remove)


def _remove(role: dict[str, Any]) -> bool:
    changed = False
    for name in ("GrantedSpacePermissions", "GrantedSystemPermissions"):
        granted: list[str] = role.get(name) or []
        if _GONE in granted:
            role[name] = [permission for permission in granted if permission != _GONE]
            changed = True
    return changed
