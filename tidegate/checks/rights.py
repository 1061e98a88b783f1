"""Who may do what, read from a snapshot in one shape for every version."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, cast

from tidegate.observation.store import ITEM, LISTED, Snapshot
from tidegate.versions import Version

#: Restrictions of one grant: projects, environments, tenants, project groups, and the space ("" before there were any).
Grant = tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str], str]

SYSTEM: Final = "system"
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class UserRights:
    """What one user may do, and through which teams."""

    name: str
    grants: Mapping[str, frozenset[Grant]]
    teams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Renames:
    """What became of permissions between two versions."""

    replaced: Mapping[str, tuple[str, ...]]
    new: frozenset[str]
    narrowed: frozenset[str]


@cache
def renames(origin: Version, target: Version) -> Renames:
    """The permissions that were replaced or introduced on the way, from `knowledge/permissions.toml`."""
    data = tomllib.loads(resources.files("tidegate.knowledge").joinpath("permissions.toml").read_text(encoding="utf-8"))

    def crossed(row: dict[str, Any]) -> bool:
        return origin < Version.parse(row.get("by", row["since"])) and Version.parse(row["since"]) <= target

    return Renames(
        replaced={row["name"]: tuple(row["replaced"]) for row in data["renamed"] if crossed(row)},
        new=frozenset(name for row in data["new"] if crossed(row) for name in row["names"]),
        narrowed=frozenset(f"userroles/{role}" for row in data["narrowed"] if crossed(row) for role in row["roles"]),
    )


def user_rights(snapshot: Snapshot) -> dict[str, UserRights]:
    """Every user's rights by the place of the user, as the administrator sees them."""
    names = user_names(snapshot)
    rights: dict[str, UserRights] = {}
    rows = snapshot.rows("user = ? AND family = 'users/*/permissions' AND form = ?", (snapshot.administrator, ITEM))
    for row in rows:
        body = row.json if 200 <= row.status < 300 else None
        if isinstance(body, dict):
            place = row.place.removesuffix("/permissions")
            rights[place] = _rights(names.get(place, ""), cast("dict[str, Any]", body))
    return rights


def user_names(snapshot: Snapshot) -> dict[str, str]:
    """The names of users by place."""
    rows = snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}users"))
    return {row.place: str(row.json.get("Username") or "") for row in rows}


def _rights(name: str, body: dict[str, Any]) -> UserRights:
    grants: defaultdict[str, set[Grant]] = defaultdict(set)
    scoped = cast("dict[str, list[dict[str, Any]]]", body.get("SpacePermissions") or body.get("Permissions") or {})
    for permission, restrictions in scoped.items():
        for restriction in restrictions:
            grants[permission].add(_grant(restriction))
    for permission in cast("list[str]", body.get("SystemPermissions") or []):
        grants[permission].add((_NONE, _NONE, _NONE, _NONE, SYSTEM))
    teams = frozenset(str(team.get("Id")) for team in cast("list[dict[str, Any]]", body.get("Teams") or []))
    return UserRights(name, {permission: frozenset(found) for permission, found in grants.items()}, teams)


def _grant(restriction: dict[str, Any]) -> Grant:
    def ids(kind: str) -> frozenset[str]:
        return frozenset(cast("list[str]", restriction.get(f"RestrictedTo{kind}Ids") or []))

    return (
        ids("Project"), ids("Environment"), ids("Tenant"), ids("ProjectGroup"), str(restriction.get("SpaceId") or ""),
    )  # fmt: skip


def without_spaces(rights: UserRights, default_space: str) -> UserRights:
    """The rights as they read before there were spaces: those in the default space, and those in the system."""
    grants: dict[str, frozenset[Grant]] = {}
    for permission, found in rights.grants.items():
        # A permission that exists in both is judged by the space: there its restrictions are what they were.
        inside = {(*grant[:4], "") for grant in found if grant[4] == default_space}
        plain = inside or {(*grant[:4], "") for grant in found if grant[4] in ("", SYSTEM)}
        if plain:
            grants[permission] = frozenset(plain)
    return UserRights(rights.name, grants, rights.teams)


def reduced(grants: frozenset[Grant]) -> frozenset[Grant]:
    """Grants without those that an unrestricted one in the same space makes pointless."""
    free = {grant[4] for grant in grants if not any(grant[:4])}
    return frozenset(grant for grant in grants if grant[4] not in free or not any(grant[:4]))


# --- roles and teams ------------------------------------------------------------------------------------------------


def role_permissions(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """The permissions each role grants, system and space alike, by the place of the role."""
    roles: dict[str, frozenset[str]] = {}
    rows = snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}userroles"))
    for row in rows:
        body = cast("dict[str, Any]", row.json)
        granted: set[str] = set()
        for name in ("GrantedPermissions", "GrantedSpacePermissions", "GrantedSystemPermissions"):
            granted.update(cast("list[str]", body.get(name) or []))
        roles[row.place] = frozenset(granted)
    return roles


#: One role given to a team: the role and the projects, project groups, environments and tenants it is limited to.
Assignment = tuple[str, frozenset[str], frozenset[str], frozenset[str], frozenset[str]]


def team_roles(snapshot: Snapshot) -> dict[str, frozenset[Assignment]]:
    """The roles of each team with their scopes, by the place of the team."""
    assignments: defaultdict[str, set[Assignment]] = defaultdict(set)
    rows = snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}teams"))
    for row in rows:
        team = cast("dict[str, Any]", row.json)
        assignments[row.place] = {(role, *_scopes(team)) for role in cast("list[str]", team.get("UserRoleIds") or [])}
    system: set[tuple[str, str]] = set()
    rows = snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}scopeduserroles"))
    for row in rows:
        scoped = cast("dict[str, Any]", row.json)
        team, role = f"teams/{scoped.get('TeamId')}", str(scoped.get("UserRoleId"))
        space = str(scoped.get("SpaceId") or "")
        if not space:
            system.add((team, role))
        elif space == snapshot.default_space:
            assignments[team].add((role, *_scopes(scoped)))
        else:
            assignments[team].add((f"{role} in {space}", *_scopes(scoped)))
    for team, role in system:
        # A role given in the system as well as in the space is one role that was split by 2019.1.
        if not any(assignment[0] == role for assignment in assignments[team]):
            assignments[team].add((role, _NONE, _NONE, _NONE, _NONE))
    return {team: frozenset(found) for team, found in assignments.items()}


def _scopes(document: dict[str, Any]) -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    def ids(name: str) -> frozenset[str]:
        return frozenset(cast("list[str]", document.get(name) or []))

    return ids("ProjectIds"), ids("ProjectGroupIds"), ids("EnvironmentIds"), ids("TenantIds")
