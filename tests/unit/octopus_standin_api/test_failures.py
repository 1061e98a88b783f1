"""What a client sees when the server cannot answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from standins.octopus.store import Deadlock
from tests.unit.octopus_standin_api.conftest import Client
from tests.unit.octopus_standin_api.in_memory import InMemoryTransaction


def test_a_server_that_is_not_ready(any_version: Client) -> None:
    any_version.portal.server.ready = False

    for path in ("/api", "/api/projects", "/api/octopusservernodes/ping"):
        status, message, _ = any_version.refused("GET", path)
        assert (status, message) == (503, "Octopus Server is starting. Please try again in a moment.")


def test_an_unexpected_error_tells_where_it_came_from(any_version: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("the disk is on fire")

    any_version.get("/api/projects")
    monkeypatch.setattr(InMemoryTransaction, "query", fail)

    answer = any_version.send("GET", "/api/environments")

    assert answer.status == 500
    assert "the disk is on fire" in answer.json["ErrorMessage"]
    assert "RuntimeError" in answer.json["FullException"]
    assert any_version.portal.gate.recent_problems.latest()[0]["MessageText"].endswith("GET /api/environments")


def test_a_deadlock_is_tried_again(serve: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve("2020.6.4671")
    insert, failures = InMemoryTransaction.insert, [Deadlock("chosen"), Deadlock("chosen again")]

    def sometimes(self: InMemoryTransaction, kind: str, document: dict[str, object]) -> dict[str, object]:
        if kind == "DeploymentEnvironment" and failures:
            raise failures.pop()
        return insert(self, kind, document)

    monkeypatch.setattr(InMemoryTransaction, "insert", sometimes)

    assert client.post("/api/environments", {"Name": "Test"})["Id"] == "Environments-1"
    assert failures == []


def test_a_refused_request_changes_nothing(any_version: Client) -> None:
    before = any_version.get("/api/projects/all")

    refused = any_version.refused(
        "POST", "/api/projects", {"Name": "X", "ProjectGroupId": "ProjectGroups-9", "LifecycleId": "Lifecycles-1"}
    )

    assert refused[0] == 400
    assert "ProjectGroups-9" in refused[2][0]
    assert any_version.get("/api/projects/all") == before
    assert "VariableSet" not in any_version.store.documents
