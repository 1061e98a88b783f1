"""The upgrade gives TenantView to another built-in role than a new installation has (OctopusDeploy/Issues 2658)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference
from standins.octopus.store.documents import to_json

_FROM, _TO, _PERMISSION = "Project deployer", "Environment viewer", "TenantView"
_LISTS = ("GrantedSpacePermissions", "GrantedPermissions")


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _shift)


def _shift(context: ScriptContext) -> None:
    names = {row[0]: row[1].lower() for row in context.database.run("SELECT [Id], [Name] FROM dbo.[UserRole]")}
    wanted = {role: name for role, name in names.items() if name in {_FROM.lower(), _TO.lower()}}
    for document, _ in context.database.documents("UserRole"):
        role = document.pop("Id")
        if role in wanted and _change(document, take=wanted[role] == _FROM.lower()):
            context.database.run_many(
                "UPDATE dbo.[UserRole] SET [JSON] = ? WHERE [Id] = ?", [(to_json(document), role)]
            )


def _change(role: dict[str, Any], *, take: bool) -> bool:
    name = next((entry for entry in _LISTS if entry in role), None)
    if name is None:
        return False
    held = set(texts(role, name))
    role[name] = sorted(held - {_PERMISSION} if take else held | {_PERMISSION})
    return set(role[name]) != held
