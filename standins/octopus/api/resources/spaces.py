"""Spaces: their managers, what a new one starts with, and what goes with a deleted one."""

from __future__ import annotations

from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.cascade import delete_space_documents
from standins.octopus.api.crud import find_item, present_one
from standins.octopus.api.errors import NO_SPACE, forbidden, invalid
from standins.octopus.api.resources.default_documents import insert_defaults
from standins.octopus.api.slugs import unique_slug
from standins.octopus.behaviour.documents import listed
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_MANAGER_ROLE = "Space Manager"


def managers_team_id(space_id: str) -> str:
    return f"teams-spacemanagers-{space_id}"


def _role_id(call: Call) -> str:
    found = call.transaction.query("UserRole", where={"Name": _MANAGER_ROLE}, take=1)
    return found[0]["Id"] if found else "userroles-spacemanager"


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    # 50 characters in the generated pages of 2026; the tests of older clients cut names to 20.
    longest = 50 if call.server.at_least("2022.1") else 20
    if len(str(document.get("Name") or "")) > longest:
        raise invalid(f"The Name must be {longest} characters or fewer.")
    if not (document.get("SpaceManagersTeams") or document.get("SpaceManagersTeamMembers")):
        raise invalid("A space needs at least one team or member to manage it.")
    if existing is None:
        document["IsDefault"] = bool(document.get("IsDefault"))
        document["TaskQueueStopped"] = bool(document.get("TaskQueueStopped"))
    if (
        document.get("IsDefault")
        and not (existing and existing["IsDefault"])
        and call.transaction.query("Space", where={"IsDefault": True})
    ):
        raise invalid("There is a default space already.")
    if call.server.at_least("2022.4") and not document.get("Slug"):
        document["Slug"] = unique_slug(
            document["Name"], {str(space.get("Slug")) for space in call.transaction.query("Space")}
        )


def _after_create(call: Call, space: Document) -> None:
    """A space comes with a team of managers, and with the documents every space has."""
    team = call.transaction.insert(
        "Team",
        {
            "Id": managers_team_id(space["Id"]),
            "Name": "Space Managers",
            "SpaceId": space["Id"],
            "MemberUserIds": listed(space, "SpaceManagersTeamMembers"),
            "ExternalSecurityGroups": [],
            "CanBeDeleted": False,
            "CanBeRenamed": False,
            "CanChangeRoles": False,
            "CanChangeMembers": True,
        },
    )
    _assign(call, space["Id"], {team["Id"], *listed(space, "SpaceManagersTeams")})
    insert_defaults(call, space["Id"])


def _assign(call: Call, space_id: str, teams: set[str]) -> None:
    """Exactly these teams manage the space."""
    role = _role_id(call)
    held = {
        found["TeamId"]: found
        for found in call.transaction.query("ScopedUserRole", where={"UserRoleId": role}, space=space_id)
    }
    for team in sorted(teams - set(held)):
        call.transaction.insert("ScopedUserRole", {"TeamId": team, "UserRoleId": role, "SpaceId": space_id})
    for team in sorted(set(held) - teams):
        call.transaction.delete("ScopedUserRole", held[team]["Id"])


def _after_update(call: Call, space: Document, _before: Document) -> None:
    own = managers_team_id(space["Id"])
    _assign(call, space["Id"], {own, *listed(space, "SpaceManagersTeams")})
    team = call.transaction.load("Team", own)
    members = listed(space, "SpaceManagersTeamMembers")
    if team is not None and team.get("MemberUserIds") != members:
        call.transaction.update("Team", {**team, "MemberUserIds": members})


def _show(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    """Managers are whoever holds the role now: assignments may have changed without the space."""
    if not stored:
        return
    managing: dict[str, list[str]] = {}
    for assignment in call.transaction.query("ScopedUserRole", where={"UserRoleId": _role_id(call)}):
        managing.setdefault(str(assignment.get("SpaceId")), []).append(assignment["TeamId"])
    teams = {
        team["Id"]: team
        for team in call.transaction.load_many("Team", [managers_team_id(space["Id"]) for space in stored])
    }
    for item, space in zip(shown, stored, strict=True):
        item["SpaceManagersTeams"] = sorted(set(managing.get(space["Id"], ())))
        item["SpaceManagersTeamMembers"] = teams.get(managers_team_id(space["Id"]), {}).get("MemberUserIds") or []


def _may_see(call: Call, space_id: str) -> bool:
    return call.rights is None or call.rights.allows("SpaceView") or space_id in call.rights.spaces()


def _narrow(call: Call, spaces: list[Document]) -> list[Document]:
    """Callers see the spaces in which they hold anything; who holds nothing anywhere is refused (recorded text)."""
    if call.rights is not None and not call.rights.allows("SpaceView") and not call.rights.spaces():
        raise ApiError(403, NO_SPACE)
    return [space for space in spaces if _may_see(call, space["Id"])]


def _before_delete(call: Call, space: Document) -> None:
    if not space.get("TaskQueueStopped"):
        raise invalid("Please stop the task queue of this space before deleting it.")
    delete_space_documents(call.transaction, call.server.store, space["Id"])


def _find(call: Call, slug: str) -> Document | None:
    if not call.server.at_least("2022.4"):
        return None
    found = call.transaction.query("Space", where={"Slug": slug}, take=1)
    return found[0] if found else None


hooks.register(
    "Space",
    prepare=_prepare,
    after_create=_after_create,
    after_update=_after_update,
    show=_show,
    narrow=_narrow,
    before_delete=_before_delete,
    find=_find,
)


def get_space(call: Call) -> Reply:
    space = find_item(call, "Space", call.path["id"])
    if not _may_see(call, space["Id"]):
        raise forbidden("SpaceView")
    return Reply(present_one(call, "Space", space))


def search(call: Call) -> Reply:
    """Things in a space whose name holds the keyword."""
    keyword = call.query.get("keyword", "")
    space = call.path["id"]
    if not _may_see(call, space):
        raise forbidden("SpaceView")
    kinds = (
        ("Project", "ProjectView"),
        ("DeploymentEnvironment", "EnvironmentView"),
        ("Tenant", "TenantView"),
        ("Machine", "MachineView"),
    )
    return Reply(
        [
            {"Id": found["Id"], "Name": found["Name"], "Type": kind.removeprefix("Deployment"), "Owner": None}
            for kind, permission in kinds
            if keyword and (call.rights is None or call.rights.allows(permission, space=space))
            for found in call.transaction.query(kind, contains={"Name": keyword}, space=space, order_by="Name")
        ]
    )


ROUTES = (
    Route("GET", "spaces/{id}", get_space, "system", "", "2019.1", operation="getSpaceById"),
    Route("GET", "spaces/{id}/search", search, "system", "", "2022.2"),
)
