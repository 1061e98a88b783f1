"""Definitions: tables as Octopus makes and changes them, and what the catalog says of them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import refused, results, rows, value
from tests.wire.sqlserver.drivers import MICROSOFT, each

pytestmark = each(MICROSOFT)

DOCUMENT = """CREATE TABLE dbo.Doc (
    Id nvarchar(50) NOT NULL, Name nvarchar(200) NOT NULL, JSON nvarchar(max) NULL, Moment datetimeoffset NOT NULL,
    Flag bit NOT NULL DEFAULT 0, N int IDENTITY(1, 1) NOT NULL, Blob varbinary(max) NULL,
    DataVersion rowversion NOT NULL,
    CONSTRAINT PK_Doc_Id PRIMARY KEY CLUSTERED (Id ASC), CONSTRAINT UQ_Doc UNIQUE NONCLUSTERED (Name),
    INDEX IX_N NONCLUSTERED (N))"""
INSERT = "INSERT dbo.Doc (Id, Name, Moment) VALUES ('Docs-{0}', 'n{0}', SYSDATETIMEOFFSET())"


@pytest.fixture
def table(connection: Any) -> Iterator[Any]:
    results(connection, DOCUMENT)
    results(connection, INSERT.format(1) + ";" + INSERT.format(2))
    yield connection
    results(connection, "DROP TABLE IF EXISTS dbo.Child; DROP TABLE IF EXISTS dbo.Doc")


def test_the_catalog_describes_the_table(table: Any) -> None:
    columns = rows(
        table,
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH FROM INFORMATION_SCHEMA.COLUMNS "
        "WHERE TABLE_NAME = 'Doc' ORDER BY ORDINAL_POSITION",
    )
    assert columns == [
        ("Id", "nvarchar", "NO", 50), ("Name", "nvarchar", "NO", 200), ("JSON", "nvarchar", "YES", -1),
        ("Moment", "datetimeoffset", "NO", None), ("Flag", "bit", "NO", None), ("N", "int", "NO", None),
        ("Blob", "varbinary", "YES", -1), ("DataVersion", "timestamp", "NO", None),
    ]  # fmt: skip
    indexes = (
        "SELECT name, is_unique, is_primary_key FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.Doc') ORDER BY name"
    )
    assert rows(table, indexes) == [("IX_N", False, False), ("PK_Doc_Id", True, True), ("UQ_Doc", True, False)]


def test_a_column_with_a_default_reaches_old_rows(table: Any) -> None:
    results(table, "ALTER TABLE dbo.Doc ADD Extra int NOT NULL CONSTRAINT DF_x DEFAULT (7), G uniqueidentifier NULL")
    assert rows(table, "SELECT DISTINCT Extra, G FROM dbo.Doc") == [(7, None)]
    refused(table, "ALTER TABLE dbo.Doc ADD Bad int NOT NULL", 4901)
    refused(table, "ALTER TABLE dbo.Doc DROP COLUMN Extra", 5074)
    results(table, "ALTER TABLE dbo.Doc DROP CONSTRAINT DF_x; ALTER TABLE dbo.Doc DROP COLUMN Extra")
    assert value(table, "SELECT COL_LENGTH('dbo.Doc', 'Extra')") is None


def test_altering_a_column_keeps_its_foreign_key(table: Any) -> None:
    child = (
        "CREATE TABLE dbo.Child (Id int PRIMARY KEY, DocId nvarchar(50) NULL CONSTRAINT FK_C REFERENCES dbo.Doc (Id))"
    )
    results(table, child)
    results(table, "ALTER TABLE dbo.Child ALTER COLUMN Id bigint NOT NULL")
    text = refused(table, "INSERT dbo.Child VALUES (1, 'nobody')", 547)
    assert 'FOREIGN KEY constraint "FK_C"' in text
    assert 'table "dbo.Doc", column' in text
    refused(table, "DROP TABLE dbo.Doc", 3726)


def test_types_change_with_their_rows(connection: Any) -> None:
    results(connection, "CREATE TABLE dbo.c (a nvarchar(10) NULL); INSERT dbo.c VALUES ('12'), (NULL)")
    results(connection, "ALTER TABLE dbo.c ALTER COLUMN a int NULL")
    assert value(connection, "SELECT SUM(a) FROM dbo.c") == 12
    refused(connection, "ALTER TABLE dbo.c ALTER COLUMN a int NOT NULL", 515)
    results(connection, "UPDATE dbo.c SET a = 0 WHERE a IS NULL; ALTER TABLE dbo.c ALTER COLUMN a int NOT NULL")
    refused(connection, "INSERT dbo.c VALUES (NULL)", 515)
    results(connection, "DROP TABLE dbo.c")


def test_renaming(table: Any) -> None:
    results(table, "EXEC sp_rename 'dbo.Doc.Name', 'Title', 'COLUMN'")
    assert value(table, "SELECT COUNT(Title) FROM dbo.Doc") == 2
    refused(table, "SELECT Name FROM dbo.Doc", 207)
    assert "UQ_Doc" in refused(table, "UPDATE dbo.Doc SET Title = 'n1'", 2627)
    results(table, "EXEC sp_rename 'dbo.Doc', 'Paper'; EXEC sp_rename 'dbo.Paper', 'Doc'")
    assert value(table, "SELECT COUNT(*) FROM dbo.Doc") == 2


def test_indexes_with_filter_and_included_columns(table: Any) -> None:
    results(table, "CREATE UNIQUE INDEX IX_F ON dbo.Doc (Name ASC, N DESC) INCLUDE (Flag) WHERE Name IS NOT NULL")
    columns = rows(
        table,
        "SELECT c.name, ic.is_descending_key, ic.is_included_column FROM sys.index_columns ic "
        "JOIN sys.indexes i ON i.object_id = ic.object_id AND i.index_id = ic.index_id "
        "JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id "
        "WHERE i.name = 'IX_F' ORDER BY ic.index_column_id",
    )
    assert columns == [("Name", False, False), ("N", True, False), ("Flag", False, True)]
    results(table, "DROP INDEX IX_F ON dbo.Doc")
    refused(table, "DROP INDEX IX_F ON dbo.Doc", 3701)


def test_definitions_are_part_of_the_transaction(table: Any) -> None:
    results(table, "BEGIN TRAN; ALTER TABLE dbo.Doc ADD Later int NULL; CREATE TABLE dbo.Other (a int); ROLLBACK")
    assert rows(table, "SELECT COL_LENGTH('dbo.Doc', 'Later'), OBJECT_ID('dbo.Other')") == [(None, None)]
    results(table, INSERT.format(3))


def test_a_view_keeps_its_columns_until_it_is_refreshed(table: Any) -> None:
    results(table, "CREATE VIEW dbo.V AS SELECT * FROM dbo.Doc")
    results(table, "ALTER TABLE dbo.Doc ADD SpaceId nvarchar(50) NULL")
    refused(table, "SELECT SpaceId FROM dbo.V", 207)
    results(table, "EXEC sp_refreshview 'dbo.V'")
    assert value(table, "SELECT COUNT(*) FROM dbo.V WHERE SpaceId IS NULL") == 2
    results(table, "DROP VIEW dbo.V")


def test_what_exists_cannot_be_made_again(table: Any) -> None:
    refused(table, "CREATE TABLE dbo.Doc (a int)", 2714)
    refused(table, "CREATE TABLE dbo.Twice (a int, a int)", 2705)
    refused(table, "CREATE TABLE dbo.Orphan (a int REFERENCES dbo.Nobody (x))", 1767)
    results(table, "DROP TABLE IF EXISTS dbo.Nobody")
    refused(table, "DROP TABLE dbo.Nobody", 3701)


def test_procedures_and_functions(connection: Any) -> None:
    results(
        connection, "CREATE TABLE dbo.KeyAllocation (CollectionName nvarchar(50) PRIMARY KEY, Allocated int NOT NULL)"
    )
    results(
        connection,
        """CREATE PROCEDURE dbo.GetNextKeyBlock (@collectionName nvarchar(50), @blockSize int) AS
        BEGIN
            SET NOCOUNT ON
            DECLARE @result int
            UPDATE KeyAllocation SET @result = Allocated = (Allocated + @blockSize)
            WHERE CollectionName = @collectionName
            IF (@@ROWCOUNT = 0)
            BEGIN
                INSERT INTO KeyAllocation (CollectionName, Allocated) VALUES (@collectionName, @blockSize)
                SET @result = @blockSize
            END
            SELECT @result
        END""",
    )
    assert value(connection, "EXEC dbo.GetNextKeyBlock ?, ?", "Projects", 20) == 20
    assert value(connection, "EXEC dbo.GetNextKeyBlock @collectionName = 'Projects', @blockSize = 20") == 40
    results(connection, "CREATE FUNCTION dbo.Twice (@a int) RETURNS int AS BEGIN RETURN @a * 2 END")
    assert value(connection, "SELECT dbo.Twice(21)") == 42
    assert {row[0] for row in rows(connection, "SELECT name FROM sys.procedures")} == {"GetNextKeyBlock"}
    refused(connection, "EXEC dbo.GetNextKeyBlock", 201)
    results(connection, "DROP PROCEDURE dbo.GetNextKeyBlock; DROP FUNCTION dbo.Twice; DROP TABLE dbo.KeyAllocation")
