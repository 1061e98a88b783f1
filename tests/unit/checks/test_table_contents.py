"""What tables hold, on snapshots written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.table_contents import compare_contents
from tidegate.sqlserver.fingerprints import Bucket

Contents = Mapping[str, Mapping[int, Bucket]]

#: A table that no route shows, one that routes show, and one that every upgrade writes.
PARTS = {
    3: Bucket(2, 111, "apikeys-1", {"ApiKeyHashed": 5, "JSON": 6}),
    9: Bucket(1, 222, "apikeys-9", {"ApiKeyHashed": 7, "JSON": 8}),
}
USUAL: Contents = {
    "dbo.ApiKey": PARTS,
    "dbo.Project": {1: Bucket(1, 333, "Projects-1", {"Name": 1, "JSON": 2})},
    "dbo.SchemaVersions": {1: Bucket(4, 444, "", {"ScriptName": 1})},
    "dbo.NodeStatus": {2: Bucket(1, 666, "nodes-1", {"LastSeen": 1})},
    "dbo.EventRelatedDocument": {5: Bucket(40, 555, "", {"RelatedDocumentId": 3})},
}


def with_table(name: str, parts: Mapping[int, Bucket]) -> Contents:
    return {**USUAL, name: parts}


def compared(folder: Path, first: Contents, second: Contents, after: Contents) -> list[Finding]:
    def look(name: str, contents: Contents) -> Any:
        tables = {table: sum(part.rows for part in parts.values()) for table, parts in contents.items()}
        return written(folder / name, seen=[item("projects/Projects-1", {})], tables=tables, contents=contents)

    return list(compare_contents(look("2", second), look("3", after), earlier=look("1", first)))


@pytest.mark.parametrize(
    "after",
    [
        USUAL,
        # Routes show what changed, documents got a new form, a row came, a column came, a column went, and every
        # upgrade writes its journal.
        with_table("dbo.Project", {1: Bucket(1, 333, "Projects-1", {"Name": 9, "JSON": 9})}),
        with_table("dbo.ApiKey", {**PARTS, 9: replace(PARTS[9], columns={"ApiKeyHashed": 7, "JSON": 0})}),
        with_table("dbo.ApiKey", {**PARTS, 3: Bucket(3, 999, "apikeys-0", {"ApiKeyHashed": 1, "JSON": 1})}),
        with_table("dbo.ApiKey", {**PARTS, 9: Bucket(1, 222, "apikeys-9", {"ApiKeyHashed": 7, "SpaceId": 1})}),
        with_table("dbo.NodeStatus", {2: Bucket(1, 666, "nodes-1", {"LastSeen": 2})}),
        with_table("dbo.SchemaVersions", {1: Bucket(4, 999, "", {"ScriptName": 9})}),
        {table: parts for table, parts in USUAL.items() if table != "dbo.ApiKey"},
    ],
)
def test_what_an_upgrade_does_to_tables_is_silent(tmp_path: Path, after: Contents) -> None:
    assert compared(tmp_path, USUAL, USUAL, after) == []


@pytest.mark.parametrize(
    ("after", "check", "severity", "place"),
    [
        (
            with_table("dbo.ApiKey", {**PARTS, 9: replace(PARTS[9], columns={"ApiKeyHashed": 9, "JSON": 8})}),
            "DIFF", Severity.DEGRADED, "table dbo.ApiKey, column ApiKeyHashed",
        ),
        # As many rows as before, and one of them is another one: in the same part, or in a part of its own.
        (
            with_table("dbo.ApiKey", {**PARTS, 9: replace(PARTS[9], keys=0)}),
            "COUNT", Severity.BREAKING, "table dbo.ApiKey",
        ),
        (with_table("dbo.ApiKey", {3: PARTS[3], 10: PARTS[9]}), "COUNT", Severity.BREAKING, "table dbo.ApiKey"),
        # A row is gone, and the table has grown.
        (
            with_table("dbo.ApiKey", {3: PARTS[3], 10: Bucket(50, 1, "apikeys-10", {})}),
            "COUNT", Severity.BREAKING, "table dbo.ApiKey",
        ),
        (
            with_table("dbo.EventRelatedDocument", {5: Bucket(40, 555, "", {"RelatedDocumentId": 4})}),
            "DIFF", Severity.DEGRADED, "table dbo.EventRelatedDocument, column RelatedDocumentId",
        ),
    ],
)  # fmt: skip
def test_what_no_route_shows_is_found(
    tmp_path: Path, after: Contents, check: str, severity: Severity, place: str
) -> None:
    (finding,) = compared(tmp_path, USUAL, USUAL, after)

    assert (finding.check, finding.severity, finding.place) == (check, severity, place)


def test_what_is_written_by_itself_says_nothing(tmp_path: Path) -> None:
    def used(number: int, keys: int = 222) -> Contents:
        columns = {"ApiKeyHashed": 7, "JSON": number}
        return with_table("dbo.ApiKey", {**PARTS, 9: replace(PARTS[9], keys=keys, columns=columns)})

    assert compared(tmp_path / "column", used(1), used(2), used(3)) == []
    assert compared(tmp_path / "rows", used(1, 1), used(1, 2), used(1, 3)) == []


def test_a_table_that_is_counted_too_low_is_told_once(tmp_path: Path) -> None:
    """Fewer rows are told by the count itself."""
    assert compared(tmp_path, USUAL, USUAL, with_table("dbo.ApiKey", {3: PARTS[3]})) == []


def test_a_database_that_cannot_hash_is_silent(tmp_path: Path) -> None:
    assert compared(tmp_path, {}, {}, {}) == []
