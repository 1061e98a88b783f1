"""The instance's own nodes run, all of them and no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from tidegate.checks.finding import Finding
from tidegate.checks.live.background import check_health
from tidegate.checks.live.context import LiveContext
from tidegate.observation.store import Snapshot
from tidegate.octopus.client import OctopusClient, ServerInfo
from tidegate.versions import Version


def found(monkeypatch: pytest.MonkeyPatch, running: Sequence[str], nodes: Sequence[str]) -> Sequence[Finding]:
    """What the check says when these nodes run, and a further one has been offline for long."""
    listed = [{"Name": name, "IsOffline": False} for name in running]
    bodies = {
        "/api": {"Version": "2021.1.7500", "InstallationId": "an id", "ApiVersion": "3.0.0"},
        "/api/octopusservernodes/summary": {"Nodes": [*listed, {"Name": "GONE", "IsOffline": True}]},
    }

    def answer(_client: httpx.Client, _method: str, url: str, **_: Any) -> httpx.Response:
        body = bodies.get(str(url).removeprefix("http://test"), {})
        response = httpx.Response(200, content=json.dumps(body), headers={"content-type": "application/json"})
        response.request = httpx.Request("GET", "http://test")
        response.elapsed = timedelta()
        return response

    monkeypatch.setattr(httpx.Client, "request", answer)
    server = ServerInfo(Version(2021, 1, 7500), "an id", spaces=True, links={})
    with OctopusClient("http://test", None) as client:
        context = LiveContext(client, lambda: None, server, "", nodes=tuple(nodes))
        before = cast("Snapshot", SimpleNamespace(about={"installation_id": "an id"}))
        return check_health(context, "2021.1.7500", before).findings


@pytest.mark.parametrize(
    ("running", "nodes"), [(["TEST"], []), (["TEST"], ["TEST"]), (["test-2", "TEST-1"], ["TEST-1", "TEST-2"])]
)
def test_is_silent_when_the_instances_nodes_run(
    monkeypatch: pytest.MonkeyPatch, running: list[str], nodes: list[str]
) -> None:
    assert found(monkeypatch, running, nodes) == ()


@pytest.mark.parametrize(
    ("running", "nodes"), [(["TEST", "MAIN"], []), (["TEST", "MAIN"], ["TEST"]), (["A", "B", "C"], ["A", "B"])]
)
def test_notices_a_node_that_is_not_the_instances(
    monkeypatch: pytest.MonkeyPatch, running: list[str], nodes: list[str]
) -> None:
    [finding] = found(monkeypatch, running, nodes)

    assert "another node uses its database" in finding.consequence


@pytest.mark.parametrize(("running", "nodes"), [([], []), ([], ["TEST"]), (["A"], ["A", "B"])])
def test_notices_a_node_that_does_not_run(
    monkeypatch: pytest.MonkeyPatch, running: list[str], nodes: list[str]
) -> None:
    [finding] = found(monkeypatch, running, nodes)

    assert "does not run" in finding.consequence
