"""What sanitising changes on a clone is known; whatever else differs from the main instance is found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.cloning import compare_clone
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding
from tidegate.observation.store import LISTED, Seen, Snapshot
from tidegate.rehearsal.instances import MainMark
from tidegate.versions import Version

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


def audited(number: int, second: int) -> Seen:
    event = {"Id": f"Events-{number}", "Occurred": f"2026-03-01T10:00:{second:02}.000+00:00", "Category": "Modified"}
    return item(f"events/Events-{number}", event, form=f"{LISTED}events")


def lost_events(folder: Path, clone: list[Seen], mark: MainMark | None) -> list[str]:
    """Places of findings, where the main instance has events 301 to 304 of the seconds 1 to 4."""
    main = [audited(300 + second, second) for second in range(1, 5)]
    found = compare_clone(
        written(folder / "main", "2020.6.4671", seen=main, lists={"events": len(main)}),
        written(folder / "clone", "2020.6.4671", seen=clone, lists={"events": len(clone)}),
        mark=mark,
    )  # fmt: skip
    return [one.place for one in found]


def test_what_was_audited_after_the_backup_is_no_loss_though_the_clone_audits_too(tmp_path: Path) -> None:
    """The clone's own events have higher numbers than what the main instance audited meanwhile."""
    clone = [audited(301, 1), audited(302, 2), audited(320, 9)]
    mark = MainMark(Version(2020, 6, 4671), "digest", 1, datetime(2026, 3, 1, 10, 0, 2, tzinfo=UTC), ("Events-302",))

    assert lost_events(tmp_path, clone, mark) == []


def test_what_was_audited_before_the_backup_and_is_not_on_the_clone_is_lost(tmp_path: Path) -> None:
    clone = [audited(302, 2), audited(320, 9)]
    mark = MainMark(Version(2020, 6, 4671), "digest", 1, datetime(2026, 3, 1, 10, 0, 2, tzinfo=UTC), ("Events-302",))

    assert lost_events(tmp_path, clone, mark) == ["events/Events-301 in events"]


def test_of_the_moment_of_the_backup_only_what_was_known_is_lost(tmp_path: Path) -> None:
    clone = [audited(301, 1), audited(302, 2), audited(320, 9)]
    mark = MainMark(Version(2020, 6, 4671), "digest", 1, datetime(2026, 3, 1, 10, 0, 4, tzinfo=UTC), ("Events-304",))

    assert lost_events(tmp_path, clone, mark) == ["events/Events-303 in events", "events/Events-304 in events"]
