"""Saving one thing must reach what follows it and nothing else: templates and their steps, tenants and their values."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tidegate.checks.live.consequences import GOOD, check_consequences, consequence_outcomes
from tidegate.checks.live.context import LiveContext
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

Document = dict[str, Any]


class Workshop(OctopusClient):
    """A server with one step template in use and one tenant; ``fault`` may answer in its place."""

    def __init__(self, fault: Callable[[str, str], Answer | None] = lambda _method, _route: None) -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.template: Document = {"Id": "ActionTemplates-1", "Name": "Check a page", "Version": 3}
        self.step: Document = {"Id": "a", "Properties": {"Octopus.Action.Template.Version": "3"}}
        self.tenant: Document = {"Id": "Tenants-1", "ProjectEnvironments": {"Projects-1": ["Environments-1"]}}
        self.values: Document = {"Templates-1": "Europe"}
        self.follows = True
        self.forgets = False
        self._fault = fault

    def send(self, method: str, path: str, **request: Any) -> Answer:
        route = path.removeprefix("/api/")
        return self._fault(method, route.partition("?")[0]) or _answer(
            200, self._answer(method, route, request.get("json") or {})
        )

    def _answer(self, method: str, route: str, body: Document) -> Any:  # noqa: PLR0911 - one line for each route
        match method, route.partition("?")[0]:
            case "GET", "actiontemplates":
                return _page(self.template)
            case "GET", "actiontemplates/ActionTemplates-1":
                return self.template
            case "PUT", "actiontemplates/ActionTemplates-1":
                self.template["Version"] += 1
                return self.template
            case "GET", "actiontemplates/ActionTemplates-1/usage":
                return [{"DeploymentProcessId": "deploymentprocess-Projects-1", "ActionId": "a"}]
            case "POST", "actiontemplates/ActionTemplates-1/actionsUpdate":
                if self.follows:
                    self.step["Properties"]["Octopus.Action.Template.Version"] = str(body["Version"])
                return []
            case "GET", "deploymentprocesses/deploymentprocess-Projects-1":
                return {"Steps": [{"Actions": [self.step]}]}
            case "GET", "tenants":
                return _page(self.tenant)
            case "GET", "environments":
                return _page({"Id": "Environments-1"}, {"Id": "Environments-2"})
            case "GET", "tenants/Tenants-1":
                return self.tenant
            case "PUT", "tenants/Tenants-1":
                if self.forgets and body["ProjectEnvironments"] != self.tenant["ProjectEnvironments"]:
                    self.values = {}
                self.tenant = body
                return self.tenant
            case "GET", "tenants/Tenants-1/variables":
                return {"ProjectVariables": {}, "LibraryVariables": {"LibraryVariableSets-1": self.values}}
            case _:
                raise AssertionError(f"{method} {route} was not expected")


def _page(*items: Document) -> Document:
    return {"Items": list(items), "TotalResults": len(items), "Links": {}}


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: OctopusClient) -> LiveContext:
    return LiveContext(client, lambda: None, ServerInfo(Version(2018, 12, 1), "", spaces=False, links={}), "")


def test_a_server_that_does_as_before_is_silent_and_keeps_the_mapping() -> None:
    client = Workshop()
    tenant = deepcopy(client.tenant)
    before = consequence_outcomes(context_of(client))

    result = check_consequences(context_of(client), before)

    assert set(before.values()) == {GOOD}
    assert (result.findings, len(result.covered)) == ((), 2)
    assert client.tenant == tenant


@pytest.mark.parametrize(
    ("broken", "place", "after"),
    [
        ({"follows": False}, "bringing it to deploymentprocesses", "left at the old"),
        ({"forgets": True}, "tenants/Tenants-1/variables", "changed: LibraryVariables"),
    ],
)
def test_what_no_longer_follows_or_is_forgotten_is_found(broken: dict[str, bool], place: str, after: str) -> None:
    client = Workshop()
    before = consequence_outcomes(context_of(client))
    for name, value in broken.items():
        setattr(client, name, value)

    [finding] = check_consequences(context_of(client), before).findings

    assert (finding.check, finding.before) == ("SAVE", GOOD)
    assert place in finding.place
    assert after in finding.after


@pytest.mark.parametrize(
    ("method", "route", "after"),
    [
        ("POST", "actiontemplates/ActionTemplates-1/actionsUpdate", "refused: 400"),
        ("GET", "deploymentprocesses/deploymentprocess-Projects-1", "the process cannot be read any more"),
        ("PUT", "tenants/Tenants-1", "the tenant cannot be saved"),
    ],
)
def test_what_is_refused_now_is_found(method: str, route: str, after: str) -> None:
    before = consequence_outcomes(context_of(Workshop()))
    broken = Workshop(lambda m, r: _answer(400, {"ErrorMessage": "no"}) if (m, r) == (method, route) else None)

    [finding] = check_consequences(context_of(broken), before).findings

    assert after in finding.after


def test_without_templates_and_tenants_the_check_says_so() -> None:
    empty = Workshop(lambda _, r: _answer(200, _page()) if r in ("tenants", "actiontemplates") else None)

    result = check_consequences(context_of(empty), {})

    assert result.findings == ()
    assert "there are none in use" in result.uncovered[0]
