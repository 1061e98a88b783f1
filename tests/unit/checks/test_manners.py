"""What nobody was led to is looked at, too: by strangers, by other users, by ids that are not there, page by page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import written
from tests.unit.observation.tiny_octopus import Override, Reply, Request, TinyOctopus
from tidegate.checks.api_surface import compare_surface
from tidegate.checks.comparison import compare
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot
from tidegate.observation.store import SnapshotWriter

VERSION = "2019.1.0"
Found = Callable[[Override], list[str]]


def refusing(request: Request) -> Reply | None:
    """Strangers see nothing but the root, and others no users."""
    if not request.user and request.path not in ("/api", "/api/"):
        return 401, {"ErrorMessage": "You must be logged in."}
    if request.user == "reader" and request.path.startswith("/api/users") and request.path != "/api/users/me":
        return 403, {"ErrorMessage": "You do not have permission."}
    return None


def tiny(*overrides: Override) -> TinyOctopus:
    server = TinyOctopus(VERSION)
    environments = [{"Id": f"Environments-{n}", "Name": f"Stage {n}"} for n in range(1, 7)]
    server.collections["environments"] = environments
    server.overrides += [*overrides, refusing]
    return server


def look(server: TinyOctopus, file: Path, like: Snapshot | None = None) -> Snapshot:
    scope = SnapshotScope(patience=0.2, outage=1.0, page=50)
    clients = {user: server.client(user) for user in ("admin", "reader")}
    return take_snapshot(SnapshotSource(clients, "admin", scope=scope, like=like.file if like else None), file)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The places of the findings about a server with an override after its upgrade."""
    folder = tmp_path_factory.mktemp("manners")
    first = look(tiny(), folder / "1")
    second = look(tiny(), folder / "2", first)
    numbers = iter(range(3, 1000))

    def findings(override: Override) -> list[str]:
        after = look(tiny(override), folder / str(next(numbers)), second)
        return [finding.place for finding in compare(first, second, after)]

    return findings


def test_the_same_server_is_silent(found: Found) -> None:
    assert found(lambda _: None) == []


def as_admin(request: Request) -> Reply | None:
    """What the administrator is answered."""
    return TinyOctopus(VERSION).respond(Request("admin", request.method, request.path, request.query, None))


def test_a_route_that_lets_strangers_in_is_found(found: Found) -> None:
    places = found(lambda one: as_admin(one) if not one.user and "projecttriggers" in one.path else None)

    assert any("projecttriggers" in place and "without credentials" in place for place in places)


def test_a_route_that_shows_another_user_what_was_refused_is_found(found: Found) -> None:
    places = found(lambda one: as_admin(one) if one.user == "reader" and one.path.startswith("/api/users/U") else None)

    assert places
    assert all("users/" in place for place in places)


@pytest.mark.parametrize("status", [500, 200])
def test_an_unknown_id_that_is_no_longer_not_found_is_found(found: Found, status: int) -> None:
    places = found(lambda one: (status, {}) if one.path.endswith("Environments-99999999") else None)

    assert any("an unknown one of environments" in place for place in places)


def test_a_list_that_ignores_skip_is_found(found: Found) -> None:
    def ignoring(request: Request) -> Reply | None:
        if not request.path.endswith("/environments") or request.query.get("skip") != "1":
            return None
        return tiny().respond(Request(request.user, "GET", request.path, {**request.query, "skip": "0"}, None))

    assert any("a page of environments: ShowsItsPart" in place for place in found(ignoring))


def test_a_page_inside_a_list_that_no_longer_leads_on_is_found(found: Found) -> None:
    def ending(request: Request) -> Reply | None:
        if not request.path.endswith("/environments") or request.query.get("skip") != "1":
            return None
        status, page = tiny().respond(request)
        return status, {**page, "Links": {name: at for name, at in page["Links"].items() if name != "Page.Next"}}

    assert any("a page of environments: LeadsOn" in place for place in found(ending))


def test_a_filter_that_lets_everything_through_is_found(found: Found) -> None:
    def ignoring(request: Request) -> Reply | None:
        query = {name: value for name, value in request.query.items() if name != "ids"}
        if not request.path.endswith("/environments") or query == request.query:
            return None
        return tiny().respond(Request(request.user, "GET", request.path, query, None))

    assert any(place.startswith("environments?ids") and "TotalResults" in place for place in found(ignoring))


def _with_sent(file: Path, sent: dict[str, dict[str, str]]) -> Snapshot:
    facts: dict[str, Any] = dict(written(file).about)
    with SnapshotWriter(file) as writer:
        for family, of_family in sent.items():
            writer.sent(family, of_family)
        writer.about(facts)
    return Snapshot(file)


JSON = {"content-type": "application/json"}
LOGO = {"content-type": "image/png", "etag": '"one"', "cache-control": "private"}


def test_headers_that_say_the_same_are_no_finding(tmp_path: Path) -> None:
    before = _with_sent(tmp_path / "b", {"projects/*": JSON, "projects/*/logo": LOGO})
    after = _with_sent(tmp_path / "a", {"projects/*": JSON, "projects/*/logo": {**LOGO, "etag": '"two"'}})

    assert list(compare_surface(before, after)) == []


@pytest.mark.parametrize(
    ("name", "logo"),
    [
        ("etag", {"content-type": "image/png", "cache-control": "private"}),
        ("cache-control", {**LOGO, "cache-control": "no-store"}),
        ("content-type", {**LOGO, "content-type": "text/html"}),
    ],
)
def test_a_header_that_is_gone_or_says_something_else_is_found(tmp_path: Path, name: str, logo: dict[str, str]) -> None:
    before = _with_sent(tmp_path / "b", {"projects/*": JSON, "projects/*/logo": LOGO})
    after = _with_sent(tmp_path / "a", {"projects/*": JSON, "projects/*/logo": logo})

    [finding] = compare_surface(before, after)

    assert finding.place == f"projects/*/logo: header {name}"
