"""Pushing after an upgrade is judged by what it came to before; a route that is gone is told elsewhere."""

from __future__ import annotations

import pytest

from tidegate.checks.live import pushing
from tidegate.checks.live.context import LiveContext, LiveResult
from tidegate.octopus.client import OctopusClient, ServerInfo
from tidegate.versions import Version

BEFORE = {"octo as administrator: packages/raw": "201", "octo as administrator: package-metadata": "201"}


def judged(monkeypatch: pytest.MonkeyPatch, after: dict[str, str]) -> LiveResult:
    def outcomes(_: LiveContext) -> dict[str, str]:
        return after

    monkeypatch.setattr(pushing, "push_outcomes", outcomes)
    server = ServerInfo(Version(2022, 3, 1), "", spaces=True, links={})
    context = LiveContext(OctopusClient("http://127.0.0.1:1", None), lambda: None, server, "Spaces-1")
    return pushing.check_pushing(context, BEFORE)


def test_what_works_as_before_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    result = judged(monkeypatch, dict(BEFORE))

    assert (result.findings, result.uncovered) == ((), ())


def test_a_refusal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = judged(monkeypatch, {**BEFORE, "octo as administrator: packages/raw": "400 no"}).findings

    assert (finding.check, finding.before, finding.after) == ("INTEG", "201", "400 no")


def test_a_route_that_is_gone_is_named_as_not_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    result = judged(monkeypatch, {"octo as administrator: packages/raw": "201"})

    assert result.findings == ()
    assert result.uncovered == ("push: octo as administrator: package-metadata: there is no such route any more",)
