"""Rows written and read: INSERT, UPDATE, DELETE, MERGE, OUTPUT, queries, JSON."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import messages, refused, results, rows, value
from tests.wire.sqlserver.drivers import MICROSOFT, each

pytestmark = each(MICROSOFT)


@pytest.fixture
def table(connection: Any) -> Iterator[Any]:
    results(
        connection,
        "CREATE TABLE dbo.Doc (Id nvarchar(50) NOT NULL PRIMARY KEY, Name nvarchar(20) NOT NULL, JSON "
        "nvarchar(max) NULL, "
        "N int IDENTITY NOT NULL, V rowversion)",
    )
    for number in range(6):
        document = f'{{"Name":"n{number}","Tags":["a","b"],"N":{number}}}'
        results(
            connection, "INSERT dbo.Doc (Id, Name, JSON) VALUES (?, ?, ?)", f"Docs-{number}", f"Name {number}", document
        )
    yield connection
    results(connection, "DROP TABLE dbo.Doc")


def test_every_type_makes_the_round_trip(connection: Any) -> None:
    results(
        connection,
        "CREATE TABLE dbo.T (a decimal(18, 4), b uniqueidentifier, c datetime2(3), d bigint, e date, f time, g float, "
        "h datetime, i varchar(20), j money)",
    )
    given = (
        decimal.Decimal("1234.5678"), uuid.UUID("12345678-1234-5678-1234-567812345678"),
        datetime.datetime(2024, 5, 6, 7, 8, 9, 123000), 2**60, datetime.date(2024, 1, 2), datetime.time(1, 2, 3), 1.5,
        datetime.datetime(2024, 1, 1), "abc", decimal.Decimal("9.9900"),
    )  # fmt: skip
    results(connection, f"INSERT dbo.T VALUES ({', '.join('?' * len(given))})", *given)
    found = rows(connection, "SELECT * FROM dbo.T")[0]
    assert [str(item).lower() for item in found] == [str(item).lower() for item in given]
    results(connection, "DROP TABLE dbo.T")


def test_a_key_is_found_whatever_its_case(table: Any) -> None:
    assert value(table, "SELECT N FROM dbo.Doc WHERE Id = ?", "DOCS-3 ") == 4


def test_updates_count_and_move_the_rowversion(table: Any) -> None:
    before = value(table, "SELECT V FROM dbo.Doc WHERE Id = 'Docs-3'")
    assert results(table, "UPDATE dbo.Doc SET Name = ? WHERE Id = ?", "new", "Docs-3") == [1]
    assert value(table, "SELECT V FROM dbo.Doc WHERE Id = 'Docs-3'") > before
    assert value(table, "SELECT MAX(V) FROM dbo.Doc") == value(table, "SELECT @@DBTS")


def test_output(table: Any) -> None:
    assert rows(table, "INSERT dbo.Doc (Id, Name) OUTPUT inserted.Id, inserted.N VALUES ('x', 'y')") == [("x", 7)]
    update = "UPDATE dbo.Doc SET Name = 'z' OUTPUT deleted.Name, inserted.Name WHERE Id = 'x'"
    assert rows(table, update) == [("y", "z")]
    assert rows(table, "DELETE dbo.Doc OUTPUT deleted.Id WHERE Id = 'x'") == [("x",)]


def test_joins_in_updates_and_deletes(table: Any) -> None:
    results(
        table,
        "CREATE TABLE #w (DocId nvarchar(50), Name nvarchar(20)); INSERT #w VALUES ('docs-1', 'one'), "
        "('docs-2', 'two')",
    )
    assert results(table, "UPDATE d SET d.Name = w.Name FROM dbo.Doc d JOIN #w w ON w.DocId = d.Id") == [2]
    assert value(table, "SELECT Name FROM dbo.Doc WHERE Id = 'Docs-2'") == "two"
    assert results(table, "DELETE d FROM dbo.Doc d JOIN #w w ON d.Id = w.DocId WHERE w.Name = 'one'") == [1]
    assert results(table, "DELETE t FROM (SELECT TOP 1 * FROM dbo.Doc ORDER BY N DESC) t") == [1]
    assert [row[0] for row in rows(table, "SELECT Id FROM dbo.Doc ORDER BY N")] == [
        "Docs-0",
        "Docs-2",
        "Docs-3",
        "Docs-4",
    ]


def test_merge(table: Any) -> None:
    merge = (
        "MERGE dbo.Doc AS t USING (VALUES ('Docs-0', 'changed'), ('new', 'made')) AS s (Id, Name) ON t.Id = s.Id "
        "WHEN MATCHED THEN UPDATE SET Name = s.Name WHEN NOT MATCHED BY TARGET THEN INSERT (Id, Name) VALUES "
        "(s.Id, s.Name) "
        "WHEN NOT MATCHED BY SOURCE AND t.N > 4 THEN DELETE OUTPUT $action, inserted.Id, deleted.Id;"
    )
    assert sorted(rows(table, merge), key=str) == [
        ("DELETE", None, "Docs-4"), ("DELETE", None, "Docs-5"), ("INSERT", "new", None), ("UPDATE", "Docs-0", "Docs-0"),
    ]  # fmt: skip
    doubled = (
        "MERGE dbo.Doc t USING (VALUES (1), (2)) s (a) ON t.Id = 'Docs-0' WHEN MATCHED THEN UPDATE SET Name = 'x';"
    )
    refused(table, doubled, 8672)


def test_identity(table: Any) -> None:
    results(table, "INSERT dbo.Doc (Id, Name) VALUES ('i', 'i')")
    assert rows(table, "INSERT dbo.Doc (Id, Name) VALUES ('j', 'j'); SELECT SCOPE_IDENTITY(), @@IDENTITY") == [(8, 8)]
    refused(table, "INSERT dbo.Doc (Id, Name, N) VALUES ('k', 'k', 50)", 544)
    results(
        table,
        "SET IDENTITY_INSERT dbo.Doc ON; INSERT dbo.Doc (Id, Name, N) VALUES ('k', 'k', 50); SET "
        "IDENTITY_INSERT dbo.Doc OFF",
    )
    assert rows(table, "INSERT dbo.Doc (Id, Name) OUTPUT inserted.N VALUES ('l', 'l')") == [(51,)]


def test_queries(table: Any) -> None:
    assert rows(table, "SELECT Id FROM dbo.Doc ORDER BY Id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY") == [
        ("Docs-1",),
        ("Docs-2",),
    ]
    assert rows(table, "SELECT TOP (2) WITH TIES N % 3 FROM dbo.Doc ORDER BY N % 3") == [(0,), (0,)]
    assert rows(table, "SELECT N % 2, COUNT(*) FROM dbo.Doc GROUP BY N % 2 HAVING COUNT(*) > 1 ORDER BY 1") == [
        (0, 3),
        (1, 3),
    ]
    numbered = "SELECT ROW_NUMBER() OVER (ORDER BY N DESC) AS r, Id FROM dbo.Doc WITH (NOLOCK)"
    assert rows(table, f"SELECT Id FROM ({numbered}) AS x WHERE r = 1") == [("Docs-5",)]
    joined = (
        "WITH c AS (SELECT Id, N FROM dbo.Doc WHERE N < 4) SELECT STRING_AGG(Id, ',') WITHIN GROUP (ORDER BY "
        "N DESC) FROM c"
    )
    assert value(table, joined) == "Docs-2,Docs-1,Docs-0"
    applied = (
        "SELECT d.N, z.N FROM dbo.Doc d OUTER APPLY (SELECT TOP 1 e.N FROM dbo.Doc e WHERE e.N > d.N ORDER "
        "BY e.N) z ORDER BY 1"
    )
    assert rows(table, applied)[-2:] == [(5, 6), (6, None)]
    assert rows(table, "SELECT Id FROM dbo.Doc WHERE N = 1 UNION ALL SELECT 'x' ORDER BY Id DESC") == [
        ("x",),
        ("Docs-0",),
    ]


def test_json(table: Any) -> None:
    assert rows(
        table,
        "SELECT JSON_VALUE(JSON, '$.Name'), JSON_VALUE(JSON, '$.Tags[1]'), JSON_QUERY(JSON, '$.Tags') FROM "
        "dbo.Doc WHERE N = 2",
    ) == [("n1", "b", '["a","b"]')]
    results(table, "UPDATE dbo.Doc SET JSON = JSON_MODIFY(JSON, '$.Name', 'zz') WHERE N = 2")
    assert value(table, "SELECT JSON FROM dbo.Doc WHERE N = 2") == '{"Name":"zz","Tags":["a","b"],"N":1}'
    assert (
        value(table, "SELECT COUNT(*) FROM dbo.Doc CROSS APPLY OPENJSON(JSON, '$.Tags') AS j WHERE j.value = 'a'") == 6
    )
    assert (
        value(table, "SELECT TOP 2 Id, N FROM dbo.Doc ORDER BY N FOR JSON PATH")
        == '[{"Id":"Docs-0","N":1},{"Id":"Docs-1","N":2}]'
    )


def test_temporary_tables_and_table_variables(table: Any) -> None:
    results(table, "SELECT Id, N INTO #u FROM dbo.Doc")
    assert value(table, "SELECT COUNT(*) FROM #u") == 6
    assert value(table, "DECLARE @t TABLE (id int); INSERT @t VALUES (1); SELECT COUNT(*) FROM @t") == 1
    assert value(table, "CREATE TABLE #r (a int, b int); INSERT #r EXEC ('SELECT 1, 2'); SELECT a + b FROM #r") == 3


def test_many_rows_at_once(table: Any) -> None:
    cursor = table.cursor()
    cursor.fast_executemany = True
    cursor.executemany(
        "INSERT dbo.Doc (Id, Name, JSON) VALUES (?, ?, ?)", [(f"m{i}", f"n{i}", None) for i in range(2000)]
    )
    cursor.close()
    assert value(table, "SELECT COUNT(*) FROM dbo.Doc WHERE Id LIKE 'm%'") == 2000
    assert len(rows(table, "SELECT * FROM dbo.Doc")) == 2006


def test_recursion_ends_at_its_limit(table: Any) -> None:
    numbers = "WITH r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {rows}) "
    counted = f"{numbers}SELECT COUNT(*) FROM r"
    assert value(table, counted.format(rows=101)) == 101
    refused(table, counted.format(rows=102), 530)
    assert value(table, counted.format(rows=500) + " OPTION (MAXRECURSION 0)") == 500
    assert value(table, counted.format(rows=500) + " OPTION (RECOMPILE, MAXRECURSION 499)") == 500
    refused(table, counted.format(rows=500) + " OPTION (MAXRECURSION 498)", 530)
    refused(table, counted.format(rows=2) + " OPTION (MAXRECURSION 32768)", 310)
    insert = f"{numbers}INSERT dbo.Doc (Id, Name) SELECT CONCAT('r', n), 'x' FROM r OPTION (MAXRECURSION 200)"
    results(table, insert.format(rows=150))
    assert value(table, "SELECT COUNT(*) FROM dbo.Doc WHERE Id LIKE 'r%'") == 150


def test_variables_and_control_flow(table: Any) -> None:
    loop = "DECLARE @i int = 0 WHILE @i < 5 BEGIN SET @i += 1 IF @i = 3 BREAK END SELECT @i"
    assert value(table, loop) == 3
    found = messages(
        table, "DECLARE @n int; SELECT @n = COUNT(*) FROM dbo.Doc; IF @n > 3 PRINT 'many' ELSE PRINT 'few'"
    )
    assert any("many" in text for text in found)
    assert (
        value(
            table,
            "DECLARE @s nvarchar(max) = ''; SELECT @s = @s + Name FROM dbo.Doc WHERE N < 3 ORDER BY N DESC; SELECT @s",
        )
        == "Name 1Name 0"
    )
    assert results(table, "SET NOCOUNT ON; UPDATE dbo.Doc SET Name = Name; SELECT 1")[-1] == [(1,)]
