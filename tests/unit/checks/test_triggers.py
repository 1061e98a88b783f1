"""Triggers that are enabled again: watched, found when they fire at once, and left as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.triggers import check_triggers
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version


class Scheduling(OctopusClient):
    """A server with some disabled triggers; it deploys when the trigger ``fires`` names is saved that many times."""

    def __init__(self, count: int, fires: tuple[str, int] | None = None, refuses: str = "") -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.triggers = {f"ProjectTriggers-{n}": _trigger(n) for n in range(1, count + 1)}
        self.deployments: list[dict[str, Any]] = []
        self.saved: dict[str, int] = {}
        self._fires = fires
        self._refuses = refuses

    def send(self, method: str, path: str, **request: Any) -> Answer:
        name = path.rpartition("/")[2]
        if method == "PUT":
            return self._save(name, request["json"])
        listed = self.deployments if name == "deployments" else list(self.triggers.values())
        return _answer(200, {"Items": listed, "TotalResults": len(listed)})

    def _save(self, name: str, trigger: dict[str, Any]) -> Answer:
        if name == self._refuses:
            return _answer(400, {"ErrorMessage": "no"})
        self.triggers[name] = trigger
        if not trigger["IsDisabled"]:
            self.saved[name] = self.saved.get(name, 0) + 1
            if self._fires == (name, self.saved[name]):
                self.deployments.append({"Id": "Deployments-9", "Name": "x", "ProjectId": trigger["ProjectId"]})
        return _answer(200, trigger)


def _trigger(number: int) -> dict[str, Any]:
    return {
        "Id": f"ProjectTriggers-{number}", "Name": f"nightly {number}", "ProjectId": f"Projects-{number}",
        "IsDisabled": True, "Filter": {"FilterType": "OnceDailySchedule"},
    }  # fmt: skip


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: Scheduling) -> LiveContext:
    server = ServerInfo(version=Version.parse("2019.1.0"), installation_id="", links={}, spaces=True)
    return LiveContext(client, lambda: None, server, "Spaces-1")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_nothing_is_found_where_nothing_fires_and_every_trigger_is_left_disabled(count: int) -> None:
    client = Scheduling(count)
    before = dict(client.triggers)

    result = check_triggers(context_of(client), [], watch=0.01)

    assert (result.findings, result.uncovered) == ((), ())
    assert client.triggers == before
    assert sum(client.saved.values()) == min(count, 2) + 1


@pytest.mark.parametrize(
    ("count", "fires"),
    [
        (1, ("ProjectTriggers-1", 1)),  # by being enabled
        (1, ("ProjectTriggers-1", 2)),  # by being edited
        (2, ("ProjectTriggers-1", 1)),
        (2, ("ProjectTriggers-2", 2)),
    ],
)
def test_the_trigger_that_fires_at_once_is_named(count: int, fires: tuple[str, int]) -> None:
    client = Scheduling(count, fires)
    before = dict(client.triggers)

    [finding] = check_triggers(context_of(client), [], watch=0.01).findings

    assert finding.check == "TRIG"
    assert finding.place.startswith(f"projecttriggers/{fires[0]} ")
    assert client.triggers == before


def test_what_fired_before_anything_was_enabled_is_found() -> None:
    client = Scheduling(0)
    client.deployments = [{"Id": "Deployments-1"}, {"Id": "Deployments-2", "Name": "y", "ProjectId": "Projects-1"}]

    result = check_triggers(context_of(client), ["Deployments-1"], watch=0.01)

    assert [finding.place for finding in result.findings] == ["deployments"]
    assert result.findings[0].after == ["Deployments-2: y of Projects-1"]
    assert len(result.uncovered) == 1


def test_a_trigger_that_cannot_be_enabled_is_found_and_those_enabled_before_it_are_disabled_again() -> None:
    client = Scheduling(2, refuses="ProjectTriggers-2")
    before = dict(client.triggers)

    [finding] = check_triggers(context_of(client), [], watch=0.01).findings

    assert (finding.check, finding.after) == ("SAVE", "400 no")
    assert client.triggers == before
