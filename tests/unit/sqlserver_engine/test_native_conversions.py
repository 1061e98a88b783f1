"""What SQLite computes by itself is what the engine's own conversions compute."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

#: A column's value goes through SQLite, that of an expression through the engine: ``COALESCE(c, c)`` is one.
COMPARED = {
    "datetime": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(max), {}, 21)", "CONVERT(varchar(40), {})"),
    "smalldatetime": ("CONVERT(nvarchar(60), {}, 121)",),
    "date": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(8), {}, 121)", "CONVERT(varchar(30), {})"),
    "time(3)": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(varchar(40), {})"),
    "datetime2(7)": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(10), {}, 121)", "CONVERT(varchar(40), {})"),
    "datetime2(0)": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(60), {}, 126)"),
    "datetimeoffset(7)": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(33), {})", "CONVERT(char(60), {}, 121)"),
    "datetimeoffset(2)": ("CONVERT(nvarchar(60), {}, 121)", "CONVERT(nvarchar(60), {})"),
    "decimal(18,3)": ("CONVERT(nvarchar(60), {})", "CONVERT(varchar(30), {})"),
    "money": ("CONVERT(nvarchar(60), {}, 2)", "CONVERT(nvarchar(60), {}, 1)", "CONVERT(nvarchar(60), {})"),
    "uniqueidentifier": ("CONVERT(nvarchar(60), {})", "CONVERT(varchar(36), {})"),
    "varbinary(max)": ("CONVERT(nvarchar(max), {}, 1)", "CONVERT(nvarchar(max), {}, 2)"),
    "nvarchar(max)": ("DATALENGTH({})", "HASHBYTES('SHA2_256', {})", "HASHBYTES('md5', {})"),
    "varchar(50)": ("DATALENGTH({})", "HASHBYTES('SHA1', {})", "HASHBYTES('SHA2_512', {})"),
}
_MOMENTS = ["'2021-03-14 01:59:26.5357'", "'1999-12-31 23:59:59.997'", "'2021-03-14'"]
VALUES = {
    "datetime": [*_MOMENTS[1:], "'1753-01-01 00:00:00.003'"],
    "smalldatetime": ["'2021-03-14 01:59:31'"],
    "date": ["'0001-01-01'", "'9999-12-31'"],
    "time(3)": ["'00:00:00'", "'23:59:59.9994'"],
    "datetime2(7)": [*_MOMENTS, "'0001-01-01'", "'9999-12-31 23:59:59.9999999'"],
    "datetime2(0)": _MOMENTS,
    "datetimeoffset(7)": [
        "'2021-03-14 01:59:26.5357 +00:00'",
        "'2021-03-14 01:59:26.5357 +05:30'",
        "'2021-01-01 -08:00'",
    ],
    "datetimeoffset(2)": ["'2021-03-14 01:59:26.5357 +00:00'", "'2021-03-14 01:59:26.5357 -03:30'"],
    "decimal(18,3)": ["0", "-12.5", "999999999999999.999"],
    "money": ["0", "-1.005", "922337203685477.5807"],
    "uniqueidentifier": ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'"],
    "varbinary(max)": ["0x", "0x00", "0xFF", "0x80000000", "0x7FFFFFFF", "0xFFFFFFFF", "0x0102030405", "0xABCDEF"],
    "nvarchar(max)": ["N''", "N'abc'", "N'Жук'", "N'😀 a'", "N'a' + NCHAR(0) + N'b'", "NCHAR(55357)"],
    "varchar(50)": ["''", "'abc '", "'naïve €'"],
}


@pytest.mark.parametrize("kind", COMPARED)
def test_a_column_converts_as_an_expression_does(kind: str, sql: Any) -> None:
    sql.run("DROP TABLE IF EXISTS dbo.t")
    sql.run(f"CREATE TABLE dbo.t (n int NOT NULL PRIMARY KEY, c {kind} NULL)")
    for number, value in enumerate([*VALUES[kind], "NULL"]):
        sql.run(f"INSERT INTO dbo.t VALUES ({number}, {value})")
    for form in COMPARED[kind]:
        through_sqlite = sql.rows(f"SELECT {form.format('c')} FROM dbo.t ORDER BY n")
        through_the_engine = sql.rows(f"SELECT {form.format('COALESCE(c, c)')} FROM dbo.t ORDER BY n")
        assert through_sqlite == through_the_engine, form
        assert through_sqlite[-1][0] is None


def test_bytes_and_remainders(sql: Any) -> None:
    """``TRY_CONVERT`` and a divisor that is computed go through the engine."""
    values = ", ".join(f"({value})" for value in VALUES["varbinary(max)"])
    for converted, engine in sql.rows(f"SELECT CONVERT(int, b), TRY_CONVERT(int, b) FROM (VALUES {values}) v(b)"):
        assert converted == engine
    numbers = "(-13), (0), (13), (9223372036854775807), (-9223372036854775808), (NULL)"
    for plain, engine in sql.rows(f"SELECT n % 7, n % (8 - 1) FROM (VALUES {numbers}) v(n)"):
        assert plain == engine


def test_hashes_of_both_kinds_of_text(sql: Any) -> None:
    assert sql.rows("SELECT HASHBYTES('SHA2_256', N'Ж'), HASHBYTES('sha2_512', 'é'), HASHBYTES('SHA', 0x01)") == [
        (
            hashlib.sha256("Ж".encode("utf-16-le")).digest(),
            hashlib.sha512(b"\xe9").digest(),
            hashlib.sha1(b"\1", usedforsecurity=False).digest(),
        )
    ]
    assert sql.rows("DECLARE @a varchar(20) = 'MD5'; SELECT HASHBYTES(@a, 'x'), HASHBYTES('none', 'x')") == [
        (hashlib.md5(b"x", usedforsecurity=False).digest(), None)
    ]


def test_sums_over_a_query_whose_columns_are_computed(sql: Any) -> None:
    """Each row is computed once; the sums are those of the rows."""
    sql.run("DROP TABLE IF EXISTS dbo.t")
    sql.run("CREATE TABLE dbo.t (n int NOT NULL PRIMARY KEY, c nvarchar(20) NOT NULL)")
    sql.run("INSERT INTO dbo.t VALUES (1, N'a'), (2, N'b'), (3, N'c'), (4, N'd')")
    words = [hashlib.sha256(text.encode("utf-16-le")).digest() for text in "abcd"]
    parts = [[int.from_bytes(word[at : at + 4], "big", signed=True) for word in words] for at in (0, 4)]
    sums = ", ".join(f"SUM(CONVERT(bigint, CONVERT(int, SUBSTRING(h, {at}, 4))))" for at in (1, 5))
    inner = "SELECT n % 2 AS b, HASHBYTES('SHA2_256', c) AS h FROM dbo.t"
    assert sql.rows(f"SELECT COUNT_BIG(*), {sums} FROM ({inner}) r") == [(4, sum(parts[0]), sum(parts[1]))]
    assert sql.rows(f"SELECT b, COUNT_BIG(*), {sums} FROM ({inner}) r GROUP BY b ORDER BY b") == [
        (0, 2, *(part[1] + part[3] for part in parts)),
        (1, 2, *(part[0] + part[2] for part in parts)),
    ]
    assert sql.rows(f"SELECT MAX(h), MIN(h) FROM ({inner} UNION ALL {inner}) r WHERE b = 0") == [
        (max(words[1], words[3]), min(words[1], words[3]))
    ]
    assert sql.rows(
        "SELECT COUNT(h), MAX(h) FROM (SELECT TOP 1 HASHBYTES('SHA2_256', c) AS h FROM dbo.t ORDER BY n) r"
    ) == [(1, words[0])]
