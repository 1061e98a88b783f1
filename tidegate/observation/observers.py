"""Users that exist only for the harness: one for each kind of user an instance has, on the test instance only.

People's own keys and passwords are not known to the harness. What a kind of user sees, and whether it can log in, is
observed by a user put into the same teams before the first snapshot (Octopus docs, security/users-and-teams; the REST
routes are those of the swagger documents of 2019.6 and 2020.5).
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from tidegate.errors import Refused
from tidegate.octopus.client import OctopusClient
from tidegate.secrets import Secret

#: User names of the harness start with this; they are left out when the clone is compared with the main instance.
PREFIX: Final = "tidegate-"

#: Teams every user is in, or that make an administrator: they tell no kind of user apart (Octopus docs, default teams).
EVERYONE: Final = frozenset({"teams-everyone"})


@dataclass(frozen=True, slots=True)
class Observer:
    """One kind of user: the teams that make it, who is of this kind, and two users of the harness in the same teams."""

    name: str
    teams: tuple[str, ...]
    stands_for: tuple[str, ...]
    user_id: str
    api_key: Secret
    login_name: str
    login_id: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Kind:
    """Users in exactly the same teams."""

    teams: tuple[str, ...]
    users: tuple[str, ...]


def kinds_of_users(client: OctopusClient) -> list[Kind]:
    """The kinds of users of an instance, the most common first. Users without any team of their own are no kind."""
    teams = list(client.items("/api/teams", spaces="all", includeSystem=True))
    names = {str(user["Id"]): str(user.get("Username")) for user in client.items("/api/users") if user.get("IsActive")}
    member_of: defaultdict[str, set[str]] = defaultdict(set)
    for team in teams:
        for user in cast("list[str]", team.get("MemberUserIds") or []):
            if user in names and team["Id"] not in EVERYONE and not names[user].startswith(PREFIX):
                member_of[user].add(str(team["Id"]))
    by_teams: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for user, teams_of_user in member_of.items():
        by_teams[tuple(sorted(teams_of_user))].append(names[user])
    kinds = [Kind(teams_of_kind, tuple(sorted(users))) for teams_of_kind, users in by_teams.items()]
    return sorted(kinds, key=lambda kind: (-len(kind.users), kind.teams))


def create_observers(
    client: OctopusClient, *, most: int = 4, report: Callable[[str], None] = lambda _: None
) -> list[Observer]:
    """Put a service account and a user with a password into the teams of each kind of user.

    ``client`` writes to the test instance as its administrator. Members that come through external groups are not known
    to the instance, so kinds that exist only through them are not covered.
    """
    kinds = [kind for kind in kinds_of_users(client) if "teams-administrators" not in kind.teams]
    observers: list[Observer] = []
    for number, kind in enumerate(kinds[:most], 1):
        report(f"a user like {', '.join(kind.users[:3])} is made on the test instance")
        observers.append(_create(client, f"kind{number}", kind))
    return observers


def _create(client: OctopusClient, name: str, kind: Kind) -> Observer:
    password = Secret.generated(f"password of {name}", f"{secrets.token_urlsafe(18)}aA1!")
    service = _user(client, {"Username": f"{PREFIX}{name}", "IsService": True})
    person = _user(client, {"Username": f"{PREFIX}{name}-login", "Password": password.reveal()})
    for team in kind.teams:
        _join(client, team, (service, person))
    key = cast("Mapping[str, Any]", client.post(f"/api/users/{service}/apikeys", {"Purpose": "Tidegate rehearsal"}))
    return Observer(
        name=name,
        teams=kind.teams,
        stands_for=kind.users,
        user_id=service,
        api_key=Secret.generated(f"API key of {name}", _clear_key(key)),
        login_name=f"{PREFIX}{name}-login",
        login_id=person,
        password=password,
    )


def _user(client: OctopusClient, properties: Mapping[str, Any]) -> str:
    name = str(properties["Username"])
    existing = next((user for user in client.items("/api/users") if user.get("Username") == name), None)
    if existing is not None:
        # Left by an earlier run on the same clone: its key is not known any more, so a new one is made below.
        if "Password" in properties:
            client.put(f"/api/users/{existing['Id']}", {**existing, **properties})
        return str(existing["Id"])
    body = {"DisplayName": f"Tidegate {name.removeprefix(PREFIX)}", "IsActive": True, "IsService": False, **properties}
    return str(client.post("/api/users", body)["Id"])


def _join(client: OctopusClient, team_id: str, users: Iterable[str]) -> None:
    path = f"/api/teams/{team_id}"
    team = cast("dict[str, Any]", client.get(path))
    members = cast("list[str]", team.get("MemberUserIds") or [])
    missing = [user for user in users if user not in members]
    if missing:
        client.put(path, {**team, "MemberUserIds": [*members, *missing]})


def _clear_key(created: Mapping[str, Any]) -> str:
    """The clear text of a key: text in every version's reply to its creation, and only there."""
    key = created.get("ApiKey")
    if isinstance(key, str) and key:
        return key
    raise Refused("the server made an API key and did not tell it", next_step="look at the server's log")
