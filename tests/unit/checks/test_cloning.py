"""What sanitising changes on a clone is known; whatever else differs from the main instance is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.cloning import compare_clone
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding
from tidegate.observation.store import Snapshot

WAITING = {"State": "Executing", "HasPendingInterruptions": True, "IsCompleted": False, "Duration": "19 seconds"}
CANCELLED = {"State": "Canceled", "HasPendingInterruptions": False, "IsCompleted": True, "Duration": "3 seconds"}


def findings(folder: Path, place: str, main: dict[str, Any], clone: dict[str, Any], *acted: str) -> list[Finding]:
    def snapshot(name: str, body: dict[str, Any]) -> Any:
        releases = [{"Deployments": {"Environments-2": [{"Id": "Deployments-28", **body}]}}]
        return written(folder / name, "2023.1.9794", seen=[item(place, {"Id": None, "Releases": releases})])

    return compare_clone(snapshot("main", main), snapshot("clone", clone), acted)


@pytest.mark.parametrize("place", ["progression/Projects-7", "projects/Projects-7/progression"])
def test_a_deployment_that_waited_on_the_main_instance_is_cancelled_on_the_clone(tmp_path: Path, place: str) -> None:
    """The second address of a project's progression came with 2021.1."""
    assert findings(tmp_path, place, WAITING, CANCELLED, "tasks") == []


def test_without_that_statement_it_is_a_finding(tmp_path: Path) -> None:
    found = findings(tmp_path, "projects/Projects-7/progression", WAITING, CANCELLED, "subscriptions")

    assert {one.check for one in found} == {"CLONE"}


def test_another_release_than_the_main_instances_is_a_finding(tmp_path: Path) -> None:
    changed = {**CANCELLED, "ReleaseVersion": "1.0.1"}

    [found] = findings(
        tmp_path, "projects/Projects-7/progression", {**WAITING, "ReleaseVersion": "1.0.0"}, changed, "tasks"
    )

    assert found.place.endswith("[Deployments-28].ReleaseVersion")


@pytest.mark.parametrize(
    "place", ["progression/Projects-7", "projects/Projects-7/progression", "releases/Releases-7/progression"]
)
def test_how_long_a_deployment_waits_by_now_is_no_finding(tmp_path: Path, place: str) -> None:
    """A deployment that waits for a person waits longer after an upgrade than before it."""

    def seen(name: str, waited: str) -> Snapshot:
        body = {"Phases": [{"Deployments": [{"Task": {"State": "Executing", "Duration": waited}}]}]}
        return written(tmp_path / name, "2020.6.4671", seen=[item(place, body)])

    before = seen("before", "1 minute")

    assert compare(before, seen("again", "1 minute"), seen("after", "2 minutes")) == []
    assert compare(before, seen("once-more", "1 minute"), seen("other", "soon")) != []
