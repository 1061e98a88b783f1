"""Teams, user roles and scoped user roles."""

from __future__ import annotations

from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.crud import find_item, present
from standins.octopus.api.errors import invalid
from standins.octopus.api.permissions import permissions_for
from standins.octopus.api.rendering import slice_page
from standins.octopus.api.rights import EVERYONE
from standins.octopus.api.versions import has_spaces
from standins.octopus.behaviour.documents import listed
from standins.octopus.contract import Call, Document, Reply, Route

_ADMINISTRATORS = "teams-administrators"
_SYSTEM_ADMINISTRATOR = "userroles-systemadministrator"


def _prepare_team(call: Call, document: Document, existing: Document | None) -> None:
    if existing is None:
        document.setdefault("ExternalSecurityGroups", [])
        return
    built_in = existing["Id"].startswith("teams-")
    if built_in and document["Name"] != existing["Name"]:
        raise invalid(f"The built-in team {existing['Name']} cannot be renamed.")
    if existing["Id"] == EVERYONE:
        document["MemberUserIds"] = listed(existing, "MemberUserIds")
    if (
        existing["Id"] == _ADMINISTRATORS
        and not document.get("MemberUserIds")
        and not document.get("ExternalSecurityGroups")
    ):
        raise invalid("There must be at least one member in the Octopus Administrators team.")
    if existing["Id"] == _ADMINISTRATORS and not has_spaces(call.server.version):
        document["UserRoleIds"] = listed(existing, "UserRoleIds")


def _show_team(_call: Call, shown: Sequence[Document], _stored: Sequence[Document]) -> None:
    """Built-in teams say what cannot be changed (recorded for Space Managers; for the others deduced)."""
    for item in shown:
        if item["Id"].startswith("teams-"):
            item["CanBeDeleted"] = item["CanBeRenamed"] = False
            item["CanChangeRoles"] = item["Id"] != _ADMINISTRATORS
            item["CanChangeMembers"] = item["Id"] != EVERYONE


def _before_delete_team(call: Call, team: Document) -> None:
    if team["Id"].startswith("teams-"):
        raise invalid(f"The built-in team {team['Name']} cannot be deleted.")
    if has_spaces(call.server.version):
        for assignment in call.transaction.query("ScopedUserRole", where={"TeamId": team["Id"]}):
            call.transaction.delete("ScopedUserRole", assignment["Id"])


hooks.register("Team", prepare=_prepare_team, show=_show_team, before_delete=_before_delete_team)


def roles_of_team(call: Call) -> Reply:
    team = find_item(call, "Team", call.path["id"])
    found = call.transaction.query("ScopedUserRole", where={"TeamId": team["Id"]}, order_by="Id")
    if call.space is not None:
        found = [assignment for assignment in found if assignment.get("SpaceId") in (call.space, None)]
    return Reply(slice_page(call, "ScopedUserRole", present(call, "ScopedUserRole", found)))


# -- user roles ------------------------------------------------------------------------------------------------------


def _prepare_role(call: Call, document: Document, _existing: Document | None) -> None:
    """Names must be known, and at the level they can be granted at (a role that breaks this cannot be saved, Issues
    5515).
    """
    known = permissions_for(call.server.version)
    if not has_spaces(call.server.version):
        _refuse_unknown(listed(document, "GrantedPermissions"), set(known))
        return
    _refuse_unknown(
        listed(document, "GrantedSpacePermissions"), {name for name, rule in known.items() if rule.at_space_level}
    )
    _refuse_unknown(
        listed(document, "GrantedSystemPermissions"), {name for name, rule in known.items() if rule.at_system_level}
    )


def _refuse_unknown(names: Sequence[str], allowed: set[str]) -> None:
    wrong = [name for name in names if name not in allowed]
    if wrong:
        raise invalid(*(f"The permission {name} cannot be granted here." for name in wrong))


def _show_role(call: Call, shown: Sequence[Document], _stored: Sequence[Document]) -> None:
    known = permissions_for(call.server.version)
    spaced = has_spaces(call.server.version)
    for item in shown:
        item["CanBeDeleted"] = not item["Id"].startswith("userroles-")
        granted = [*listed(item, "GrantedSpacePermissions"), *listed(item, "GrantedPermissions")]
        item["SupportedRestrictions"] = sorted(
            {restriction for name in granted if name in known for restriction in known[name].restrictions}
        )
        pairs = (
            (
                ("GrantedSpacePermissions", "SpacePermissionDescriptions"),
                ("GrantedSystemPermissions", "SystemPermissionDescriptions"),
            )
            if spaced
            else (("GrantedPermissions", "PermissionDescriptions"),)
        )
        for source, target in pairs:
            item[target] = [known[name].description for name in item.get(source) or () if name in known]


def _before_delete_role(call: Call, role: Document) -> None:
    if role["Id"].startswith("userroles-"):
        raise invalid(f"The built-in user role {role['Name']} cannot be deleted.")
    users = (
        call.transaction.query("ScopedUserRole", where={"UserRoleId": role["Id"]}, take=1)
        if has_spaces(call.server.version)
        else [team for team in call.transaction.query("Team") if role["Id"] in listed(team, "UserRoleIds")]
    )
    if users:
        raise invalid(f"The user role {role['Name']} is assigned to a team and cannot be deleted.")


hooks.register("UserRole", prepare=_prepare_role, show=_show_role, before_delete=_before_delete_role)

# -- scoped user roles -----------------------------------------------------------------------------------------------


def _prepare_assignment(call: Call, document: Document, existing: Document | None) -> None:
    """Roles with space permissions are assigned in a space; others without one. Space teams get roles in their
    space only.
    """
    place = ("TeamId", "UserRoleId", "SpaceId")
    if existing is not None and any(document.get(name) != existing.get(name) for name in place):
        _refuse_change_of_administrators(existing)
    if not document.get("TeamId") or not document.get("UserRoleId"):
        raise invalid("Please provide a team and a user role.")
    role, team = (
        call.transaction.load("UserRole", document["UserRoleId"]),
        call.transaction.load("Team", document["TeamId"]),
    )
    if role is None or team is None:
        return  # the check of references says which
    if role.get("GrantedSpacePermissions") and not document.get("SpaceId"):
        raise invalid(f"The user role {role['Name']} contains space permissions and must be assigned in a space.")
    if not role.get("GrantedSpacePermissions") and document.get("SpaceId"):
        raise invalid(
            f"The user role {role['Name']} contains system permissions only and cannot be assigned in a space."
        )
    if team.get("SpaceId") and team["SpaceId"] != document.get("SpaceId"):
        raise invalid(f"The team {team['Name']} can only be given roles in its own space.")


def _before_delete_assignment(_call: Call, assignment: Document) -> None:
    _refuse_change_of_administrators(assignment)


def _refuse_change_of_administrators(assignment: Document) -> None:
    """The team's CanChangeRoles is false: without its role nobody could administer the server any more."""
    if (assignment["TeamId"], assignment["UserRoleId"]) == (_ADMINISTRATORS, _SYSTEM_ADMINISTRATOR):
        raise invalid("The roles of the Octopus Administrators team cannot be changed.")


hooks.register("ScopedUserRole", prepare=_prepare_assignment, before_delete=_before_delete_assignment)

ROUTES = (
    Route(
        "GET",
        "teams/{id}/scopeduserroles",
        roles_of_team,
        "mixed",
        "TeamView",
        "2019.1",
        operation="indexScopedUserRolesOfTeam",
    ),
)
