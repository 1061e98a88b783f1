"""A data script meets a role without GrantedSpacePermissions; withdrawn (OctopusDeploy/Issues 5414)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0187MigrateUserRoles.cs", _migrate)


def _migrate(context: ScriptContext) -> None:
    context.database.rewrite("UserRole", lambda role: role.pop("GrantedSpacePermissions", None) is not None)
    for role, _ in context.database.documents("UserRole"):
        role["GrantedSpacePermissions"]  # nobody thought of roles made before it
