"""Notifications: delivered beside a webhook that fails, or found to be missing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.subscriptions import DELIVERED, check_subscriptions, delivery_outcome
from tidegate.errors import Refused
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version


class Notifying(OctopusClient):
    """A server that knows nothing but subscriptions, and notifies in the order they were made."""

    def __init__(self, *, gives_up: bool = False, allowed: bool = True, url: str = "http://127.0.0.1:1") -> None:
        self.url = url
        self.access = Access.FULL
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self._gives_up = gives_up
        self._allowed = allowed
        self._made = 0

    def send(self, method: str, path: str, **request: Any) -> Answer:
        body: Any = {}
        if method == "POST":
            if not self._allowed:
                return _answer(403, {"ErrorMessage": "no"})
            self._made += 1
            body = {**request["json"], "Id": f"Subscriptions-{self._made}"}
            self.subscriptions[body["Id"]] = body
        elif method == "DELETE":
            del self.subscriptions[path.rpartition("/")[2]]
        elif method == "PUT":
            self._notify()
        else:
            body = self.subscriptions[path.rpartition("/")[2]]
        return _answer(200, body)

    def _notify(self) -> None:
        for subscription in self.subscriptions.values():
            uri = subscription["EventNotificationSubscription"]["WebhookURI"]
            if httpx.post(uri, json={}, trust_env=False).is_error and self._gives_up:
                return


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: Notifying) -> LiveContext:
    server = ServerInfo(version=Version.parse("2019.1.0"), installation_id="", links={}, spaces=True)
    return LiveContext(client, lambda: None, server, "Spaces-1")


def test_both_are_told_and_nothing_is_left_behind() -> None:
    client = Notifying()

    result = check_subscriptions(context_of(client), DELIVERED)

    assert (result.findings, result.uncovered) == ((), ())
    assert client.subscriptions == {}


def test_one_failing_webhook_that_keeps_the_rest_back_is_found() -> None:
    client = Notifying(gives_up=True)

    outcome = delivery_outcome(context_of(client), patience=0.2)

    assert outcome == "no notification came within 0.2 s; the one whose webhook fails was"
    assert client.subscriptions == {}


def test_what_is_not_delivered_any_more_is_a_finding() -> None:
    [finding] = check_subscriptions(context_of(Notifying(allowed=False)), DELIVERED).findings

    assert (finding.check, finding.place, finding.before) == ("INTEG", "subscriptions", DELIVERED)
    assert "403" in str(finding.after)


@pytest.mark.parametrize(
    ("client", "why"),
    [
        (Notifying(allowed=False), "no subscription can be made"),
        (Notifying(url="https://octopus.example.test"), "another machine"),
    ],
)
def test_what_did_not_work_before_says_nothing_about_the_upgrade(client: Notifying, why: str) -> None:
    before = delivery_outcome(context_of(client), patience=0.2)

    result = check_subscriptions(context_of(client), before)

    assert why in before
    assert result.findings == ()
    assert why in result.uncovered[0]


def test_an_answer_that_refuses_in_between_is_told_by_the_check() -> None:
    class Closing(Notifying):
        def _notify(self) -> None:
            raise Refused("PUT was answered with 403")

    [finding] = check_subscriptions(context_of(Closing()), DELIVERED).findings

    assert finding.check == "INTEG"
