"""Who may do what: credentials, sessions, scoped permissions, maintenance mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.octopus_shop import open_shop
from tests.unit.octopus_standin_api.conftest import Client


def _as_user(client: Client, user_id: str) -> Client:
    other = Client(client.portal, client.store)
    other.key = client.post(f"/api/users/{user_id}/apikeys", {"Purpose": "test"})["ApiKey"]
    return other


def _spaced(client: Client) -> bool:
    return client.store.version.major >= 2019


def test_keys_are_shown_once(any_version: Client) -> None:
    created = any_version.post("/api/users/Users-1/apikeys", {"Purpose": "once"})
    assert created["ApiKey"].startswith("API-")

    read = any_version.get(created["Links"]["Self"])
    assert created["ApiKey"] not in str(read)
    any_version.send("DELETE", created["Links"]["Self"])
    any_version.key = created["ApiKey"]
    assert any_version.refused("GET", "/api/users/me")[0] == 401


@pytest.mark.parametrize("how", ["X-Octopus-ApiKey", "X-NuGet-ApiKey", "?apikey=", "?ApiKey=", "?api-key="])
def test_every_way_to_send_a_key(serve: Callable[[str], Client], how: str) -> None:
    client = serve("2020.6.4671")
    key, client.key = client.key, None

    answer = (
        client.send("GET", f"/api/users/me{how}{key}")
        if how.startswith("?")
        else client.send("GET", "/api/users/me", headers={how: key or ""})
    )

    assert answer.status == 200


def test_a_disabled_user_is_out_at_once(any_version: Client) -> None:
    jane = open_shop(any_version)["user"]
    as_jane = _as_user(any_version, jane["Id"])
    assert as_jane.get("/api/users/me")["Username"] == "jane"

    any_version.put(jane["Links"]["Self"], {**jane, "IsActive": False})

    assert as_jane.refused("GET", "/api/users/me")[0] == 401


def test_signing_in_with_a_password(any_version: Client) -> None:
    any_version.key = None
    assert any_version.refused("POST", "/api/users/login", {"Username": "admin", "Password": "wrong"})[0] == 400

    answer = any_version.send("POST", "/api/users/login", {"Username": "admin", "Password": "Passw0rd!"})
    assert answer.status == 200
    # Both cookies are in one header here because the test looks at the response object.
    raw = [value.decode() for name, value in answer_headers(any_version) if name == b"set-cookie"]
    cookies = dict(line.split(";")[0].split("=", 1) for line in raw)
    session = next(name for name in cookies if name.startswith("OctopusIdentificationToken_"))
    token = next(name for name in cookies if name.startswith("Octopus-Csrf-Token_"))
    header = {"Cookie": f"{session}={cookies[session]}; {token}={cookies[token]}"}
    assert any_version.get("/api/users/me", headers=header)["Username"] == "admin"
    assert any_version.refused("POST", "/api/environments", {"Name": "X"}, headers=header)[0] == 401
    assert (
        any_version.post(
            "/api/environments", {"Name": "X"}, headers={**header, "X-Octopus-Csrf-Token": cookies[token]}
        )["Name"]
        == "X"
    )


def answer_headers(client: Client) -> list[tuple[bytes, bytes]]:
    from standins.octopus.api.requests import Received  # noqa: PLC0415

    body = b'{"Username":"admin","Password":"Passw0rd!"}'
    return client.portal.respond(
        Received("POST", "/api/users/login", "", {"content-type": "application/json"}, body)
    ).raw_headers


def test_a_scoped_user_sees_only_the_scope(any_version: Client) -> None:
    shop = open_shop(any_version)
    jane = _as_user(any_version, shop["user"]["Id"])

    assert [item["Name"] for item in jane.get("/api/environments")["Items"]] == ["Test"]
    assert [item["Name"] for item in jane.get("/api/environments/all")] == ["Test"]
    assert jane.get(shop["project"]["Links"]["Self"])["Name"] == "Web shop"
    assert jane.refused("GET", shop["live"]["Links"]["Self"])[:2] == (
        403,
        "You do not have permission to perform this action. Please contact your Octopus administrator. "
        "Missing permission: EnvironmentView",
    )
    assert jane.refused("GET", "/api/machines")[0] == 403
    assert jane.refused("POST", "/api/environments", {"Name": "X"})[0] == 403


def test_permission_sets_have_the_shape_of_the_version(any_version: Client) -> None:
    shop = open_shop(any_version)
    jane = _as_user(any_version, shop["user"]["Id"])
    found = jane.get(f"/api/users/{shop['user']['Id']}/permissions")

    restriction: dict[str, Any] = {
        "RestrictedToProjectIds": [],
        "RestrictedToEnvironmentIds": [shop["test"]["Id"]],
        "RestrictedToTenantIds": [],
        "RestrictedToProjectGroupIds": [],
    }
    if _spaced(any_version):
        assert found["SpacePermissions"]["EnvironmentView"] == [{**restriction, "SpaceId": "Spaces-1"}]
        assert found["SystemPermissions"] == []
        assert "Permissions" not in found
    else:
        assert found["Permissions"]["EnvironmentView"] == [restriction]
        assert "SpacePermissions" not in found
    assert [team["Name"] for team in found["Teams"]] == ["Everyone", "Lookers"]


def test_losing_a_team_takes_effect_with_the_next_request(any_version: Client) -> None:
    shop = open_shop(any_version)
    jane = _as_user(any_version, shop["user"]["Id"])
    jane.get("/api/environments")

    team = any_version.get(shop["team"]["Links"]["Self"])
    any_version.put(shop["team"]["Links"]["Self"], {**team, "MemberUserIds": []})

    assert jane.refused("GET", "/api/environments")[0] == 403


def test_maintenance_mode_stops_writes_of_others(any_version: Client) -> None:
    shop = open_shop(any_version)
    role = any_version.get(shop["role"]["Links"]["Self"])
    name = "GrantedSpacePermissions" if _spaced(any_version) else "GrantedPermissions"
    any_version.put(role["Links"]["Self"], {**role, name: [*role[name], "EnvironmentEdit"]})
    jane = _as_user(any_version, shop["user"]["Id"])
    any_version.put("/api/maintenanceconfiguration", {"Id": "maintenance", "IsInMaintenanceMode": True})

    status, message, _ = jane.refused("PUT", shop["test"]["Links"]["Self"], shop["test"])
    assert status >= 400
    assert "maintenance mode" in message
    assert jane.get("/api/environments")["TotalResults"] == 1
    any_version.put(shop["test"]["Links"]["Self"], shop["test"])
    any_version.put("/api/maintenanceconfiguration", {"Id": "maintenance", "IsInMaintenanceMode": False})
    jane.put(shop["test"]["Links"]["Self"], shop["test"])


def test_spaces_keep_to_themselves(serve: Callable[[str], Client]) -> None:
    client = serve("2020.6.4671")
    shop = open_shop(client)
    space = client.post("/api/spaces", {"Name": "Second", "SpaceManagersTeams": ["teams-administrators"]})

    assert client.refused("GET", f"/api/{space['Id']}/projects/{shop['project']['Id']}")[0] == 404
    assert client.refused("GET", "/api/Spaces-9/projects")[1] == "The resource 'Spaces-9' was not found."


def test_managers_of_a_new_space(serve: Callable[[str], Client]) -> None:
    client = serve("2020.6.4671")
    shop = open_shop(client)
    members = [shop["user"]["Id"]]
    space = client.post("/api/spaces", {"Name": "Second", "SpaceManagersTeamMembers": members})
    jane = _as_user(client, shop["user"]["Id"])

    assert space["SpaceManagersTeams"] == [f"teams-spacemanagers-{space['Id']}"]
    assert space["SpaceManagersTeamMembers"] == members
    assert jane.get(f"/api/{space['Id']}/environments")["Items"] == []
    assert {item["Name"] for item in jane.get("/api/spaces")["Items"]} == {"Default", "Second"}
    assert client.refused("DELETE", f"/api/spaces/{space['Id']}")[0] == 400
    client.put(space["Links"]["Self"], {**space, "TaskQueueStopped": True})
    assert client.send("DELETE", space["Links"]["Self"]).status == 200
    assert [item["Name"] for item in client.get("/api/spaces/all")] == ["Default"]
    assert not any(team["SpaceId"] == space["Id"] for team in client.get("/api/teams/all"))


def test_the_administrators_keep_their_role(serve: Callable[[str], Client]) -> None:
    """Found by fuzzing: without it nobody could administer the server any more."""
    client = serve("2020.6.4671")
    held = client.get("/api/scopeduserroles")["Items"]
    own = next(item for item in held if item["TeamId"] == "teams-administrators")
    path = f"/api/scopeduserroles/{own['Id']}"

    assert client.refused("DELETE", path)[0] == 400
    assert client.refused("PUT", path, {**own, "TeamId": "teams-everyone"})[0] == 400
    client.put(path, own)
