"""What releases are documented to change is silent on their hop alone, and what looks like it is still told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.api_surface import Known
from tidegate.checks.cloning import compare_clone
from tidegate.checks.comparison import compare
from tidegate.checks.differences import Change, Kind, differences
from tidegate.checks.expected import Hop, expected_changes
from tidegate.checks.finding import Finding
from tidegate.observation.places import family_of
from tidegate.observation.routes import route_knowledge
from tidegate.observation.store import LISTED
from tidegate.versions import Version

TO_2022 = ("2021.1.7500", "2022.3.10957")
TO_2024 = ("2023.1.8260", "2024.3.8974")
OLDER = ("2020.6.4671", "2021.1.7500")


def explained(hop: tuple[str, str], place: str, change: Change) -> bool:
    origin, target = map(Version.parse, hop)
    return Hop(expected_changes(), origin, target).explains(place, family_of(place), change)


def change(kind: Kind, path: str, before: Any = None, after: Any = None) -> Change:
    return Change(kind, path, path, before, after)


@pytest.mark.parametrize(
    ("hop", "place", "known", "unknown"),
    [
        (
            TO_2022,
            "projects/Projects-15",
            change(Kind.CHANGED, "Links.Variables", "variables/variableset-1", "projects/Projects-15/variables"),
            change(Kind.CHANGED, "Links.Variables", "variables/variableset-1", "variables/variableset-2"),
        ),
        (
            TO_2022,
            "projects/Projects-15",
            change(Kind.CHANGED, "Links.DeploymentProcess", "processes/x", "projects/Projects-15/deploymentprocesses"),
            change(Kind.CHANGED, "Links.DeploymentProcess", "processes/x", "projects/Projects-15"),
        ),
        (
            TO_2022,
            "releases/Releases-1",
            change(Kind.CHANGED, "Links.Channel", "channels/Channels-1", "projects/Projects-1/channels/Channels-1"),
            change(Kind.CHANGED, "Links.Channel", "channels/Channels-1", "projects/Projects-1/channels"),
        ),
        (
            TO_2022,
            "runbooks/Runbooks-1/runbooksnapshottemplate",
            change(Kind.REMOVED, "RunbookId", "Runbooks-1"),
            change(Kind.REMOVED, "RunbookProcessId", "RunbookProcess-Runbooks-1"),
        ),
        (
            TO_2022,
            "machines/Machines-1",
            change(Kind.ADDED, "SkipInitialHealthCheck", None, after=False),
            change(Kind.ADDED, "SkipInitialHealthCheck", None, after=True),
        ),
        (
            TO_2022,
            "interruptions/Interruptions-1",
            change(Kind.ADDED, "Type", None, "GuidedFailure"),
            change(Kind.ADDED, "Type", None, "Unheard"),
        ),
        (
            TO_2022,
            "projects/Projects-1/deploymentprocesses",
            change(Kind.ADDED, "Steps[].Actions[].Slug", None, "import"),
            change(Kind.REMOVED, "Steps[].Actions[].Slug", "import"),
        ),
        (
            TO_2022,
            "projects/Projects-1/deploymentsettings",
            change(Kind.ADDED, "ForcePackageDownload", None, after=False),
            change(Kind.ADDED, "ForcePackageDownload", None, after=True),
        ),
        (
            ("2021.1.7500", "2022.4.8377"),
            "spaces/Spaces-1",
            change(Kind.ADDED, "Slug", None, "default"),
            change(Kind.CHANGED, "Slug", "default", "other"),
        ),
        (
            TO_2024,
            "machines/Machines-1",
            change(Kind.REMOVED, "Status", "Disabled"),
            change(Kind.REMOVED, "HealthStatus", "Healthy"),
        ),
        (
            TO_2024,
            "deploymentprocesses/deploymentprocess-Projects-1",
            change(Kind.ADDED, "Steps[].Actions[].GitDependencies", None, []),
            change(Kind.ADDED, "Steps[].Actions[].GitDependencies", None, ["Invented"]),
        ),
    ],
)  # fmt: skip
def test_a_documented_change_is_known_on_its_hop_alone(
    hop: tuple[str, str], place: str, known: Change, unknown: Change
) -> None:
    assert explained(hop, place, known)
    assert not explained(hop, place, unknown)
    if known.kind is not Kind.ADDED:
        assert not explained(OLDER, place, known), "an older release did not do this"


def test_fields_that_releases_are_known_to_take_from_models() -> None:
    to_2023 = Known(*map(Version.parse, ("2022.2.7027", "2023.3.13181")))
    to_2024 = Known(*map(Version.parse, TO_2024))

    assert to_2023.explains("field", "Space.PrivateSpaceOwner")
    assert to_2024.explains("field", "Machine.Status")
    assert not to_2024.explains("field", "Space.PrivateSpaceOwner")
    assert not to_2023.explains("field", "Machine.Status")
    assert not to_2024.explains("field", "Machine.HealthStatus")


TRIGGER = {"Id": "ProjectTriggers-1", "Name": "Nightly"}
IN_THE_LIST = f"{LISTED}scheduledprojecttriggers~unscoped"


def upgraded(folder: Path, hop: tuple[str, str], before: Any, after: Any) -> list[Finding]:
    first, second = (written(folder / f"{name}.sqlite", hop[0], seen=before) for name in ("first", "second"))
    return compare(first, second, written(folder / "after.sqlite", hop[1], seen=after), more=[])


@pytest.mark.parametrize(("hop", "silent"), [(TO_2022, True), (("2019.1.0", "2019.13.5"), False)])
def test_entries_are_not_missed_in_a_list_that_a_release_takes_away(
    tmp_path: Path, hop: tuple[str, str], *, silent: bool
) -> None:
    trigger = item("projecttriggers/ProjectTriggers-1", TRIGGER)
    listed = item("projecttriggers/ProjectTriggers-1", TRIGGER, form=IN_THE_LIST)

    assert (upgraded(tmp_path, hop, [trigger, listed], [trigger]) == []) is silent


def test_entries_are_missed_in_a_list_that_stays(tmp_path: Path) -> None:
    trigger = item("projecttriggers/ProjectTriggers-1", TRIGGER)
    listed = item("projecttriggers/ProjectTriggers-1", TRIGGER, form=f"{LISTED}projecttriggers~unscoped")

    assert [finding.check for finding in upgraded(tmp_path, TO_2022, [trigger, listed], [trigger])] == ["TRIG"]


def test_a_new_place_that_is_not_made_yet_takes_nothing_away(tmp_path: Path) -> None:
    error = {"ErrorMessage": "not made yet"}

    assert upgraded(tmp_path, TO_2022, [], [item("insights/reports", error, status=501)]) == []


def test_a_new_place_that_fails_is_told(tmp_path: Path) -> None:
    error = {"ErrorMessage": "broken"}

    findings = upgraded(tmp_path, TO_2022, [], [item("insights/reports", error, status=500)])

    assert [finding.place for finding in findings] == ["insights/reports"]


def test_a_place_that_says_it_is_no_longer_made_is_told(tmp_path: Path) -> None:
    reports = item("insights/reports", {"Items": []})

    findings = upgraded(tmp_path, TO_2022, [reports], [item("insights/reports", {}, status=501)])

    assert [finding.place for finding in findings] == ["insights/reports"]


@pytest.mark.parametrize(("sanitised", "silent"), [(["tasks"], True), ([], False)])
def test_a_task_that_the_clone_cancelled_has_ended_in_every_overview(
    tmp_path: Path, sanitised: list[str], *, silent: bool
) -> None:
    waiting, cancelled = (
        {"Releases": [{"Deployments": {"Environments-2": [{"Id": "Deployments-28", "State": state}]}}]}
        for state in ("Executing", "Canceled")
    )
    main, clone = (
        written(tmp_path / f"{state}.sqlite", "2022.4.8377", seen=[item("projects/Projects-7/progression", body)])
        for state, body in (("main", waiting), ("clone", cancelled))
    )

    assert (compare_clone(main, clone, sanitised) == []) is silent


_EMPTIED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("feed-credentials", "feeds/Feeds-2", {"Username": "octopus"}, {"Username": None}),
    (
        "machines",
        "releases/Releases-5/deployments/preview/Environments-1",
        {"StepsToExecute": [{"ActionName": "Deploy", "MachineNames": ["web-1"]}]},
        {"StepsToExecute": [{"ActionName": "Deploy", "MachineNames": []}]},
    ),
    ("mail", "smtpconfiguration", {"SmtpHost": "mail.example"}, {"SmtpHost": None}),
]


@pytest.mark.parametrize(
    ("statement", "place", "main", "clone"),
    _EMPTIED,
)
def test_what_sanitising_empties_is_missed_only_where_it_did_not_act(
    tmp_path: Path, statement: str, place: str, main: dict[str, Any], clone: dict[str, Any]
) -> None:
    main_snapshot, clone_snapshot = (
        written(tmp_path / f"{name}.sqlite", "2021.1.7500", seen=[item(place, body)])
        for name, body in (("main", main), ("clone", clone))
    )

    assert compare_clone(main_snapshot, clone_snapshot, [statement]) == []
    assert compare_clone(main_snapshot, clone_snapshot, []) != []


def test_the_clone_does_not_show_the_nodes_of_the_main_instance(tmp_path: Path) -> None:
    main, clone = (
        written(tmp_path / f"{name}.sqlite", "2021.1.7500", seen=[item("octopusservernodes/summary", {"Nodes": nodes})])
        for name, nodes in (("main", [{"Name": "MAIN"}, {"Name": "SECOND"}]), ("clone", [{"Name": "TEST"}]))
    )

    assert compare_clone(main, clone, []) == []


def test_no_link_is_followed_that_makes_the_server_ask_a_git_repository() -> None:
    knowledge = route_knowledge()

    assert not knowledge.followed("GitConnectionTest")
    assert knowledge.followed("GitCompatibilityReport")


def test_behind_a_load_balancer_another_node_may_tell_its_name_and_nothing_else_of_the_configuration() -> None:
    def settings(node: str, folder: str) -> list[dict[str, Any]]:
        values = {"Octopus.Server.NodeName": node, "Octopus.Server.Folder": folder}
        return [{"ConfigurationSet": "Octopus.Server", "ConfigurationValues": [
            {"Key": key, "Value": value, "Description": key} for key, value in values.items()
        ]}]  # fmt: skip

    def told(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[bool]:
        return [explained(OLDER, "serverconfiguration/settings", one) for one in differences(before, after)]

    assert told(settings("MAIN", "/a"), settings("MAIN-2", "/a")) == [True]
    assert told(settings("MAIN", "/a"), settings("MAIN", "/b")) == [False]
