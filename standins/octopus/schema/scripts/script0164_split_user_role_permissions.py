"""2019.1: GrantedPermissions was split into space and system permissions (OctopusClients 4.45.0 to 6.0.2)."""

from __future__ import annotations

from typing import Any

from standins.octopus.api.permissions import permissions_for
from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.roles import built_in_roles

_VERSION = Version(2019, 1, 0)


def run(context: ScriptContext) -> None:
    database = context.database
    roles = {role.id: role for role in built_in_roles(_VERSION)}
    existing: set[str] = set()
    for document, (name,) in database.documents("UserRole", "Name"):
        identity = document.pop("Id")
        existing.add(identity)
        if identity in ("userroles-systemadministrator", "userroles-systemmanager"):
            json: dict[str, Any] = roles[identity].json(split=True)
        else:
            json = split(document)
        database.run("UPDATE dbo.[UserRole] SET [JSON] = ? WHERE [Id] = ?", _text(json), identity)
        if lost := sorted(
            set(document.get("GrantedPermissions") or ()) - set(permissions_for(_VERSION)) - {"AuditView"}
        ):
            context.log(f"The role '{name}' had permissions that no longer exist: {', '.join(lost)}")
    for identity, role in roles.items():
        if identity not in existing and not identity.startswith("userroles-runbook"):
            database.insert("UserRole", identity, role.json(split=True), Name=role.name)


def split(role: dict[str, Any]) -> dict[str, Any]:
    """Space permissions, and those that can be either, go to the space; team permissions hold on both levels."""
    known = permissions_for(_VERSION)
    granted = ["EventView" if name == "AuditView" else name for name in role.pop("GrantedPermissions", None) or ()]
    granted = [name for name in dict.fromkeys(granted) if name in known]
    space = [name for name in granted if known[name].at_space_level]
    only_system = [name for name in granted if not known[name].at_space_level]
    if not any(not known[name].at_system_level for name in space):  # nothing that needs a space: a system role
        space, only_system = [], granted
    else:
        only_system += [name for name in space if name.startswith("Team")]
    role.pop("PermissionDescriptions", None)
    return {**role, "GrantedSpacePermissions": space, "GrantedSystemPermissions": only_system}


def _text(json: dict[str, Any]) -> str:
    from standins.octopus.store.documents import to_json  # noqa: PLC0415 - used here only

    return to_json(json)
