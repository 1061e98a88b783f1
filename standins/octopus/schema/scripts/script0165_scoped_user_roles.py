"""2019.1: a team's roles and scopes became ScopedUserRole documents, one a role (OctopusClients 4.45.0 to 6.0.2)."""

from __future__ import annotations

from typing import Any, Final

from standins.octopus.schema.context import ScriptContext
from standins.octopus.store.documents import split_list, to_json

_SPACE: Final = "Spaces-1"
_SCOPES: Final = ("ProjectIds", "EnvironmentIds", "ProjectGroupIds", "TenantIds")
_MANAGERS: Final = f"teams-spacemanagers-{_SPACE}"


def run(context: ScriptContext) -> None:
    database = context.database
    database.run(
        """
        CREATE TABLE dbo.[ScopedUserRole] (
            [Id] nvarchar(50) NOT NULL,
            [UserRoleId] nvarchar(50) NOT NULL,
            [TeamId] nvarchar(50) NOT NULL,
            [SpaceId] nvarchar(50) NULL,
            [JSON] nvarchar(max) NOT NULL,
            CONSTRAINT [PK_ScopedUserRole_Id] PRIMARY KEY CLUSTERED ([Id])
        )
        CREATE INDEX [IX_ScopedUserRole_TeamId] ON dbo.[ScopedUserRole] ([TeamId])
        CREATE INDEX [IX_ScopedUserRole_UserRoleId] ON dbo.[ScopedUserRole] ([UserRoleId])
        """
    )
    in_space = {role["Id"] for role, _ in database.documents("UserRole") if role.get("GrantedSpacePermissions")}
    for team, columns in database.documents("Team", *_SCOPES, "TenantTags"):
        identity = team.pop("Id")
        scope = {name: split_list(text) for name, text in zip((*_SCOPES, "TenantTags"), columns, strict=True)}
        tags = scope.pop("TenantTags")
        if (
            tags
        ):  # scoping by tenant tags has no successor; the tenants that match today keep the team as narrow as it was
            scope["TenantIds"] = sorted({*scope["TenantIds"], *_tagged(context, tags)}) or ["Tenants-none"]
            context.log(f"The team {identity} was scoped by tenant tags; it is now scoped to the tenants that had them")
        for role in team.pop("UserRoleIds", None) or ():
            _grant(context, identity, role, scope if role in in_space else {}, _SPACE if role in in_space else None)
        for name in (*_SCOPES, "TenantTags"):
            team.pop(name, None)
        database.run("UPDATE dbo.[Team] SET [JSON] = ? WHERE [Id] = ?", to_json(team), identity)
    for column in (*_SCOPES, "TenantTags"):
        database.run(f"ALTER TABLE dbo.[Team] DROP COLUMN [{column}]")
    _new_teams(context)


def _tagged(context: ScriptContext, tags: list[str]) -> list[str]:
    rows = context.database.run("SELECT [Id], [TenantTags] FROM dbo.[Tenant]")
    return [identity for identity, text in rows if set(split_list(text)) & set(tags)]


def _new_teams(context: ScriptContext) -> None:
    """Ids and names: recorded spaces and teams of 2019 and later."""
    database = context.database
    if not database.run("SELECT 1 FROM dbo.[Team] WHERE [Id] = N'teams-managers'"):
        database.insert("Team", "teams-managers", _built_in(), Name="Octopus Managers", MemberUserIds="")
        _grant(context, "teams-managers", "userroles-systemmanager", {}, None)
    database.insert("Team", _MANAGERS, _built_in(), Name="Space Managers", MemberUserIds="", SpaceId=_SPACE)
    for team in ("teams-administrators", "teams-managers", _MANAGERS):
        _grant(context, team, "userroles-spacemanager", {}, _SPACE)


def _built_in() -> dict[str, Any]:
    return {
        "ExternalSecurityGroups": [],
        "CanBeDeleted": False,
        "CanBeRenamed": False,
        "CanChangeRoles": True,
        "CanChangeMembers": True,
    }


def _grant(context: ScriptContext, team: str, role: str, scope: dict[str, list[str]], space: str | None) -> None:
    json = {name: scope.get(name, []) for name in _SCOPES}
    database = context.database
    database.insert(
        "ScopedUserRole", database.next_id("ScopedUserRoles"), json, UserRoleId=role, TeamId=team, SpaceId=space
    )
