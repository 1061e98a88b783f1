"""What a retention run may take away, and what is no business of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.checks.test_writing import Shop, context_of
from tidegate.checks.live.retention import check_retention
from tidegate.octopus.client import Answer

SET_UP = ("tenants/Tenants-1", "machines/Machines-1", "projecttriggers/ProjectTriggers-1", "userroles/UserRoles-1")


def shop(taken: str) -> Shop:
    """A server whose retention runs take away ``taken`` besides what they should."""

    def fault(method: str, route: str, _: Any) -> Answer | None:
        if (method, route) == ("POST", "tasks"):
            made.stored.pop("releases/Releases-1")
            made.stored.pop(taken, None)
            return answer(201, {"Id": "ServerTasks-1"})
        return answer(200, {"Id": "ServerTasks-1", "State": "Success"}) if route == "tasks/ServerTasks-1" else None

    made = Shop(fault)
    made.stored |= {place: {"Id": place.partition("/")[2]} for place in (*SET_UP, "releases/Releases-1")}
    return made


def answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def test_a_run_that_takes_old_releases_is_silent() -> None:
    assert check_retention(context_of(shop(""))).findings == ()


@pytest.mark.parametrize("place", SET_UP)
def test_a_run_that_takes_what_is_no_history_is_found(place: str) -> None:
    assert [one.place for one in check_retention(context_of(shop(place))).findings] == [place]
