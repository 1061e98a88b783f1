"""A snapshot sees everything an instance links to, asks for nothing that acts, and keeps no secret."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus, digest
from tidegate.errors import HarnessError, Refused
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot
from tidegate.observation.store import FILE, LIST, SnapshotWriter
from tidegate.sqlserver.fingerprints import Bucket

VERSIONS = ("2018.12.1", "2019.1.0")

Look = Callable[..., Snapshot]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def take(server: TinyOctopus, *, users: tuple[str, ...] = ("admin",), **more: Any) -> Snapshot:
        knobs: dict[str, Any] = {"patience": 0.3, **more.pop("scope", {})}
        scope = SnapshotScope(**knobs)
        number = len(list(tmp_path.iterdir()))
        source = SnapshotSource({user: server.client(user) for user in users}, "admin", scope=scope, **more)
        return take_snapshot(source, tmp_path / f"{number}.sqlite")

    return take


def answer(path: str, *replies: Reply) -> Callable[[Request], Reply | None]:
    """Answers ``path`` with the replies in turn, then as usual."""
    left = list(replies)
    return lambda request: left.pop(0) if request.path == path and left else None


@pytest.mark.parametrize("version", VERSIONS)
def test_every_item_of_every_collection_is_read_on_its_own(look: Look, version: str) -> None:
    server = TinyOctopus(version)

    places = {seen.place for seen in look(server).rows("form = 'item'")}

    expected = {f"{name}/{item['Id']}" for name, items in server.collections.items() for item in items}
    assert expected <= places


def test_lists_are_read_page_by_page(look: Look) -> None:
    server = TinyOctopus()
    server.collections["environments"] = [{"Id": f"Environments-{n}", "Name": f"E{n}"} for n in range(95)]

    snapshot = look(server, scope={"page": 10})

    assert snapshot.counts()["admin", "environments"] == (95, True)
    assert len(list(snapshot.rows("family = 'environments/*' AND form = 'item'"))) == 95


def test_a_list_without_next_links_is_read_to_its_end_all_the_same(look: Look) -> None:
    server = TinyOctopus()
    server.collections["environments"] = [{"Id": f"Environments-{n}", "Name": f"E{n}"} for n in range(25)]

    def unlinked(request: Request) -> Reply | None:
        if request.path != "/api/environments":
            return None
        plain = TinyOctopus()
        plain.collections = server.collections
        status, body = plain.respond(request)
        body["Links"].pop("Page.Next", None)
        return status, body

    server.overrides.append(unlinked)

    snapshot = look(server, scope={"page": 10})

    assert snapshot.counts()["admin", "environments"] == (25, True)


def test_history_is_read_for_a_sample_that_only_the_seed_decides(look: Look) -> None:
    server = TinyOctopus()
    server.collections["tasks"] = [{"Id": f"ServerTasks-{n}", "Name": "Deploy", "State": "Success"} for n in range(60)]

    def chosen(seed: int) -> set[str]:
        rows = look(server, scope={"history_items": 7, "seed": seed}).rows("family = 'tasks/*' AND form = 'item'")
        return {row.place for row in rows}

    first = chosen(1)
    server.collections["tasks"].insert(0, {"Id": "ServerTasks-1000", "Name": "Deploy", "State": "Success"})

    assert len(first) == 7
    assert len(chosen(1) & first) >= 6  # a newcomer can take one place at most
    assert chosen(2) != first


def test_a_sample_is_stated(look: Look) -> None:
    server = TinyOctopus()
    server.collections["tasks"] = [{"Id": f"ServerTasks-{n}", "Name": "Deploy"} for n in range(60)]

    (sample,) = look(server, scope={"history_items": 7}).samples()

    assert (sample.family, sample.known, sample.taken) == ("tasks", 60, 7)


def test_files_are_known_by_their_digest(look: Look) -> None:
    snapshot = look(TinyOctopus())

    seen = snapshot.one("artifacts/Artifacts-1/content", form=FILE)

    assert seen is not None
    assert (seen.status, seen.digest, seen.body) == (200, digest(b"the report"), None)


def test_of_many_files_the_same_ones_are_read_in_whatever_order_they_are_found(look: Look) -> None:
    server = TinyOctopus()
    artifact = server.collections["artifacts"][0]
    server.collections["artifacts"] = [
        {**artifact, "Id": f"Artifacts-{n}", "Links": {"Content": f"/api/artifacts/Artifacts-{n}/content"}}
        for n in range(12)
    ]

    def read() -> tuple[set[str], list[tuple[str, int, int]]]:
        snapshot = look(server, scope={"files": 4, "history_dependents": 12})
        files = {seen.place for seen in snapshot.rows("family = 'artifacts/*/content' AND form = ?", (FILE,))}
        return files, [(one.family, one.known, one.taken) for one in snapshot.samples()]

    chosen, stated = read()
    server.collections["artifacts"].reverse()

    assert len(chosen) == 4
    assert ("artifacts/*/content", 12, 4) in stated
    assert read() == (chosen, stated)


def test_less_privileged_users_see_lists_and_a_sample(look: Look) -> None:
    snapshot = look(TinyOctopus(), users=("admin", "deployer"))

    own = list(snapshot.rows("user = 'deployer' AND family = 'projects/*' AND form = 'item'"))
    lists = {seen.place for seen in snapshot.rows("user = 'deployer' AND form = ?", (LIST,))}

    assert len(own) == 1
    assert {"projects", "environments", "users"} <= lists


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_that_acts_is_asked_for(look: Look, version: str) -> None:
    server = TinyOctopus(version)

    look(server)

    assert all(" GET " in request for request in server.requests)
    forbidden = ("login", "scheduler/start", "discover", "Rerun", "export")
    assert not [request for request in server.requests if any(word in request for word in forbidden)]


def test_a_starting_server_is_asked_again(look: Look) -> None:
    server = TinyOctopus()
    busy = (503, {"ErrorMessage": "Octopus Server is starting"})
    server.overrides.append(answer("/api/environments", busy, busy))

    snapshot = look(server, scope={"patience": 20.0})

    assert snapshot.counts()["admin", "environments"] == (2, True)


def test_a_dropped_connection_is_tried_again(look: Look) -> None:
    server = TinyOctopus()
    server.overrides.append(answer("/api/projects/Projects-2", (0, None)))

    seen = look(server, scope={"patience": 20.0}).one("projects/Projects-2")

    assert seen is not None
    assert seen.status == 200


def test_a_route_that_fails_is_part_of_the_picture(look: Look) -> None:
    server = TinyOctopus()
    server.overrides.append(answer("/api/projects/Projects-2", (500, {"ErrorMessage": "Invalid column name"})))

    seen = look(server).one("projects/Projects-2")

    assert seen is not None
    assert (seen.status, seen.json["ErrorMessage"]) == (500, "Invalid column name")


def test_an_administrator_who_is_not_let_in_is_no_snapshot(look: Look) -> None:
    server = TinyOctopus()
    server.overrides.append(answer("/api/users/me", (401, {"ErrorMessage": "You must be logged in"})))

    with pytest.raises(Refused, match="401"):
        look(server)


def test_credentials_do_not_reach_the_file(look: Look, tmp_path: Path) -> None:
    server = TinyOctopus()
    server.collections["environments"][0].update(
        {"ApiKey": "API-VERYSECRETVALUE", "Password": {"HasValue": True, "NewValue": 'se"cret\\value'}}
    )

    snapshot = look(server)

    content = snapshot.file.read_bytes()
    assert b"VERYSECRETVALUE" not in content
    assert b"cret" not in content.replace(b"digest", b"").replace(b"Secret", b"").replace(b"secret", b"SECRET")


def test_what_an_earlier_snapshot_saw_is_asked_for_again(look: Look) -> None:
    server = TinyOctopus()
    earlier = look(server)
    del server.collections["projects"][1]

    seen = look(server, like=earlier.file).one("projects/Projects-2")

    assert seen is not None
    assert seen.status == 404


def test_old_paths_are_tried_beside_those_of_the_default_space(look: Look) -> None:
    server = TinyOctopus("2019.1.0")

    snapshot = look(server)

    assert snapshot.one("projects", form="unscoped") is not None
    assert "admin GET /api/projects" in server.requests


def test_a_broken_view_and_the_journal_are_kept(look: Look) -> None:
    class Database:
        def row_counts(self) -> dict[str, int]:
            return {"dbo.Project": 3, "dbo.Event": 2_000_000}

        def contents(self, rows: Mapping[str, int]) -> dict[str, dict[int, Bucket]]:
            return {name: {7: Bucket(number, -5, "Projects-1", {"Name": 9})} for name, number in rows.items()}

        def views(self) -> list[str]:
            return ["dbo.Good", "dbo.Bad"]

        def query_view(self, view: str) -> str:
            return "Invalid column name 'SpaceId'. (207)" if view == "dbo.Bad" else ""

        def journal(self) -> list[str]:
            return ["Script0001", "Script0002"]

        def facts(self) -> dict[str, str]:
            return {"database collation": "Latin1_General_CI_AS"}

    snapshot = look(TinyOctopus(), database=Database())

    assert snapshot.tables() == {"dbo.Project": 3, "dbo.Event": 2_000_000}
    assert snapshot.contents() == {"dbo.Project": {7: Bucket(3, -5, "Projects-1", {"Name": 9})}}
    assert "table dbo.Event" in {sample.family for sample in snapshot.samples()}
    assert snapshot.views() == {"dbo.Good": "", "dbo.Bad": "Invalid column name 'SpaceId'. (207)"}
    assert snapshot.journal() == ["Script0001", "Script0002"]
    assert snapshot.facts() == {"database collation": "Latin1_General_CI_AS"}


def test_a_snapshot_that_ends_in_an_error_leaves_no_half_of_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="pulled the plug"), SnapshotWriter(tmp_path / "cut.sqlite"):
        raise RuntimeError("pulled the plug")

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(HarnessError, match="not a snapshot"):
        Snapshot(tmp_path / "cut.sqlite")


def test_half_of_a_snapshot_is_none(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path / "cut.sqlite"):
        pass
    with closing(sqlite3.connect(tmp_path / "cut.sqlite", isolation_level=None)) as connection:
        connection.execute("DELETE FROM about WHERE name = 'format'")  # what is written last

    with pytest.raises(HarnessError, match="not finished"):
        Snapshot(tmp_path / "cut.sqlite")
