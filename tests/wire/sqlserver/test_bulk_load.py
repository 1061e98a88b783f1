"""INSERT BULK as five libraries send it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MSSQL_PYTHON, PYMSSQL, PYTHON_TDS, Driver, each

ROWS = [(i, None if i % 10 == 0 else f"name {i} Ж") for i in range(3000)]


@pytest.fixture
def table(cursor: Any) -> str:
    cursor.execute("IF OBJECT_ID('dbo.loaded') IS NOT NULL DROP TABLE dbo.loaded")
    cursor.execute("CREATE TABLE dbo.loaded (id int NOT NULL PRIMARY KEY, name nvarchar(50) NULL)")
    return "dbo.loaded"


def loaded(cursor: Any) -> tuple[int, int, int]:
    cursor.execute("SELECT COUNT(*), COUNT(name), MAX(LEN(name)) FROM dbo.loaded")
    return tuple(cursor.fetchone())


EXPECTED = (len(ROWS), sum(name is not None for _, name in ROWS), max(len(name) for _, name in ROWS if name))


@each(PYTHON_TDS)
def test_python_tds(driver: Driver, cursor: Any, table: str) -> None:
    # it declares every column nvarchar unless told otherwise: the server converts
    cursor.copy_to(table_or_view="loaded", columns=["id", "name"], data=[(str(i), name) for i, name in ROWS])
    assert loaded(cursor) == EXPECTED


@each(PYMSSQL)
def test_pymssql(driver: Driver, connection: Any, cursor: Any, table: str) -> None:
    connection.bulk_copy("dbo.loaded", ROWS)
    assert loaded(cursor) == EXPECTED


@each(MSSQL_PYTHON)
def test_mssql_python(driver: Driver, cursor: Any, table: str) -> None:
    cursor.bulkcopy("dbo.loaded", ROWS)
    assert loaded(cursor) == EXPECTED


@each(PYTHON_TDS)
def test_a_row_the_table_refuses_is_an_error_and_the_connection_goes_on(
    driver: Driver, cursor: Any, table: str
) -> None:
    with pytest.raises(Exception, match="PRIMARY KEY"):
        cursor.copy_to(table_or_view="loaded", columns=["id", "name"], data=[("1", "a"), ("1", "b")])
    cursor.execute("SELECT 1")
    assert cursor.fetchone()[0] == 1
