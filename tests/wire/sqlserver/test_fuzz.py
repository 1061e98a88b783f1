"""Batches that are almost T-SQL: whatever the answer, it is SQL Server's kind of answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.sqlserver.drivers import MICROSOFT, Address
from tests.wire.sqlserver.tds.raw_client import BATCH, HEADERS, RawClient

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

STATEMENTS = (
    "SELECT TOP (5) name, object_id FROM sys.objects WHERE type = 'U' ORDER BY name DESC",
    "DECLARE @a int = 1, @b nvarchar(20) = N'x'; SET @a += 2; SELECT @a AS a, @b + N'y' AS b",
    "CREATE TABLE #f (id int IDENTITY PRIMARY KEY, name nvarchar(20) NULL DEFAULT N'n', CHECK (id > 0))",
    "INSERT INTO dbo.fuzz (name) OUTPUT inserted.id VALUES (N'a'), (N'b')",
    "UPDATE f SET name = UPPER(f.name) FROM dbo.fuzz AS f WHERE f.id % 2 = 0",
    "DELETE TOP (1) FROM dbo.fuzz WHERE name LIKE N'a%'",
    "MERGE dbo.fuzz AS t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = N'm' "
    "WHEN NOT MATCHED THEN INSERT (name) VALUES (N'new');",
    "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT SUM(n) FROM c",
    "BEGIN TRY RAISERROR (N'%s', 16, 1, N'x') END TRY BEGIN CATCH SELECT ERROR_MESSAGE() END CATCH",
    "IF EXISTS (SELECT * FROM dbo.fuzz) PRINT N'yes' ELSE PRINT N'no'",
    "WHILE @@TRANCOUNT > 0 BEGIN COMMIT END",
    "BEGIN TRANSACTION; SAVE TRANSACTION s; ROLLBACK TRANSACTION s; COMMIT",
    "SELECT CONVERT(nvarchar(30), CAST('2021-03-28' AS datetime2), 126), "
    "DATEADD(day, 1, '2021-01-01'), ISNULL(NULL, 3)",
    "SELECT value FROM OPENJSON(N'[1,2,{\"a\":null}]') CROSS APPLY (SELECT 1 AS one) AS o",
    "SELECT JSON_VALUE(N'{\"a\":{\"b\":1}}', '$.a.b'), ROW_NUMBER() OVER (PARTITION BY 1 ORDER BY (SELECT 1))",
    "EXEC sp_executesql N'SELECT @p', N'@p int', @p = 5",
    "SELECT CASE WHEN 1 = 1 THEN 'a' ELSE 'b' END, COALESCE(NULL, 1), 7 / 2.0, CAST(1.5 AS decimal(9, 3)), 0xFF",
    "ALTER TABLE dbo.fuzz ADD extra int NULL; ALTER TABLE dbo.fuzz DROP COLUMN extra",
)
TOKEN = re.compile(r"\s+|[A-Za-z_@#][\w@#$.]*|\d+(?:\.\d+)?|N?'(?:[^']|'')*'|[^\w\s]")
ODD = (
    *("", "'", '"', "[", "]", "(", ")", ";", ",", "--", "/*", "*/", "@", "@@", "NULL", "N'", "0x", "1e", ".", "SELECT"),
    *("END", "GO", "\0", "Ж", "ı", "9" * 40, "-", "%", "BEGIN", "AS", "FROM", "::", "{", "$", "€", "\u2028"),
)


@pytest.fixture(scope="module")
def victim(sql_server: Address, database: str) -> Iterator[Any]:
    connection = MICROSOFT.connect(sql_server, database)
    connection.execute("CREATE TABLE dbo.fuzz (id int IDENTITY PRIMARY KEY, name nvarchar(20) NULL)")
    connection.timeout = 5
    yield connection
    connection.close()


def run(connection: Any, text: str) -> None:
    """Every error must be one of SQL Server's own, and the connection must go on."""
    import pyodbc  # noqa: PLC0415 -- skipped with the driver when it is absent

    cursor = connection.cursor()
    try:
        cursor.execute(text)
        while True:
            if cursor.description:
                cursor.fetchall()
            if not cursor.nextset():
                break
    except pyodbc.Error as error:
        said = str(error)
        assert "The stand-in" not in said, f"{text!r}: {said}"
        assert "08S01" not in said, f"{text!r} cost the connection: {said}"
    finally:
        cursor.close()
    connection.execute("IF @@TRANCOUNT > 0 ROLLBACK").close()


@pytest.mark.parametrize("statement", STATEMENTS, ids=range(len(STATEMENTS)))
def test_the_statements_themselves_are_understood(victim: Any, statement: str) -> None:
    victim.execute(statement).close()


@FUZZ
@given(data=st.data())
def test_statements_with_tokens_lost_doubled_swapped_and_strange_ones_added(victim: Any, data: st.DataObject) -> None:
    tokens = TOKEN.findall(data.draw(st.sampled_from(STATEMENTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        change = data.draw(st.sampled_from(["lose", "double", "swap", "add", "replace"]))
        if change == "lose" and len(tokens) > 1:
            del tokens[at]
        elif change == "double":
            tokens.insert(at, tokens[at])
        elif change == "swap":
            other = data.draw(st.integers(0, len(tokens) - 1))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif change == "add":
            tokens.insert(at, data.draw(st.sampled_from(ODD)))
        else:
            tokens[at] = data.draw(st.sampled_from(ODD))
    run(victim, "".join(tokens))


def test_half_a_character_is_no_reason_to_fall(sql_server: Address) -> None:
    """pyodbc cannot say it; another client can."""
    with RawClient(sql_server) as client:
        client.log_in()
        for text in ("SELECT N'\ud800' AS half", "SELECT \udc00", "PRINT N'\ud83d'"):
            client.send(BATCH, HEADERS + text.encode("utf-16-le", "surrogatepass"))
            assert "stand-in of SQL Server failed".encode("utf-16-le") not in client.receive().body
        assert client.batch("SELECT 1").done_status == 0x10


@FUZZ
@given(text=st.text(max_size=60))
def test_any_text(victim: Any, text: str) -> None:
    run(victim, text)


@FUZZ
@given(pieces=st.lists(st.sampled_from([*STATEMENTS, *ODD]), min_size=1, max_size=4))
def test_statements_strung_together(victim: Any, pieces: list[str]) -> None:
    run(victim, " ".join(pieces))
