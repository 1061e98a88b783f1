"""Errors by number and text: what clients and upgrade scripts look for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import messages, refused, results, value
from tests.wire.sqlserver.drivers import MICROSOFT, each

pytestmark = each(MICROSOFT)

ERRORS = [
    ("SELECT * FROM dbo.Nope", 208, "Invalid object name 'dbo.Nope'."),
    ("SELECT zz FROM dbo.E", 207, "Invalid column name 'zz'."),
    ("SELECT e.zz FROM dbo.E AS f", 4104, 'The multi-part identifier "e.zz" could not be bound.'),
    ("SELECT Id FROM dbo.E a, dbo.E b", 209, "Ambiguous column name 'Id'."),
    ("SELECT Name, COUNT(*) FROM dbo.E", 8120, "Column 'dbo.E.Name' is invalid in the select list"),
    ("SELECT nosuch(1)", 195, "'nosuch' is not a recognized built-in function name."),
    ("SELECT @undeclared", 137, 'Must declare the scalar variable "@undeclared".'),
    ("SELECT FROM x", 156, "Incorrect syntax near the keyword 'FROM'."),
    ("SELECT 'open", 105, "Unclosed quotation mark after the character string 'open'."),
    (
        "INSERT dbo.E VALUES (1, 'again')",
        2627,
        "Cannot insert duplicate key in object 'dbo.E'. The duplicate key value is (1).",
    ),
    ("INSERT dbo.E VALUES (2, 'name')", 2601, "with unique index 'IX_E'. The duplicate key value is (name)."),
    ("INSERT dbo.E (Id) VALUES (3)", 515, "column does not allow nulls. INSERT fails."),
    ("INSERT dbo.E VALUES (4, 'much too long')", 2628, "Truncated value: 'much too'."),
    ("INSERT dbo.E VALUES (-1, 'x')", 547, 'The INSERT statement conflicted with the CHECK constraint "CK_E".'),
    ("SELECT CAST('a' AS int)", 245, "Conversion failed when converting the varchar value 'a' to data type int."),
    ("SELECT CAST(300 AS tinyint)", 220, "Arithmetic overflow error for data type tinyint, value = 300."),
    ("SELECT 1 / 0", 8134, "Divide by zero error encountered."),
    ("SELECT (SELECT 1 UNION SELECT 2)", 512, "Subquery returned more than 1 value."),
    ("USE nope", 911, "Database 'nope' does not exist."),
    ("EXEC nope", 2812, "Could not find stored procedure 'nope'."),
    ("THROW 50123, 'bad thing', 3", 50123, "bad thing"),
    ("RAISERROR ('bad %s %d', 16, 2, 'x', 5)", 50000, "bad x 5"),
    ("DROP DATABASE nope", 3701, "Cannot drop the database 'nope'"),
    ("DECLARE c CURSOR FOR SELECT 1", 40510, "not supported by the SQL Server stand-in"),
]


@pytest.fixture
def table(connection: Any) -> Iterator[Any]:
    results(
        connection,
        "CREATE TABLE dbo.E (Id int NOT NULL CONSTRAINT PK_E PRIMARY KEY CONSTRAINT CK_E CHECK (Id > 0), "
        "Name nvarchar(8) NOT NULL); CREATE UNIQUE INDEX IX_E ON dbo.E (Name); INSERT dbo.E VALUES (1, 'name')",
    )
    yield connection
    results(connection, "DROP TABLE dbo.E")


@pytest.mark.parametrize(("statement", "number", "text"), ERRORS, ids=[str(number) for _, number, _ in ERRORS])
def test_number_and_text(table: Any, statement: str, number: int, text: str) -> None:
    assert text in refused(table, statement, number)
    assert value(table, "SELECT COUNT(*) FROM dbo.E") == 1


def test_a_raised_message_of_low_severity_is_no_error(connection: Any) -> None:
    assert any("note x" in text for text in messages(connection, "RAISERROR ('note %s', 0, 1, 'x') WITH NOWAIT"))


def test_a_bad_login(sql_server: Any, driver: Any) -> None:
    wrong = type(sql_server)(sql_server.host, sql_server.port, sql_server.user, "Wrong-password-1")
    with pytest.raises(Exception, match=r"18456|Login failed"):
        driver.connect(wrong)
