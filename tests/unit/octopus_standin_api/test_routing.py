"""Which route a path leads to."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.api.routing import RouteTable
from standins.octopus.contract import Call, Reply, Route, Version


def _answer(_call: Call) -> Reply:
    return Reply()


ROUTES = (
    Route("GET", "", _answer, "system"),
    Route("GET", "{space}", _answer, "system", since="2019.1"),
    Route("GET", "projects", _answer),
    Route("GET", "projects/all", _answer),
    Route("GET", "projects/{id}", _answer),
    Route("PUT", "projects/{id}", _answer),
    Route("GET", "projects/{id}/{gitRef}/variables", _answer, since="2021.1"),
    Route("GET", "users/me", _answer, "system"),
    Route("GET", "spaces/{id}", _answer, "system", since="2019.1"),
    Route("GET", "old", _answer, until="2019.1"),
    Route("GET", "//app", _answer, "system"),
)
OLD, NEW = RouteTable(ROUTES, Version(2018, 12, 1)), RouteTable(ROUTES, Version(2023, 1, 1))


def _path(table: RouteTable, path: str) -> str | None:
    found = table.match(path)
    return next(iter(found.routes.values()))[0].path if found else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api", ""),
        ("/api/", ""),
        ("/api/projects", "projects"),
        ("/api/Projects/", "projects"),
        ("/api/PROJECTS/ALL", "projects/all"),
        ("/api/projects/Projects-1", "projects/{id}"),
        ("/app", "//app"),
        ("/api/nothing", None),
        ("/api/projects/a/b/c/d", None),
        ("/elsewhere", None),
        ("/", None),
    ],
)
def test_the_same_in_every_version(path: str, expected: str | None) -> None:
    assert _path(OLD, path) == expected
    assert _path(NEW, path) == expected


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("/api/Spaces-1", None, "{space}"),
        ("/api/spaces-1/projects/all", None, "projects/all"),
        ("/api/Spaces-1/users/me", None, None),  # system routes are never below a space
        ("/api/spaces/default/projects", None, "projects"),
        ("/api/spaces/Spaces-1", None, "spaces/{id}"),
        ("/api/old", "old", None),
    ],
)
def test_spaces_and_versions(path: str, old: str | None, new: str | None) -> None:
    assert _path(OLD, path) == old
    assert _path(NEW, path) == new


def test_the_space_of_a_path_is_told_with_its_form() -> None:
    prefixed, identified, plain = (
        NEW.match(path) for path in ("/api/Spaces-7/projects", "/api/spaces/shop/projects", "/api/projects")
    )

    told = [(found.space, found.form) if found else None for found in (prefixed, identified, plain)]
    assert told == [("Spaces-7", "prefix"), ("shop", "identifier"), ("", "")]


def test_the_identifier_form_is_not_known_before_spaces_have_slugs() -> None:
    assert RouteTable(ROUTES, Version(2021, 1, 7500)).match("/api/spaces/Spaces-1/projects") is None


def test_an_encoded_slash_stays_in_its_segment() -> None:
    found = NEW.match("/api/projects/Projects-1/refs%2Fheads%2Fmain/variables")

    assert found is not None
    assert found.values == ("Projects-1", "refs/heads/main")


def test_a_later_row_takes_the_place_of_an_earlier_one() -> None:
    replaced = Route("GET", "projects/{id}", _answer, operation="special")
    found = RouteTable((*ROUTES, replaced), Version(2018, 12, 1)).match("/api/projects/1")

    assert found is not None
    assert found.routes["GET"][0] is replaced
    assert found.routes["PUT"][0].path == "projects/{id}"


_WORD = st.text(string.ascii_letters + string.digits + "-._~ %/", min_size=1, max_size=12)


@given(_WORD, st.booleans(), st.booleans())
def test_any_value_arrives_as_it_was_meant(value: str, in_space: bool, slash: bool) -> None:
    path = f"/api{'/Spaces-1' if in_space else ''}/projects/{quote(value, safe='')}{'/' if slash else ''}"
    found = NEW.match(path)

    assert found is not None
    if value.lower() != "all":
        assert found.values == (value,)
