"""A planned deployment is cancelled and corrected; what no longer works as before is found."""

from __future__ import annotations

import json
from typing import Any

from tidegate.checks.live.cancelling import CANCELLING, CORRECTING, PLANNING, cancelling_outcomes, check_cancelling
from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.runs import Rehearsed, Run
from tidegate.checks.live.task_logs import RunLog
from tidegate.checks.live.variables import Evaluated
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

AS_IT_SHOULD = {PLANNING: "201 Queued", CANCELLING: "200 Canceled", CORRECTING: "200 Failed"}


class Planning(OctopusClient):
    """A server with one task. ``broken`` names what it does no longer: the last part of a path."""

    def __init__(self, broken: str = "", *, deaf: bool = False) -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.state = "Queued"
        self.asked: list[str] = []
        self._broken = broken
        self._deaf = deaf

    def send(self, method: str, path: str, **request: Any) -> Answer:
        last = path.rpartition("/")[2]
        if method == "POST":
            self.asked.append(last)
            if last == self._broken:
                return _answer(500, {"ErrorMessage": "it hurts"})
            wanted = {"cancel": "Canceled", "state": str(request["json"].get("State"))}
            self.state = self.state if self._deaf else wanted.get(last, self.state)
        return _answer(201 if last == "deployments" else 200, {"TaskId": "ServerTasks-1", "State": self.state})


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: Planning) -> LiveContext:
    server = ServerInfo(version=Version.parse("2019.1.0"), installation_id="", links={}, spaces=True)
    return LiveContext(client, lambda: None, server, "Spaces-1", task_timeout=0.01)


def deployed(state: str = "Success") -> Rehearsed:
    run = Run("ServerTasks-0", state, "", RunLog(()), Evaluated({}), ())
    return Rehearsed("Projects-1", "Shop", "Environments-1", "", "Releases-1", "1.0", (), "Channels-1", (), {}, run)


def test_nothing_is_found_where_all_works_as_before() -> None:
    assert cancelling_outcomes(context_of(Planning()), [deployed()]) == AS_IT_SHOULD

    result = check_cancelling(context_of(Planning()), [deployed()], AS_IT_SHOULD)

    assert (result.findings, len(result.covered)) == ((), 3)


def test_what_never_worked_is_no_finding() -> None:
    before = cancelling_outcomes(context_of(Planning("state")), [deployed()])

    assert before[CORRECTING] == "500 it hurts"
    assert check_cancelling(context_of(Planning("state")), [deployed()], before).findings == ()


def test_a_refusal_to_cancel_is_found_with_what_could_not_be_tried_for_it() -> None:
    findings = check_cancelling(context_of(Planning("cancel")), [deployed()], AS_IT_SHOULD).findings

    assert [(one.place, one.after) for one in findings] == [
        (CANCELLING, "500 it hurts"),
        (CORRECTING, "not reached"),
    ]


def test_a_cancellation_that_is_accepted_and_ignored_is_found() -> None:
    [first, _] = check_cancelling(context_of(Planning(deaf=True)), [deployed()], AS_IT_SHOULD).findings

    assert first.place == CANCELLING
    assert "the last state was: Queued" in str(first.after)


def test_where_nothing_can_be_deployed_it_is_said_and_nothing_is_ordered() -> None:
    client = Planning()

    result = check_cancelling(context_of(client), [deployed("Failed")], {})

    assert (len(result.uncovered), client.asked) == (1, [])
