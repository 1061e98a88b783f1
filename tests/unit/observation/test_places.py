"""Places keep their names from version to version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.observation.places import expand, family_of, place_of, variables


@pytest.mark.parametrize(
    ("path", "place", "family"),
    [
        ("/api", "", ""),
        ("/api/projects/Projects-1", "projects/Projects-1", "projects/*"),
        ("/api/Spaces-1/projects/Projects-1", "projects/Projects-1", "projects/*"),
        ("/api/Spaces-2/projects/Projects-1", "Spaces-2/projects/Projects-1", "projects/*"),
        ("/api/Spaces-1", "Spaces-1", "*"),
        ("/api/tasks/taskTypes", "tasks/tasktypes", "tasks/tasktypes"),
        ("/api/projects?skip=30&take=30", "projects", "projects"),
        ("/api/artifacts?regarding=Releases-4&take=5", "artifacts?regarding=Releases-4", "artifacts?regarding"),
        ("/api/teams/teams-everyone", "teams/teams-everyone", "teams/*"),
        ("/api/feeds/feeds-builtin", "feeds/feeds-builtin", "feeds/*"),
        ("/api/variables/variableset-Projects-1", "variables/variableset-Projects-1", "variables/*"),
        ("/api/packages/packages-Acme.Web.1.0.0/raw", "packages/packages-Acme.Web.1.0.0/raw", "packages/*/raw"),
        ("/api/spaces/Spaces-1/logo?cb=2021.1", "spaces/Spaces-1/logo", "spaces/*/logo"),
    ],
)
def test_places_and_families(path: str, place: str, family: str) -> None:
    assert place_of(path) == place
    assert family_of(place) == family


@given(st.from_regex(r"[a-z]{3,9}(/[A-Za-z]{3,9}-[0-9]{1,3})?", fullmatch=True))
def test_the_default_space_never_changes_a_place(rest: str) -> None:
    assert place_of(f"/api/{rest}") == place_of(f"/api/Spaces-1/{rest}")


def test_templates() -> None:
    template = "/api/Spaces-1/projects{/id}{?name,skip,ids}"

    assert expand(template) == "/api/Spaces-1/projects"
    assert variables(template) == {"name", "skip", "ids"}
    assert expand("/api/actiontemplates/{typeOrId}/logo{?cb}") is None
