"""Batches: where statements end without semicolons, what stands inside what, and SQL Server's syntax errors."""

from __future__ import annotations

import pytest

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import ddl
from standins.sqlserver.tsql import statements as s
from standins.sqlserver.tsql.script import parse_batch


def names(text: str) -> list[str]:
    return [type(statement).__name__ for statement in parse_batch(text).statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 SELECT 2", ["SelectStatement", "SelectStatement"]),
        ("DECLARE @a int = 1 SET @a = 2 PRINT @a", ["Declare", "SetVariable", "Print"]),
        ("UPDATE t SET a = 1 SELECT 1", ["Update", "SelectStatement"]),
        ("INSERT t SELECT 1 UNION ALL SELECT 2 DELETE t", ["Insert", "Delete"]),
        ("INSERT t EXEC p 1, @b = 2 SELECT 1", ["Insert", "SelectStatement"]),
        ("IF 1 = 1 SELECT 1 ELSE SELECT 2 SELECT 3", ["If", "SelectStatement"]),
        ("IF EXISTS (SELECT 1) UPDATE t SET a = 1; ELSE DELETE t", ["If"]),
        ("BEGIN TRAN SAVE TRAN s ROLLBACK TRAN s COMMIT",
         ["BeginTransaction", "SaveTransaction", "Rollback", "Commit"]),
        ("BEGIN TRY SELECT 1 END TRY BEGIN CATCH THROW END CATCH SELECT 2", ["TryCatch", "SelectStatement"]),
        ("WITH c AS (SELECT 1 AS a) UPDATE c SET a = 1 SELECT 1", ["Update", "SelectStatement"]),
        ("ALTER TABLE t ADD a int NULL SELECT 1", ["AlterTable", "SelectStatement"]),
        ("ALTER TABLE t WITH CHECK ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (b) DROP TABLE v",
         ["AlterTable", "Drop"]),
        ("CREATE TABLE t (a int DEFAULT 1, INDEX i (a)) CREATE INDEX j ON t (a) WHERE a > 1 SELECT 1",
         ["CreateTable", "CreateIndex", "SelectStatement"]),
        ("sp_who 'x'", ["Execute"]),
        ("EXEC p SELECT 1", ["Execute", "SelectStatement"]),
        ("SET NOCOUNT ON SET XACT_ABORT OFF", ["SetOption", "SetOption"]),
        ("GRANT SELECT, INSERT ON dbo.t TO someone SELECT 1", ["Grant", "SelectStatement"]),
        ("BACKUP DATABASE x TO DISK = 'f' WITH INIT, STATS = 5 RESTORE VERIFYONLY FROM DISK = 'f'",
         ["Backup", "Restore"]),
        ("MERGE t USING u ON t.a = u.a WHEN MATCHED THEN DELETE; SELECT 1", ["Merge", "SelectStatement"]),
        ("", []),
        (";;", []),
    ],
)  # fmt: skip
def test_statements_end_where_the_next_begins(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_else_belongs_to_the_nearest_if() -> None:
    (outer,) = parse_batch("IF 1 = 1 IF 2 = 2 SELECT 1 ELSE SELECT 2").statements
    assert isinstance(outer, s.If)
    assert outer.otherwise is None
    assert isinstance(outer.then, s.If)
    assert outer.then.otherwise is not None


def test_a_procedure_takes_the_rest_of_the_batch() -> None:
    (module,) = parse_batch("CREATE PROCEDURE p @a int = 1 AS SELECT 1 SELECT 2").statements
    assert isinstance(module, ddl.CreateModule)
    assert isinstance(module.body, s.Block)
    assert len(module.body.statements) == 2


def test_lines_are_those_of_the_statements() -> None:
    assert [statement.line for statement in parse_batch("SELECT 1\n\nSELECT 2\n").statements] == [1, 3]


@pytest.mark.parametrize(
    ("text", "number", "near"),
    [
        ("SELECT * FROM", 102, "FROM"),
        ("SELECT FROM t", 156, "FROM"),
        ("SELECT a FROM t WHERE", 102, "WHERE"),
        ("SELECT (1", 102, "1"),
        ("INSERT t VALUES (1", 102, "1"),
        ("CREATE TABLE t (a)", 102, ")"),
        ("UPDATE t SET", 102, "SET"),
        ("IF 1 = 1", 102, "1"),
        ("BEGIN SELECT 1", 102, "1"),
        ("END", 156, "END"),
        ("SELECT 1 WHERE 1", 4145, "1"),
        ("SELECT 1; CREATE VIEW v AS SELECT 1", 111, "CREATE VIEW"),
        ("SELECT CAST(1 AS nosuch)", 243, "nosuch"),
        ("SELECT CAST(1 AS varchar(9000))", 131, "9000"),
        ("MERGE t USING u ON 1 = 1 WHEN MATCHED THEN DELETE", 10713, "MERGE"),
        ("SELECT 1 FROM t WITH (NOSUCHHINT)", 321, "NOSUCHHINT"),
    ],
)
def test_syntax_errors(text: str, number: int, near: str) -> None:
    with pytest.raises(SqlServerError) as caught:
        parse_batch(text)
    assert (caught.value.number, near in caught.value.message) == (number, True), caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "DECLARE c CURSOR FOR SELECT 1",
        "GOTO done",
        "CREATE TRIGGER tr ON t AFTER INSERT AS SELECT 1",
        "CREATE SEQUENCE s",
        "SELECT * FROM t PIVOT (SUM(a) FOR b IN ([x])) AS p",
        "SELECT a FROM t GROUP BY ROLLUP (a)",
        "SELECT a FROM t FOR XML AUTO",
        "CREATE TABLE t (a int, b AS a + 1)",
        "SELECT * FROM OPENROWSET('a', 'b', 'c')",
        "BACKUP DATABASE x TO URL = 'u'",
        "SELECT PARSE('1' AS int)",
        "SELECT 1 FROM a.b.c.d",
    ],
)
def test_what_is_not_supported_is_refused_by_name(text: str) -> None:
    with pytest.raises(SqlServerError, match="not supported by the SQL Server stand-in") as caught:
        parse_batch(text)
    assert caught.value.number == 40510


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises((SqlServerError, RecursionError)):
        parse_batch("IF 1 = 1 BEGIN " * 5000 + "SELECT 1" + " END" * 5000)
