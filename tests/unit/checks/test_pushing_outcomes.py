"""Pushing after an upgrade is judged by what it came to before; a route that is gone is told elsewhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tidegate.checks.live import pushing
from tidegate.checks.live.context import LiveContext, LiveResult
from tidegate.octopus.client import Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

BEFORE = {"octo as administrator: packages/raw": "201", "octo as administrator: package-metadata": "201"}


class Feed(OctopusClient):
    """A built-in feed. ``keeps`` what was pushed first, or spoils what is stored."""

    def __init__(self, *, keeps: bool = False, spoils: bool = False) -> None:
        self.url = "http://127.0.0.1:1"
        self.listener = None
        self._packages: dict[str, bytes] = {}
        self._keeps, self._spoils = keeps, spoils

    def send(self, method: str, path: str, **request: Any) -> Answer:
        route = path.partition("?")[0].removeprefix("/api/")
        if (method, route) == ("POST", "packages/raw"):
            [(name, content)] = request["files"].values()
            place = f"packages/packages-{name.removesuffix('.zip')}"
            if place not in self._packages or not self._keeps:
                self._packages[place] = content[:-1] + b"?" if self._spoils else content
            return _answer(201, b"{}")
        stored = self._packages.get(route.removesuffix("/raw"))
        if stored is None:
            return _answer(404, b'{"ErrorMessage": "It was not found."}')
        told = {"PackageId": "Tidegate", "Version": "1", "Hash": hashlib.sha256(stored).hexdigest()}
        return _answer(200, stored if route.endswith("/raw") else json.dumps(told).encode())


def _answer(status: int, content: bytes) -> Answer:
    return Answer(status, {"content-type": "application/json"}, content, 0.0)


def pushed(feed: Feed) -> dict[str, str]:
    server = ServerInfo(Version(2018, 12, 1), "", spaces=False, links={})
    return pushing.push_outcomes(LiveContext(feed, lambda: None, server, ""))


@pytest.mark.parametrize(
    ("feed", "steps"),
    [
        (Feed(), set[str]()),
        (Feed(keeps=True), {"packages/{id} again", "packages/{id}/raw"}),
        (Feed(spoils=True), {"packages/{id}", "packages/{id} again", "packages/{id}/raw"}),
    ],
)
def test_a_feed_that_stores_something_else_than_what_was_pushed_last_differs(feed: Feed, steps: set[str]) -> None:
    before, after = pushed(Feed()), pushed(feed)

    assert {step.rpartition(": ")[2] for step in before if before[step] != after[step]} == steps


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
