"""Fingerprints and schema images of real tables."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from standins.octopus.crypto import MasterKey
from tidegate.errors import HarnessError
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.fingerprints import Bucket, RowChange, find_changes, fingerprints, table_shapes
from tidegate.sqlserver.live import BUCKETS, LiveDatabase
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import drop_database
from tidegate.sqlserver.schema import compare_schemas, query_view, read_schema, view_names

ROWS = 700
CREATE = """
CREATE TABLE dbo.Document (Id nvarchar(50) NOT NULL CONSTRAINT PK_Document_Id PRIMARY KEY, Number int NULL,
  Seen datetimeoffset NULL, Data varbinary(max) NULL, Guid uniqueidentifier NULL, Price money NULL, Ratio float NULL,
  Exact decimal(18,4) NULL, Flag bit NULL, Day date NULL, JSON nvarchar(max) NULL, DataVersion rowversion NOT NULL)
"""
INSERT = """
INSERT INTO dbo.Document (Id, Number, Seen, Data, Guid, Price, Ratio, Exact, Flag, Day, JSON)
VALUES (?, ?, '2021-06-01T10:00:00.1234567+02:00', 0x00FF, '11111111-0000-4000-8000-000000000001', 1.25, 0.1, 2.5, 1,
  '2021-06-01', ?)
"""


def fill(server: SqlServer) -> None:
    server.execute(CREATE)
    with server.transaction():
        for number in range(ROWS):
            server.execute(INSERT, f"Documents-{number}", number, f'{{"Name":"é{number}"}}')


@pytest.fixture(scope="module")
def filled(host: SqlServerHost) -> Iterator[tuple[SqlServer, SqlServer]]:
    names = [OwnedDatabase.make("test").name for _ in range(2)]
    with SqlServer(host.address) as server:
        for name in names:
            server.execute(f"CREATE DATABASE [{name}]")
        with SqlServer(host.address, names[0]) as one, SqlServer(host.address, names[1]) as other:
            fill(one)
            fill(other)
            other.execute("DELETE FROM dbo.Document WHERE Id = 'Documents-0'")
            other.execute(INSERT, "Documents-0", 0, '{"Name":"é0"}')
            yield one, other
        for name in names:
            drop_database(server, name)


class _Undo(Exception):
    """Leaves a transaction without a trace."""


@pytest.fixture
def pair(filled: tuple[SqlServer, SqlServer]) -> Iterator[tuple[SqlServer, SqlServer]]:
    """Two databases with the same rows, written in different order; what a test does to the second is rolled back."""
    with suppress(_Undo), filled[1].transaction():
        yield filled
        raise _Undo


def test_the_same_rows_have_the_same_fingerprint_in_whatever_order(pair: tuple[SqlServer, SqlServer]) -> None:
    one, other = pair

    assert fingerprints(one) == fingerprints(other)
    assert fingerprints(one)["dbo.Document"].rows == ROWS
    assert find_changes(one, other, "dbo.Document").changes == ()


@pytest.mark.parametrize(
    "change",
    [
        'JSON = N\'{"Name":"E7"}\'',
        "JSON = NULL",
        "Number = NULL",
        "Seen = '2021-06-01T10:00:00.1234568+02:00'",
        "Seen = '2021-06-01T08:00:00.1234567+00:00'",
        "Data = 0x00FE",
        "Guid = NULL",
        "Price = 1.2501",
        "Ratio = 0.10000000000000002",
        "Exact = 2.5001",
        "Flag = 0",
        "Day = '2021-06-02'",
    ],
)
def test_the_smallest_change_changes_the_fingerprint(pair: tuple[SqlServer, SqlServer], change: str) -> None:
    one, other = pair
    before = fingerprints(other)

    other.execute(f"UPDATE dbo.Document SET {change} WHERE Id = 'Documents-7'")

    assert fingerprints(other) != before
    assert find_changes(one, other, "dbo.Document").changes == (RowChange(("Documents-7",), "changed"),)


def test_values_do_not_run_into_each_other(host: SqlServerHost, new_database: Callable[[], str]) -> None:
    with SqlServer(host.address, new_database()) as server:
        server.execute("CREATE TABLE T (Id int NOT NULL PRIMARY KEY, a nvarchar(10) NULL, b nvarchar(10) NULL)")
        seen = set[str]()
        for values in ("'ab','c'", "'a','bc'", "'abc',''", "'abc',NULL", "NULL,'abc'", "'','abc'", "'1:a','b'"):
            server.execute(f"DELETE FROM T INSERT INTO T VALUES (1, {values})")
            seen.add(fingerprints(server)["dbo.T"].digest)

        assert len(seen) == 7


def test_long_texts_and_mixed_collations_enter_a_fingerprint_whole(
    host: SqlServerHost, new_database: Callable[[], str]
) -> None:
    with SqlServer(host.address, new_database()) as server:
        server.execute(
            "CREATE TABLE T (Id int NOT NULL PRIMARY KEY, a nvarchar(4000) NULL, "
            "b varchar(4000) COLLATE Latin1_General_BIN NULL, "
            "c nvarchar(max) COLLATE SQL_Latin1_General_CP1_CS_AS NULL)"
        )
        server.execute("INSERT INTO T VALUES (1, REPLICATE('a', 4000), REPLICATE('b', 4000), 'c')")
        before = fingerprints(server)["dbo.T"]

        server.execute("UPDATE T SET a = STUFF(a, 4000, 1, 'A')")
        last_character = fingerprints(server)["dbo.T"]
        server.execute("UPDATE T SET c = 'C'")

        assert len({before.digest, last_character.digest, fingerprints(server)["dbo.T"].digest}) == 3


def test_the_few_changed_rows_are_found_in_two_round_trips(pair: tuple[SqlServer, SqlServer]) -> None:
    one, other = pair
    other.execute("UPDATE dbo.Document SET JSON = N'{}' WHERE Id = 'Documents-612'")
    other.execute("DELETE FROM dbo.Document WHERE Id = 'Documents-99'")
    other.execute(INSERT, "Documents-new", 1, "{}")

    difference = find_changes(one, other, "dbo.Document")

    assert set(difference.changes) == {
        RowChange(("Documents-612",), "changed"),
        RowChange(("Documents-99",), "removed"),
        RowChange(("Documents-new",), "added"),
    }
    assert difference.complete
    assert difference.round_trips == 2


def test_columns_that_only_one_side_has_do_not_matter(pair: tuple[SqlServer, SqlServer]) -> None:
    one, other = pair
    other.execute("ALTER TABLE dbo.Document ADD SpaceId nvarchar(50) NULL")
    other.execute("UPDATE dbo.Document SET SpaceId = 'Spaces-1'")

    assert find_changes(one, other, "dbo.Document").changes == ()
    assert fingerprints(one) != fingerprints(other)


def test_a_table_without_a_key_cannot_be_searched(host: SqlServerHost, new_database: Callable[[], str]) -> None:
    with SqlServer(host.address, new_database()) as server:
        server.execute("CREATE TABLE T (n int NULL)")
        assert table_shapes(server)["dbo.T"].key == ()
        with pytest.raises(HarnessError, match="no primary key"):
            find_changes(server, server, "dbo.T")


def schema(server: SqlServer) -> None:
    server.execute("CREATE TABLE dbo.Project (Id nvarchar(50) NOT NULL CONSTRAINT PK_Project_Id PRIMARY KEY CLUSTERED, "
                   "Name nvarchar(200) NOT NULL CONSTRAINT UQ_ProjectName UNIQUE)")  # fmt: skip
    server.execute(
        "CREATE TABLE dbo.Release (Id nvarchar(150) NOT NULL CONSTRAINT PK_Release_Id PRIMARY KEY CLUSTERED, "
        "Number int NOT NULL CONSTRAINT DF_Release_Number DEFAULT (0) "
        "CONSTRAINT CK_Release_Number CHECK (Number >= 0), "
        "ProjectId nvarchar(50) NULL CONSTRAINT FK_Release_Project REFERENCES dbo.Project (Id))"
    )
    server.execute("CREATE INDEX IX_Release_ProjectId ON dbo.Release (ProjectId, Number DESC) INCLUDE (Id)")
    server.execute("CREATE VIEW dbo.IdsInUse AS SELECT Id, ProjectId FROM dbo.Release")


def test_a_schema_is_read_with_everything_a_script_may_change(database: SqlServer) -> None:
    schema(database)

    image = read_schema(database)

    release = image.tables["dbo.Release"]
    assert {(one.name, one.type, one.nullable) for one in release.columns} == {
        ("Id", "nvarchar(150)", False),
        ("Number", "int", False),
        ("ProjectId", "nvarchar(50)", True),
    }
    indexes = {one.name: one for one in release.indexes}
    assert indexes["PK_Release_Id"].kind == "PRIMARY KEY"
    assert indexes["IX_Release_ProjectId"].columns == ("ProjectId", "Number DESC")
    assert indexes["IX_Release_ProjectId"].included == ("Id",)
    assert {one.kind for one in image.tables["dbo.Project"].indexes} == {"PRIMARY KEY", "UNIQUE CONSTRAINT"}
    assert [(one.name, one.refers_to) for one in release.foreign_keys] == [("FK_Release_Project", "dbo.Project")]
    assert [one.name for one in release.checks] == ["CK_Release_Number"]
    assert image.modules["dbo.IdsInUse"].kind == "view"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("DROP INDEX IX_Release_ProjectId ON dbo.Release", "index dbo.Release.IX_Release_ProjectId"),
        ("ALTER TABLE dbo.Release ALTER COLUMN ProjectId nvarchar(100) NULL", "column dbo.Release.ProjectId"),
        ("ALTER TABLE dbo.Release DROP CONSTRAINT CK_Release_Number", "check dbo.Release.CK_Release_Number"),
        ("ALTER TABLE dbo.Release DROP CONSTRAINT FK_Release_Project", "foreign key dbo.Release.FK_Release_Project"),
        ("ALTER VIEW dbo.IdsInUse AS SELECT Id FROM dbo.Release", "view dbo.IdsInUse"),
        ("CREATE TABLE dbo.Space (Id nvarchar(50) NOT NULL)", "table dbo.Space"),
    ],
)
def test_each_kind_of_change_is_seen_and_nothing_else(database: SqlServer, change: str, place: str) -> None:
    schema(database)
    before = read_schema(database)
    assert compare_schemas(before, read_schema(database)) == []

    database.execute(change)

    assert [one.place for one in compare_schemas(before, read_schema(database))] == [place]


def test_a_view_that_names_a_column_that_is_gone_fails_only_when_it_is_read(database: SqlServer) -> None:
    schema(database)
    assert view_names(database) == ["dbo.IdsInUse"]
    assert query_view(database, "dbo.IdsInUse") == ""

    database.execute("DROP INDEX IX_Release_ProjectId ON dbo.Release")
    database.execute("ALTER TABLE dbo.Release DROP CONSTRAINT FK_Release_Project")
    database.execute("ALTER TABLE dbo.Release DROP COLUMN ProjectId")

    assert "ProjectId" in query_view(database, "dbo.IdsInUse")


def test_a_snapshot_reads_a_database_through_one_object(host: SqlServerHost, database: SqlServer) -> None:
    schema(database)
    database.execute("CREATE TABLE dbo.SchemaVersions (Id int NOT NULL, ScriptName nvarchar(255) NOT NULL)")
    database.execute("INSERT INTO dbo.SchemaVersions VALUES (2, 'Script0002'), (1, 'Script0001')")

    with LiveDatabase(DatabaseAddress(host.address, database.database)) as live:
        assert live.row_counts() == {"dbo.Project": 0, "dbo.Release": 0, "dbo.SchemaVersions": 2}
        assert live.views() == ["dbo.IdsInUse"]
        assert live.query_view("dbo.IdsInUse") == ""
        assert live.journal() == ["Script0001", "Script0002"]


def test_what_tables_hold_can_be_compared_without_reading_a_row(host: SqlServerHost, database: SqlServer) -> None:
    database.execute(
        "CREATE TABLE dbo.ApiKey (Id nvarchar(50) NOT NULL PRIMARY KEY, Hash nvarchar(200) NULL, Used datetime NULL)"
    )
    database.execute("CREATE TABLE dbo.Related (DocumentId nvarchar(50) NOT NULL PRIMARY KEY, Number int NOT NULL)")
    database.execute("CREATE TABLE dbo.Loose (Text nvarchar(50) NULL)")
    for number in range(300):
        database.execute("INSERT INTO dbo.ApiKey VALUES (?, ?, NULL)", f"apikeys-{number:03}", f"hash {number}")
    database.execute("INSERT INTO dbo.Related VALUES (N'Projects-1', 1)")
    database.execute("INSERT INTO dbo.Loose VALUES (N'one'), (NULL), (N'one')")

    def look() -> dict[str, dict[int, Bucket]]:
        with LiveDatabase(DatabaseAddress(host.address, database.database)) as live:
            return {name: dict(parts) for name, parts in live.contents(live.row_counts()).items()}

    before = look()
    assert {name: sum(part.rows for part in parts.values()) for name, parts in before.items()} == {
        "dbo.ApiKey": 300, "dbo.Related": 1, "dbo.Loose": 3,
    }  # fmt: skip
    assert len(before["dbo.ApiKey"]) <= BUCKETS
    assert min(part.example for part in before["dbo.ApiKey"].values()) == "apikeys-000"
    assert [part.example for part in before["dbo.Related"].values()] == ["DocumentId Projects-1"]
    assert look() == before

    database.execute("UPDATE dbo.ApiKey SET Hash = N'another' WHERE Id = N'apikeys-123'")
    database.execute("ALTER TABLE dbo.Related ADD SpaceId nvarchar(50) NULL")
    after = look()

    [(one, other)] = [
        (part, after["dbo.ApiKey"][number])
        for number, part in before["dbo.ApiKey"].items()
        if after["dbo.ApiKey"][number] != part
    ]
    assert (one.rows, one.keys, one.columns["Used"]) == (other.rows, other.keys, other.columns["Used"])
    assert one.columns["Hash"] != other.columns["Hash"]
    [related] = after["dbo.Related"].values()
    assert related.columns.keys() == {"Number", "SpaceId"}
    assert related.columns["Number"] == next(iter(before["dbo.Related"].values())).columns["Number"]


def test_secrets_are_known_by_digests_that_only_the_key_can_make(host: SqlServerHost, database: SqlServer) -> None:
    key = Secret.generated("a master key", base64.b64encode(bytes(range(16))).decode())
    other = Secret.generated("another master key", base64.b64encode(bytes(16)).decode())
    stored = MasterKey.parse(key.reveal())
    database.execute("CREATE TABLE dbo.Account (Id nvarchar(50) NOT NULL PRIMARY KEY, JSON nvarchar(max) NOT NULL)")
    document = json.dumps({"Username": "acme", "Password": stored.encrypt("hunter2hunter2")})
    again = json.dumps({"Token": stored.encrypt("hunter2hunter2")})
    for name, text in (("Accounts-1", document), ("Accounts-2", again), ("Accounts-3", "{}")):
        database.execute("INSERT INTO dbo.Account VALUES (?, ?)", name, text)

    address = DatabaseAddress(host.address, database.database)
    with LiveDatabase(address, key) as live, LiveDatabase(address, other) as stranger, LiveDatabase(address) as nobody:
        facts, theirs, none = live.facts(), stranger.facts(), nobody.facts()

    secrets = {place: value for place, value in facts.items() if place.startswith("secret ")}
    assert facts["documents of Account"] == "3"
    assert sorted(secrets) == ["secret Account Accounts-1.Password", "secret Account Accounts-2.Token"]
    assert len(set(secrets.values())) == 1  # the same secret, encrypted anew
    assert "hunter2" not in str(facts)
    assert {theirs[place] for place in secrets} == {""}
    assert not any(place.startswith("secret ") for place in none)
