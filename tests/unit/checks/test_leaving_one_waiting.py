"""Which deployment is left waiting over the upgrade: one whose task really waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.deployments import leave_waiting
from tidegate.octopus.client import OctopusClient, ServerInfo
from tidegate.versions import Version


def _context(monkeypatch: pytest.MonkeyPatch, states: Mapping[str, str]) -> LiveContext:
    pending = [
        {"Id": f"Interruptions-{task}", "TaskId": task, "IsPending": True, "Form": {"Elements": [{"Name": "Result"}]}}
        for task in states
    ]

    def answer(_client: httpx.Client, _method: str, url: str, **_: Any) -> httpx.Response:
        last = url.rsplit("/", 1)[1]
        found: Any = {"Id": last, "State": states.get(last)}
        if last == "interruptions":
            found = {"Items": pending, "TotalResults": len(pending)}
        response = httpx.Response(200, content=json.dumps(found), headers={"content-type": "application/json"})
        response.request = httpx.Request("GET", "http://test")
        response.elapsed = timedelta()
        return response

    monkeypatch.setattr(httpx.Client, "request", answer)
    server = ServerInfo(Version(2018, 12, 1), "an id", spaces=False, links={})
    return LiveContext(OctopusClient("http://test", None), lambda: None, server, "")


def test_a_task_that_was_cancelled_while_cloning_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    context = _context(monkeypatch, {"ServerTasks-1": "Canceled", "ServerTasks-2": "Executing"})

    assert leave_waiting(context, []) == ("ServerTasks-2", "")


def test_where_none_waits_and_none_can_be_made_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    context = _context(monkeypatch, {"ServerTasks-1": "Canceled"})

    assert leave_waiting(context, []) == ("", "no project has a manual step")
