"""ROLL: fires for what a rollback left different or took too long for, and is silent otherwise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import pytest

from tidegate.checks.finding import Severity
from tidegate.checks.rollback import failed_rollback, judge_shown, judge_state, judge_time, shown_as_before
from tidegate.errors import UpgradeFailed
from tidegate.observation.store import ITEM, LIST, Seen, Snapshot, SnapshotWriter
from tidegate.octopus.client import Answer, OctopusClient
from tidegate.sqlserver.image import DatabaseImage, image_differences

VERSIONS = ("2021.1.7500", "2018.12.1")


def test_a_state_that_is_what_it_was_is_no_finding() -> None:
    assert judge_state([], VERSIONS) == []
    assert judge_shown([], VERSIONS) == []


def test_each_difference_is_a_breaking_finding_at_its_place() -> None:
    [rows, file] = judge_state(["rows of dbo.Project: 7 rows → 1 rows", "packages: missing: a.zip"], VERSIONS)

    assert (rows.check, rows.severity, rows.place, rows.after) == (
        "ROLL", Severity.BREAKING, "rows of dbo.Project", "7 rows → 1 rows",
    )  # fmt: skip
    assert (file.place, file.after) == ("packages: missing", "a.zip")


def test_hundreds_of_differences_do_not_bury_the_report() -> None:
    found = judge_state([f"rows of dbo.T{number}: 1 rows → 2 rows" for number in range(300)], VERSIONS)

    assert len(found) == 21
    assert found[-1].after == "280 more differ"


@pytest.mark.parametrize(("seconds", "objective"), [(10.0, None), (60.0, 1), (1799.0, 30)])
def test_a_rollback_within_its_objective_is_no_finding(seconds: float, objective: int | None) -> None:
    assert judge_time(seconds, objective) == []


def test_a_rollback_over_its_objective_is_a_degradation() -> None:
    [finding] = judge_time(60.5 * 30, 30)

    assert (finding.severity, finding.before, finding.after) == (Severity.DEGRADED, "at most 30 min", "30.2 min")


def test_a_rollback_that_does_not_end_breaks() -> None:
    finding = failed_rollback(UpgradeFailed("the server ended with exit code 1 while starting:\nFATAL x"), VERSIONS)

    assert finding.severity is Severity.BREAKING
    assert finding.after == "the server ended with exit code 1 while starting:"


def test_images_differ_in_rows_and_in_schema() -> None:
    before = DatabaseImage({"dbo.A": "1:5:6", "dbo.B": "2:5:6"}, {"table dbo.A": "x", "view dbo.V": "y"})
    after = DatabaseImage({"dbo.A": "1:5:7", "dbo.C": "0:0:0"}, {"table dbo.A": "z", "view dbo.W": "y"})

    assert image_differences(before, before) == []
    assert before.rows == 3
    assert image_differences(before, after) == [
        "rows of dbo.A: 1 rows → 1 rows",
        "rows of dbo.B: 2 rows → no such table",
        "rows of dbo.C: no such table → 0 rows",
        "schema of table dbo.A: changed",
        "schema of view dbo.V: gone",
        "schema of view dbo.W: new",
    ]


# ------------------------------------------------------------------ what it shows

PROJECT: dict[str, Any] = {"Id": "Projects-1", "Name": "Web", "LastModifiedOn": "2021-06-01T10:00:00.000+00:00"}
PAGE: dict[str, Any] = {"ItemType": "Project", "TotalResults": 1, "Items": [PROJECT], "Links": {}}
ANSWERS: dict[str, Any] = {
    "/api/projects/Projects-1": PROJECT,
    "/api/projects": PAGE,
    "/api/dashboard": {"Moment": 1},
    "/api/tasks/ServerTasks-1": {"State": "Executing"},
}


def snapshot(file: Path, *, dashboard: str) -> Snapshot:
    with SnapshotWriter(file) as writer:
        for path, body in ANSWERS.items():
            place = path.removeprefix("/api/")
            text = json.dumps(body)
            form = LIST if "Items" in body else ITEM
            digest = dashboard if place == "dashboard" else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            family = f"{place.partition('/')[0]}/*" if "/" in place else place
            writer.saw(Seen("administrator", place, form, family, path, 200, digest=digest, body=text))
        writer.counted("administrator", "projects", "projects", 1, complete=True)
        writer.about({"administrator": "administrator"})
    return Snapshot(file)


@pytest.fixture
def before(tmp_path: Path) -> tuple[Snapshot, Snapshot]:
    return (
        snapshot(tmp_path / "1.sqlite", dashboard="differs"),
        snapshot(tmp_path / "2.sqlite", dashboard="by itself"),
    )


class Answering:
    """The one method of a client that is used, over a table of answers."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.paths: list[str] = []

    def send(self, method: str, path: str) -> Answer:
        assert method == "GET"
        self.paths.append(path)
        body = self._answers.get(path)
        content = json.dumps(body).encode()
        return Answer(404 if body is None else 200, {"content-type": "application/json"}, content, 0.0)

    def client(self) -> OctopusClient:
        return cast("OctopusClient", self)


def test_one_place_of_each_family_that_stood_still_is_asked_again(before: tuple[Snapshot, Snapshot]) -> None:
    server = Answering(ANSWERS)

    shown = shown_as_before(server.client(), *before)

    # Neither what differs by itself nor what the running server does is asked for.
    assert sorted(server.paths) == ["/api/projects", "/api/projects/Projects-1"]
    assert (shown.asked, shown.differences) == (2, ())


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"/api/projects/Projects-1": {**PROJECT, "Name": "Shop"}}, "projects/Projects-1: Name changed"),
        ({"/api/projects/Projects-1": None}, "projects/Projects-1: status 200 → 404"),
        ({"/api/projects": {**PAGE, "TotalResults": 2}}, "projects: 1 → 2 entries"),
    ],
)
def test_what_shows_something_else_is_told(
    before: tuple[Snapshot, Snapshot], changed: dict[str, Any], difference: str
) -> None:
    client = Answering(ANSWERS | changed).client()

    assert shown_as_before(client, *before).differences == (difference,)


def test_a_clock_is_no_difference(before: tuple[Snapshot, Snapshot]) -> None:
    later = {**PROJECT, "LastModifiedOn": "2021-06-01T11:00:00.000+00:00"}
    client = Answering(ANSWERS | {"/api/projects/Projects-1": later}).client()

    assert shown_as_before(client, *before).differences == ()
