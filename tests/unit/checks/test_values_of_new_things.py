"""What is made after an upgrade, held against what was made in the same way before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.checks.test_writing import Shop, context_of
from tidegate.checks.expected import Hop, expected_changes
from tidegate.checks.live.answers import check_answers
from tidegate.checks.live.hearing import Heard, Hearing
from tidegate.octopus.client import Answer
from tidegate.versions import Version

Document = dict[str, Any]
Change = Callable[[Document], Document]

HOP = Hop(expected_changes(), Version(2020, 6, 4671), Version(2021, 1, 7500))


def answer(body: Document, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def deployment(number: int) -> Document:
    return {
        "Id": f"Deployments-{number}", "Name": f"Deploy {'abcdefghij'[number]}",
        "Created": f"2021-01-0{number}T10:00:00Z",
        "TaskId": f"ServerTasks-{number}", "Comments": None, "SkipActions": [], "FormValues": {},
        "Changes": [{"Version": f"0.0.{number}-tidegate", "ReleaseNotes": None}], "Links": {"Self": f"/x/{number}"},
    }  # fmt: skip


def task(number: int, state: str) -> Document:
    return {
        "Id": f"ServerTasks-{number}", "Name": "Deploy", "State": state, "IsCompleted": state == "Success",
        "Duration": f"{number} seconds", "Arguments": {"DeploymentId": f"Deployments-{number}"},
        "HasWarningsOrErrors": False,
    }  # fmt: skip


def heard(numbers: range, change: Change = lambda body: body, *, made: bool = True) -> dict[str, Heard]:
    """What is heard of so many deployments: ordered, waited for and read."""
    hearing = Hearing()
    for number in numbers:
        if made:
            hearing.note("POST", "/api/deployments", answer(deployment(number), 201))
        for state in ("Queued", "Executing", "Success"):
            hearing.note("GET", f"/api/tasks/ServerTasks-{number}", answer(change(task(number, state))))
        hearing.note("GET", f"/api/deployments/Deployments-{number}", answer(change(deployment(number))))
    return hearing.heard()


def found(before: dict[str, Heard], after: dict[str, Heard]) -> list[str]:
    context = context_of(Shop())
    context.hearing._heard.update(after)  # pyright: ignore[reportPrivateUsage]
    return [finding.place for finding in check_answers(context, before, HOP).findings]


def test_other_ids_times_and_versions_are_silent() -> None:
    assert found(heard(range(1, 5)), heard(range(5, 9))) == []


def replaced(**values: Any) -> Change:
    return lambda body: {name: values.get(name, value) for name, value in body.items()}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (replaced(Comments="something"), "GET deployments/*: Comments"),
        (replaced(SkipActions=["something"]), "GET deployments/*: SkipActions"),
        (replaced(TaskId="SERVERTASKS-7"), "GET deployments/*: TaskId"),
        (replaced(Changes=[{"Version": "0.0.1-tidegate"}]), "GET deployments/*: Changes[].ReleaseNotes"),
        (replaced(Arguments={"DeploymentId": "Deploym"}), "GET tasks/* (Deploy): Arguments.DeploymentId"),
        (replaced(HasWarningsOrErrors=True), "GET tasks/* (Deploy): HasWarningsOrErrors"),
    ],
)
def test_a_value_that_new_things_did_not_have_before_is_found(change: Change, place: str) -> None:
    assert found(heard(range(1, 5)), heard(range(5, 9), change)) == [place]


def test_what_differed_from_one_to_the_next_before_says_nothing() -> None:
    def named(body: Document) -> Document:
        return {**body, "Comments": body["Name"]} if "Comments" in body else body

    assert found(heard(range(1, 5), named), heard(range(5, 9), replaced(Comments="something"))) == []


def test_too_few_make_no_habit_and_what_others_made_is_not_looked_at() -> None:
    another = replaced(Comments="something")

    assert found(heard(range(1, 3)), heard(range(5, 9), another)) == []
    assert found(heard(range(1, 5)), heard(range(5, 9), another, made=False)) == []
