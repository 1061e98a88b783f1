"""What clients see of the interface: silent when it only grew, loud when something went."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.api_surface import Known, compare_interfaces, compare_surface
from tidegate.checks.described import interface, route
from tidegate.versions import Version

SWAGGER: dict[str, Any] = {
    "paths": {
        "/api/projects": {
            "get": {
                "parameters": [{"name": "skip", "in": "query", "type": "integer"}],
                "responses": {"200": {"schema": {"$ref": "#/definitions/ResourceCollection_of_ProjectResource"}}},
            }
        },
        "/api/projects/{id}": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "type": "string", "required": True}],
                "responses": {"200": {"schema": {"$ref": "#/definitions/ProjectResource"}}},
            }
        },
        "/api/repository/configuration": {"get": {"responses": {"200": {}}}},
    },
    "definitions": {
        "ProjectResource": {
            "properties": {
                "Name": {"type": "string"},
                "Mode": {"type": "string", "enum": ["Tenanted", "Untenanted"]},
                "Steps": {"type": "array", "items": {"$ref": "#/definitions/StepResource"}},
            }
        },
        "TeamResource": {"properties": {"UserRoleIds": {"type": "array", "items": {"type": "string"}}}},
    },
}

HOP = Known(Version.parse("2018.12.1"), Version.parse("2019.1.0"))


def changed(*path: Any, to: Any = None) -> dict[str, Any]:
    """The document with one thing taken out or replaced."""
    document = deepcopy(SWAGGER)
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    if to is None:
        del target[path[-1]]
    else:
        target[path[-1]] = to
    return document


def test_growth_is_silent() -> None:
    grown = deepcopy(SWAGGER)
    grown["paths"]["/api/{baseSpaceId}/projects"] = SWAGGER["paths"]["/api/projects"]
    grown["definitions"]["ProjectResource"]["properties"]["SpaceId"] = {"type": "string"}
    grown["definitions"]["ProjectResource"]["properties"]["Mode"]["enum"].append("TenantedOrUntenanted")

    assert list(compare_interfaces(interface(SWAGGER), interface(grown), HOP)) == []


def test_known_losses_are_silent() -> None:
    after = changed("paths", "/api/repository/configuration")
    after["definitions"]["TeamResource"]["properties"] = {}

    assert list(compare_interfaces(interface(SWAGGER), interface(after), HOP)) == []


FIELD = ("definitions", "ProjectResource", "properties")
LIST = ("paths", "/api/projects", "get")


@pytest.mark.parametrize(
    ("after", "place"),
    [
        (changed("paths", "/api/projects/{id}"), "route GET projects/{}"),
        (changed(*FIELD, "Name"), "model Project.Name"),
        (changed(*FIELD, "Name", "type", to="object"), "model Project.Name"),
        (changed(*FIELD, "Mode", "enum", to=["Tenanted"]), "model Project.Mode"),
        (changed("definitions", "ProjectResource", "required", to=["Steps"]), "model Project.Steps"),
        (changed("definitions", "ProjectResource"), "model Project"),
        (changed(*LIST, "parameters", to=[]), "route GET projects: query parameter skip"),
        (changed(*LIST, "parameters", 0, "required", to=True), "route GET projects: parameter skip"),
        (
            changed("paths", "/api/projects/{id}", "get", "parameters", to=[]),
            "route GET projects/{}: path parameter number 1",
        ),
        (changed(*LIST, "responses", to={"201": {}}), "route GET projects: success"),
    ],
)
def test_losses_are_found(after: dict[str, Any], place: str) -> None:
    findings = list(compare_interfaces(interface(SWAGGER), interface(after), HOP))

    assert [finding.place for finding in findings] == [place]


def test_routes_of_a_space_are_told_apart() -> None:
    assert route("/api/{baseSpaceId}/projects/{id}") == "{space}/projects/{}"
    assert route("/api/{spaceId}") == "{space}"
    assert route("/api/Tasks/taskTypes") == "tasks/tasktypes"


def test_a_filter_that_a_link_no_longer_offers(tmp_path: Path) -> None:
    before = written(tmp_path / "b", seen=[item("", {"Links": {"Tasks": "/api/tasks{/id}{?skip,node,NAME}"}})])
    after = written(tmp_path / "a", seen=[item("", {"Links": {"Tasks": "/api/tasks{/id}{?skip,name,more}"}})])

    (finding,) = compare_surface(before, after)

    assert finding.consequence == "lists can no longer be filtered by node"
