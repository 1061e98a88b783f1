"""What a user may do, as the API tells it: permission sets, memberships, the list of permissions, invitations."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Sequence
from datetime import timedelta

from standins.octopus.api import hooks
from standins.octopus.api.calls import api_call, caller
from standins.octopus.api.crud import body_of, present, present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.permissions import permissions_for
from standins.octopus.api.rendering import created
from standins.octopus.api.rights import UserRights
from standins.octopus.api.versions import has_spaces
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Call, Document, Reply, Route
from standins.octopus.credentials import hash_password


def all_permissions(call: Call) -> Reply:
    spaced = has_spaces(call.server.version)
    described: dict[str, Document] = {}
    for name, rule in permissions_for(call.server.version).items():
        described[name] = {"Description": rule.description, "SupportedRestrictions": sorted(rule.restrictions)}
        if spaced:
            described[name] |= {
                "CanApplyAtSystemLevel": rule.at_system_level,
                "CanApplyAtSpaceLevel": rule.at_space_level,
            }
    return Reply(described)


def _user(call: Call) -> Document:
    """The own record is open to everyone; others' take UserView."""
    user = call.transaction.load("User", call.path["id"])
    if user is None:
        raise not_found(call.path["id"])
    if user["Id"] != caller(call)["Id"] and call.rights is not None:
        call.rights.require("UserView")
    return user


def _asked_spaces(call: Call, rights: UserRights) -> tuple[frozenset[str], bool]:
    """``spaces`` and ``includeSystem``; without them everything, or the space of the path."""
    held = rights.spaces()
    asked, system = call.query.get("spaces", ""), call.query.get("includesystem", "").lower()
    if call.space is not None:
        return frozenset({call.space}), system == "true"
    if not asked:
        return held, system != "false"
    chosen = held if asked.lower() == "all" else held & frozenset(asked.split(","))
    return chosen, system == "true"


def _teams(call: Call, user: Document, spaces: frozenset[str] | None) -> list[Document]:
    teams: list[Document] = []
    for team in sorted(api_call(call).world.access.teams_of(user["Id"]), key=lambda team: str(team["Name"]).lower()):
        entry: Document = {"Id": team["Id"], "Name": team["Name"], "IsDirectlyAssigned": True}
        # Names before, objects since the 2020.5 swagger.
        entry["ExternalSecurityGroups" if call.server.at_least("2020.5") else "ExternalGroupNames"] = []
        if spaces is None:
            teams.append(entry)
        elif team.get("SpaceId") is None or team["SpaceId"] in spaces:
            teams.append({**entry, "SpaceId": team.get("SpaceId")})
    return teams


def permission_set(call: Call) -> Reply:
    user = _user(call)
    rights = api_call(call).gate.rights(call.transaction, user)
    links = {"Self": f"/api/users/{user['Id']}/permissions", "Export": f"/api/users/{user['Id']}/permissions/export"}
    if not has_spaces(call.server.version):
        granted = {
            name: [grant.as_document(with_space=False) for grant in found]
            for name, found in sorted(rights.grants.items())
        }
        return Reply(
            {
                "Id": f"userpermissions-{user['Id']}",
                "Permissions": granted,
                "Teams": _teams(call, user, None),
                "Links": links,
            }
        )
    spaces, system = _asked_spaces(call, rights)
    in_spaces: dict[str, list[Document]] = {}
    for name, found in sorted(rights.grants.items()):
        shown = [grant.as_document(with_space=True) for grant in found if grant.space in spaces]
        if shown:
            in_spaces[name] = shown
    return Reply(
        {
            "Id": f"userpermissions-{user['Id']}",
            "SpacePermissions": in_spaces,
            "SystemPermissions": sorted(rights.system) if system else [],
            "Teams": _teams(call, user, spaces),
            "IsTeamsComplete": True,
            "IsPermissionsComplete": True,
            "Links": links,
        }
    )


def export(call: Call) -> Reply:
    """The same as a table."""
    user = _user(call)
    rights = api_call(call).gate.rights(call.transaction, user)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Space", "Permission", "Projects", "Project groups", "Environments", "Tenants"])
    writer.writerows([("", name, "", "", "", "") for name in sorted(rights.system)])
    for name, grants in sorted(rights.grants.items()):
        for grant in grants:
            reach = (grant.projects, grant.project_groups, grant.environments, grant.tenants)
            writer.writerow([grant.space or "", name, *(" ".join(sorted(ids)) for ids in reach)])
    return Reply(text.getvalue(), media_type="text/csv; charset=utf-8")


def teams_of_user(call: Call) -> Reply:
    user = _user(call)
    rights = api_call(call).gate.rights(call.transaction, user)
    return Reply(_teams(call, user, _asked_spaces(call, rights)[0]))


def spaces_of_user(call: Call) -> Reply:
    user = _user(call)
    world = api_call(call).world
    rights = world.access.rights_of(user)
    everything = rights.allows("SpaceView")
    found = [space for space in world.spaces.values() if everything or space["Id"] in rights.spaces()]
    return Reply(present(call, "Space", sorted(found, key=lambda space: str(space["Name"]).lower())))


def membership(call: Call) -> Reply:
    """The teams of a user, one entry each."""
    user_id = call.query.get("userid")
    if not user_id:
        raise invalid("No userId parameter was provided.")
    if user_id != caller(call)["Id"] and call.rights is not None:
        call.rights.require("UserView")
    teams = api_call(call).world.access.teams_of(user_id)
    return Reply(
        [_member(team, user_id) for team in teams if call.space is None or team.get("SpaceId") in (None, call.space)]
    )


def _member(team: Document, user_id: str) -> Document:
    return {
        "TeamId": team["Id"],
        "TeamName": team["Name"],
        "SpaceId": team.get("SpaceId"),
        "UserId": user_id,
        "IsDirectlyAssigned": True,
        "ExternalSecurityGroups": [],
    }


def preview_team(call: Call) -> Reply:
    """Who would be in a team that is not saved yet."""
    team = {"Id": None, "Name": None, **{name[:1].upper() + name[1:]: value for name, value in body_of(call).items()}}
    members: Sequence[str] = listed(team, "MemberUserIds")
    return Reply([_member(team, user["Id"]) for user in call.transaction.load_many("User", members)])


# -- invitations -----------------------------------------------------------------------------------------------------

#: How long an invitation holds (recorded for POST users/invitations).
_VALID = timedelta(hours=48)


def invite(call: Call) -> Reply:
    body = {name.lower(): value for name, value in body_of(call).items()}
    document: Document = {
        "AddToTeamIds": listed(body, "addtoteamids"),
        "InvitationCode": str(uuid.uuid4()),
        "Expires": iso(call.server.now() + _VALID),
    }
    if has_spaces(call.server.version):
        document["SpaceId"] = body.get("spaceid") or call.space
    return created(present_one(call, "Invitation", call.transaction.insert("Invitation", document)))


def get_invitation(call: Call) -> Reply:
    document = call.transaction.load("Invitation", call.path["id"])
    if document is None:
        raise not_found(call.path["id"])
    return Reply(present_one(call, "Invitation", document))


def register(call: Call) -> Reply:
    """A new user signs up with the code of an invitation, which is used up by it."""
    body = {name.lower(): value for name, value in body_of(call).items()}
    code = str(body.get("invitationcode") or "")
    found = call.transaction.query("Invitation", where={"InvitationCode": code}, take=1) if code else []
    if not found or str(found[0]["Expires"]) < iso(call.server.now()):
        raise invalid("The invitation code is not valid or has expired.")
    if not body.get("username") or len(str(body.get("password") or "")) < 8:
        raise invalid("Please provide a username, and a password of at least 8 characters.")
    user = call.transaction.insert(
        "User",
        {
            "Username": body["username"],
            "DisplayName": body.get("displayname") or body["username"],
            "EmailAddress": body.get("emailaddress"),
            "IsActive": True,
            "IsService": False,
            "IdentificationToken": str(uuid.uuid4()),
            "ExternalIdentifiers": [],
            "PasswordHashed": hash_password(str(body["password"])),
        },
    )
    for team in call.transaction.load_many("Team", found[0].get("AddToTeamIds") or []):
        call.transaction.update("Team", {**team, "MemberUserIds": [*listed(team, "MemberUserIds"), user["Id"]]})
    call.transaction.delete("Invitation", found[0]["Id"])
    return Reply(present_one(call, "User", user))


hooks.register("Invitation")

ROUTES = (
    Route("GET", "permissions/all", all_permissions, "system", "", operation="listPermissions"),
    Route("GET", "users/{id}/permissions", permission_set, "mixed", "", operation="getUserPermissions"),
    Route(
        "GET",
        "users/{id}/permissions/configuration",
        permission_set,
        "mixed",
        "",
        "2019.1",
        operation="getUserPermissionsConfiguration",
    ),
    Route("GET", "users/{id}/permissions/export", export, "mixed", "", operation="exportUserPermissions"),
    Route("GET", "users/{id}/teams", teams_of_user, "mixed", "", "2019.1", operation="listTeamsOfUser"),
    Route("GET", "users/{id}/spaces", spaces_of_user, "system", "", "2019.1", operation="listSpacesOfUser"),
    Route("GET", "teammembership", membership, "mixed", "TeamView", "2020.1", operation="listTeamMembership"),
    Route("POST", "teammembership/previewteam", preview_team, "mixed", "TeamView", "2020.1", operation="previewTeam"),
    Route("POST", "users/invitations", invite, "mixed", "UserInvite", operation="createInvitation"),
    Route("GET", "users/invitations/{id}", get_invitation, "mixed", "UserInvite", operation="getInvitationById"),
    Route("POST", "users/register", register, "system", None, operation="registerUser"),
)
