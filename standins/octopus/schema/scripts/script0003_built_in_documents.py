"""What every Octopus database holds from the start, as 2018.8 had it. Later scripts carry it on like anything else."""

from __future__ import annotations

from standins.octopus.api.resources.default_documents import default_documents
from standins.octopus.contract import Version
from standins.octopus.schema.configuration import initial_documents
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.roles import built_in_roles
from standins.octopus.store.documents import to_json
from standins.octopus.store.kinds import kinds_of

_VERSION = Version(2018, 8, 0)
_ADMINISTRATORS = "teams-administrators"


def run(context: ScriptContext) -> None:
    database = context.database
    for identity, json in initial_documents().items():
        database.insert("Configuration", identity, json)
    database.run_many(
        "INSERT INTO dbo.[UserRole] ([Id], [Name], [JSON]) VALUES (?, ?, ?)",
        [(role.id, role.name, to_json(role.json(split=False))) for role in built_in_roles(_VERSION)],
    )
    _team(context, "teams-everyone", "Everyone", [], changes_members=False)
    _team(context, _ADMINISTRATORS, "Octopus Administrators", ["userroles-systemadministrator"], changes_roles=False)
    kinds = kinds_of(_VERSION)
    for name, document in default_documents(None):
        if name == "Feed":  # the built-in repository became a feed in 2019.1
            continue
        kind = kinds[name]
        columns = {column: document[column] for column in kind.columns if column in document}
        rest = {key: value for key, value in document.items() if key not in columns}
        database.insert(kind.table, database.next_id(kind.id_prefix), rest, **columns)


def _team(
    context: ScriptContext,
    identity: str,
    name: str,
    roles: list[str],
    *,
    changes_members: bool = True,
    changes_roles: bool = True,
) -> None:
    json = {
        "UserRoleIds": roles,
        "ExternalSecurityGroups": [],
        "CanBeDeleted": False,
        "CanBeRenamed": False,
        "CanChangeRoles": changes_roles,
        "CanChangeMembers": changes_members,
    }
    scope = dict.fromkeys(("ProjectIds", "EnvironmentIds", "ProjectGroupIds", "TenantIds", "TenantTags"), "")
    context.database.insert("Team", identity, json, Name=name, MemberUserIds="", **scope)
