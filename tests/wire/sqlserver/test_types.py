"""Values stored in tables come back through every driver as they went."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.wire.sqlserver.drivers import FREETDS, MICROSOFT, MSSQL_PYTHON, PYTHON_TDS, Driver, each

GUID = UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")

#: Type as declared, T-SQL literal, what every driver gives back for it.
LITERALS = [
    ("tinyint", "255", 255),
    ("smallint", "-32768", -32768),
    ("int", "-2147483648", -2147483648),
    ("bigint", "9223372036854775807", 9223372036854775807),
    ("bit", "1", True),
    ("float", "0.1", 0.1),
    ("real", "1.5", 1.5),
    ("decimal(18, 4)", "12345678901234.5678", Decimal("12345678901234.5678")),
    ("decimal(38, 10)", "-1234567890123456789.0123456789", Decimal("-1234567890123456789.0123456789")),
    ("money", "12.3456", Decimal("12.3456")),
    ("nvarchar(20)", "N'Grüße Ж😀'", "Grüße Ж😀"),
    ("nvarchar(max)", "REPLICATE(CAST(N'Ж' AS nvarchar(max)), 5000)", "Ж" * 5000),
    ("varchar(20)", "'plain'", "plain"),
    ("varchar(max)", "'plain'", "plain"),
    ("nchar(4)", "N'ab'", "ab  "),
    ("char(4)", "'ab'", "ab  "),
    ("varbinary(10)", "0x00FF01", b"\x00\xff\x01"),
    ("varbinary(max)", "0x00FF01", b"\x00\xff\x01"),
    ("binary(4)", "0x01", b"\x01\0\0\0"),
    ("uniqueidentifier", f"'{GUID}'", GUID),
    ("date", "'2021-03-28'", date(2021, 3, 28)),
    ("datetime", "'2021-03-28T13:14:15.123'", datetime(2021, 3, 28, 13, 14, 15, 123000)),
    ("datetime2(7)", "'2021-03-28T13:14:15.1234560'", datetime(2021, 3, 28, 13, 14, 15, 123456)),
    ("datetime2(0)", "'2021-03-28T13:14:15.6'", datetime(2021, 3, 28, 13, 14, 16)),
    ("smalldatetime", "'2021-03-28T13:14:00'", datetime(2021, 3, 28, 13, 14)),
]


def same(value: Any) -> Any:
    """pyodbc gives GUIDs as text."""
    return str(value).upper() if isinstance(value, UUID) else value


@each()
@pytest.mark.parametrize(("declared", "literal", "expected"), LITERALS, ids=[declared for declared, *_ in LITERALS])
def test_a_stored_literal(driver: Driver, cursor: Any, declared: str, literal: str, expected: Any) -> None:
    cursor.execute(f"CREATE TABLE #t (a {declared} NULL); INSERT INTO #t VALUES ({literal}), (NULL)")
    cursor.execute("SELECT a FROM #t")
    value, null = cursor.fetchall()
    assert same(value[0]) == same(expected)
    assert null[0] is None
    cursor.execute("DROP TABLE #t")


PARAMETERS = [
    ("int", 5),
    ("bigint", 2**40),
    ("bit", True),
    ("float", 0.1),
    ("decimal(12, 3)", Decimal("12345.678")),
    ("nvarchar(100)", "Ж😀 it's"),
    ("nvarchar(max)", "long Ж " * 3000),
    ("date", date(2021, 3, 28)),
    ("datetime2(7)", datetime(2021, 3, 28, 13, 14, 15, 123456)),
    ("uniqueidentifier", GUID),
]


@each(MICROSOFT, FREETDS, PYTHON_TDS, MSSQL_PYTHON)
@pytest.mark.parametrize(("declared", "value"), PARAMETERS, ids=[declared for declared, _ in PARAMETERS])
def test_a_stored_parameter(driver: Driver, cursor: Any, declared: str, value: Any) -> None:
    cursor.execute(f"CREATE TABLE dbo.parameters (id int, a {declared} NULL)")
    try:
        insert = driver.with_parameters("INSERT INTO dbo.parameters VALUES ({})", 2)
        cursor.execute(insert, (1, value))
        cursor.execute(insert, (2, None))
        cursor.execute("SELECT a FROM dbo.parameters ORDER BY id")
        stored, null = cursor.fetchall()
        assert same(stored[0]) == same(value)
        assert null[0] is None
    finally:
        cursor.execute("DROP TABLE dbo.parameters")


@each(MICROSOFT, FREETDS, MSSQL_PYTHON)
def test_bytes_as_a_parameter(driver: Driver, cursor: Any) -> None:
    cursor.execute("CREATE TABLE #b (a varbinary(max))")
    data = bytes(range(256)) * 100
    cursor.execute(driver.with_parameters("INSERT INTO #b VALUES ({})", 1), (data,))
    cursor.execute("SELECT a, DATALENGTH(a) FROM #b")
    row = cursor.fetchone()
    assert (bytes(row[0]), row[1]) == (data, len(data))


@each(MICROSOFT, MSSQL_PYTHON)
def test_many_rows_through_executemany(driver: Driver, cursor: Any) -> None:
    cursor.execute("CREATE TABLE #many (id int PRIMARY KEY, name nvarchar(50) NULL, price decimal(10, 2))")
    rows = [(i, None if i % 10 == 0 else f"name {i}", Decimal(i) / 4) for i in range(1000)]
    if driver is MICROSOFT:
        cursor.fast_executemany = True
    cursor.executemany("INSERT INTO #many VALUES (?, ?, ?)", rows)
    cursor.execute("SELECT COUNT(*), COUNT(name), SUM(price) FROM #many")
    assert tuple(cursor.fetchone()) == (1000, 900, sum(Decimal(i) / 4 for i in range(1000)))
