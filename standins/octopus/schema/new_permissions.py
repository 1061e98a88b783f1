"""How a script gives a new permission to the built-in roles that are meant to have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.roles import built_in_roles
from standins.octopus.store.documents import to_json


def grant_new(context: ScriptContext, version: Version, names: Sequence[str]) -> None:
    """Adds, and never takes away: somebody may have edited a built-in role. Roles new in the version are created."""
    database = context.database
    stored: dict[str, dict[str, Any]] = {document["Id"]: document for document, _ in database.documents("UserRole")}
    for role in built_in_roles(version):
        json = stored.get(role.id)
        if json is None:
            database.insert("UserRole", role.id, role.json(split=True), Name=role.name)
            continue
        identity = json.pop("Id")
        changed = _add(json, "GrantedSpacePermissions", [name for name in names if name in role.space])
        if _add(json, "GrantedSystemPermissions", [name for name in names if name in role.system]) or changed:
            database.run("UPDATE dbo.[UserRole] SET [JSON] = ? WHERE [Id] = ?", to_json(json), identity)


def _add(role: dict[str, Any], list_name: str, names: Sequence[str]) -> bool:
    granted: list[str] = role.get(list_name) or []
    fresh = [name for name in names if name not in granted]
    if fresh:
        role[list_name] = [*granted, *fresh]
    return bool(fresh)
