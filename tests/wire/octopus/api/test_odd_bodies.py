"""What no field can hold is refused as a bad request; nothing that a client sends makes the server fail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.octopus.api.client import WireClient

LONG = "9" * 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SortOrder", 2**63, id="a number above 64 bits"),
        pytest.param("Slug", LONG, id="a text that is longer than its column"),
        pytest.param("Name", LONG, id="a name that is longer than its column"),
    ],
)
def test_a_value_without_room_is_a_bad_request(octopus: WireClient, name: str, value: Any) -> None:
    environment = {"Name": f"Odd {name}", name: value}

    answer = octopus.send("POST", "/api/environments", environment)

    # A release that does not know a property takes no notice of it.
    assert answer.status_code in {201, 400}
    assert answer.status_code == 400 or value not in answer.json().values()
    if answer.status_code == 201:
        octopus.send("DELETE", answer.json()["Links"]["Self"])


def test_a_text_longer_than_any_id_names_nothing(octopus: WireClient, shop: dict[str, Any]) -> None:
    release = {"ProjectId": shop["project"]["Id"], "ChannelId": LONG, "Version": "7.7.7"}
    deployment = {"ReleaseId": LONG, "EnvironmentId": shop["test"]["Id"]}

    assert octopus.send("GET", f"/api/projects/{LONG}").status_code == 404
    assert octopus.send("POST", "/api/releases", release).status_code == 400
    assert octopus.send("POST", "/api/releases", {"ProjectId": "", "Version": "1.0.0"}).status_code == 400
    assert octopus.send("POST", "/api/deployments", deployment).status_code in {400, 404}


@pytest.mark.parametrize("value", ["x", -1, True, ["x"], {"a": None}, "2020-13-45T99:99:99Z"], ids=repr)
def test_what_is_no_date_is_refused(octopus: WireClient, shop: dict[str, Any], value: Any) -> None:
    release = octopus.get(f"/api/projects/{shop['project']['Id']}/releases")["Items"]
    made = (
        release[0]
        if release
        else octopus.post("/api/releases", {"ProjectId": shop["project"]["Id"], "Version": "0.0.1"})
    )
    order = {"ReleaseId": made["Id"], "EnvironmentId": shop["test"]["Id"], "QueueTime": value}

    answer = octopus.send("POST", "/api/deployments", order)

    assert answer.status_code == 400
    assert answer.json()["Errors"] == ["QueueTime: this is not a date."]
    assert octopus.send("GET", "/api/events?from=yesterday").status_code == 400


@pytest.mark.parametrize("value", [True, 5, "x", ["x"], {"Variables": ["x"]}], ids=repr)
def test_variables_of_a_tenant_are_objects(octopus: WireClient, shop: dict[str, Any], value: Any) -> None:
    path = f"/api/tenants/{shop['tenant']['Id']}/variables"
    kept = octopus.get(path)

    for name in ("ProjectVariables", "LibraryVariables"):
        body = {**kept, name: {shop["project"]["Id"]: value}}
        assert octopus.send("PUT", path, body).status_code == 400
    assert octopus.get(path) == kept


@pytest.mark.parametrize("name", ["Description", "SpaceId", "Arguments"])
def test_a_task_is_described_by_values(octopus: WireClient, name: str) -> None:
    """The command behind a route is a class: what does not fit it is refused before anything is stored."""
    answer = octopus.send("POST", "/api/tasks", {"Name": "Health", name: [{"a": {"b": None}}]})

    assert answer.status_code == 400
    assert name in answer.json()["Errors"][0]
