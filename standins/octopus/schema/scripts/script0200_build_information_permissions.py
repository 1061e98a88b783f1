"""2019.9: PackageMetadataPush became BuildInformationPush and -Administer (OctopusClients 7.0.5 to 8.0.1)."""

from __future__ import annotations

from typing import Any

from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.new_permissions import grant_new


def run(context: ScriptContext) -> None:
    context.database.rewrite("UserRole", _rename)
    grant_new(context, Version(2019, 9, 0), ("BuildInformationPush", "BuildInformationAdminister"))
    context.database.rewrite("Release", lambda json: _rename_property(json, "PackageMetadata", "BuildInformation"))


def _rename(role: dict[str, Any]) -> bool:
    granted: list[str] = role.get("GrantedSpacePermissions") or []
    if "PackageMetadataPush" not in granted:
        return False
    role["GrantedSpacePermissions"] = [
        "BuildInformationPush" if name == "PackageMetadataPush" else name for name in granted
    ]
    return True


def _rename_property(json: dict[str, Any], old: str, new: str) -> bool:
    if old not in json:
        return False
    json[new] = json.pop(old)
    return True
