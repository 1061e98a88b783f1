"""A subset of projects against its main instance: what came over is compared, what did not is counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.unit.checks.snapshots import item
from tidegate.checks.subset import SubsetComparison, compare_subset
from tidegate.observation.store import Seen, Snapshot, SnapshotWriter

VERSION = "2021.1.7500"


def snapshot(file: Path, seen: list[Seen], counts: Mapping[str, int]) -> Snapshot:
    with SnapshotWriter(file) as writer:
        for one in seen:
            writer.saw(one)
        for place, number in counts.items():
            writer.counted("admin", place, place, number, complete=True)
        writer.database({}, {}, [])
        writer.about(
            {
                "version": VERSION, "spaces": True, "default_space": "Spaces-1", "administrator": "admin",
                "users": ["admin"], "observers": [], "database": False, "like": False, "installation_id": "x",
            }
        )  # fmt: skip
    return Snapshot(file)


def project(number: int, name: str, **more: Any) -> Seen:
    body = {"Id": f"Projects-{number}", "Name": name, "VariableSetId": f"variableset-Projects-{number}", **more}
    return item(f"projects/Projects-{number}", body)


def variables(number: int, value: str, choices: tuple[str, ...] = ()) -> Seen:
    owner = f"Projects-{number}"
    body: dict[str, Any] = {"Id": f"variableset-{owner}", "OwnerId": owner}
    body["Variables"] = [{"Name": "Greeting", "Value": value, "Scope": {"Machine": [f"Machines-{n}" for n in choices]}}]
    body["ScopeValues"] = {"Machines": [{"Id": f"Machines-{n}", "Name": n} for n in choices]}
    return item(f"variables/variableset-{owner}", body)


def tenant(number: int, places: Mapping[str, list[str]]) -> Seen:
    return item(f"tenants/Tenants-{number}", {"Id": f"Tenants-{number}", "Name": "Acme", "ProjectEnvironments": places})


MAIN = [
    project(7, "Shop"),
    variables(7, "hello", ("1", "2")),
    project(8, "Billing"),
    variables(8, "pay"),
    tenant(3, {"Projects-7": [], "Projects-8": []}),
]
COUNTS = {"projects": 2, "tenants": 1, "machines": 20, "users": 5, "Spaces-2/machines": 2}


def compared(
    folder: Path, subset: list[Seen], chosen: tuple[str, ...] = ("Shop",), main: list[Seen] | None = None
) -> SubsetComparison:
    before = snapshot(folder / "main.sqlite", MAIN if main is None else main, COUNTS)
    after = snapshot(folder / "clone.sqlite", subset, {"projects": 1, "tenants": 1, "users": 1})
    return compare_subset(before, after, chosen, folder / "views")


def test_ids_of_its_own_are_no_difference(tmp_path: Path) -> None:
    found = compared(tmp_path, [project(1, "Shop"), variables(1, "hello"), tenant(1, {"Projects-1": []})])

    assert found.findings == ()
    assert found.projects == ("Shop",)
    assert found.compared == 3


def test_a_value_that_came_over_otherwise_is_found(tmp_path: Path) -> None:
    found = compared(tmp_path, [project(1, "Shop"), variables(1, "good bye"), tenant(1, {"Projects-1": []})])

    [finding] = found.findings
    assert (finding.check, finding.kind) == ("CLONE", "clone")
    assert finding.place == "variables/variableset-Projects-1: Variables[Greeting].Value"
    assert "good bye" in str(finding.after)


def test_a_lost_connection_of_a_tenant_is_found(tmp_path: Path) -> None:
    found = compared(tmp_path, [project(1, "Shop"), variables(1, "hello"), tenant(1, {})])

    assert [finding.place for finding in found.findings] == ["tenants/Tenants-1: ProjectEnvironments.Projects-1"]


def test_a_chosen_project_that_did_not_come_is_found(tmp_path: Path) -> None:
    found = compared(
        tmp_path, [project(1, "Shop"), variables(1, "hello"), tenant(1, {"Projects-1": []})], ("Shop", "Billing")
    )

    assert {finding.place for finding in found.findings} == {"projects/Projects-8", "variables/variableset-Projects-8"}


def test_what_is_not_there_is_counted_over_all_spaces(tmp_path: Path) -> None:
    found = compared(tmp_path, [project(1, "Shop"), variables(1, "hello"), tenant(1, {"Projects-1": []})])

    assert [one.sentence() for one in found.left] == [
        "1 of 2 projects (Billing): not in the subset",
        "22 of 22 deployment targets: an export of projects never carries them",
        "4 of 5 users: an export of projects never carries them",
    ]


def test_projects_of_one_name_in_two_spaces_are_two(tmp_path: Path) -> None:
    """The chosen one came into a space of the same name; the default space's namesake did not."""
    spaces = [item("spaces/Spaces-2", {"Id": "Spaces-2", "Name": "Other", "IsDefault": False})]
    other = item("Spaces-2/projects/Projects-9", {"Id": "Projects-9", "Name": "Shop"})
    there = [
        item("spaces/Spaces-4", {"Id": "Spaces-4", "Name": "Other", "IsDefault": False}),
        item("Spaces-4/projects/Projects-1", {"Id": "Projects-1", "Name": "Shop"}),
    ]

    found = compared(tmp_path, there, ("Other/Shop",), [*MAIN, *spaces, other])

    assert found.compared == 1
    assert found.findings == ()
