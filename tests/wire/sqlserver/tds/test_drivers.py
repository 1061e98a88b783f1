"""What real drivers read and send, through each of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.wire.sqlserver.drivers import FREETDS, MICROSOFT, MSSQL_PYTHON, PYMSSQL, PYTHON_TDS, Address, Driver, each
from tests.wire.sqlserver.tds.fake_server import EVERY_TYPE, MOMENT_TYPES


def comparable(value: Any) -> Any:
    """pyodbc gives GUIDs as text, python-tds keeps zones of its own kind."""
    if isinstance(value, UUID):
        return str(value).upper()
    return value.isoformat() if isinstance(value, datetime) else value


@each()
def test_rows_arrive(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("rows 3")
        assert [tuple(row) for row in cursor.fetchall()] == [(0, "row 0"), (1, "row 1"), (2, "row 2")]


@each()
def test_every_data_type_arrives_as_it_was(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("types")
        values, nulls = cursor.fetchall()
        assert [comparable(v) for v in values] == [comparable(value) for _, value in EVERY_TYPE]
        assert set(nulls) == {None}


@each(PYMSSQL, PYTHON_TDS, MSSQL_PYTHON)
def test_times_and_offsets_arrive_to_the_microsecond(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("types moments")
        values, nulls = cursor.fetchall()
        expected = [value for _, value in MOMENT_TYPES[:2]] + [MOMENT_TYPES[2][1].moment]
        assert [comparable(v) for v in values] == [comparable(v) for v in expected]
        assert set(nulls) == {None}


@each(MICROSOFT, FREETDS)
def test_the_seventh_decimal_of_an_offset_arrives(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        connection.add_output_converter(-155, bytes)
        values, _ = connection.execute("types moments").fetchall()
        nanoseconds = int.from_bytes(values[2][12:16], "little")
        assert nanoseconds == 123_456_700


PARAMETERS = (
    1,
    2**40,
    "Ж😀",
    1.5,
    Decimal("12.345"),
    datetime(2020, 1, 2, 3, 4, 5),
    date(2020, 1, 2),
    True,
    UUID(int=5),
)


@each(MICROSOFT, FREETDS, PYTHON_TDS, MSSQL_PYTHON)
def test_parameters_come_back(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(driver.with_parameters("echo {}", len(PARAMETERS)), PARAMETERS)
        assert [comparable(v) for v in cursor.fetchone()] == [comparable(v) for v in PARAMETERS]


@each(MICROSOFT, FREETDS, PYTHON_TDS, MSSQL_PYTHON)
@pytest.mark.parametrize("size", [0, 1, 4000, 4001, 300_000])
def test_texts_of_any_length_come_back(driver: Driver, address: Address, size: int) -> None:
    text = "Ж" * size
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(driver.with_parameters("echo {}", 1), (text,))
        assert cursor.fetchone()[0] == text


@each(MICROSOFT, FREETDS, MSSQL_PYTHON)
@pytest.mark.parametrize("size", [1, 8000, 8001, 300_000])
def test_bytes_of_any_length_come_back(driver: Driver, address: Address, size: int) -> None:
    data = b"\x00\xff" * (size // 2) + b"\x01" * (size % 2)
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(driver.with_parameters("echo {}", 1), (data,))
        assert cursor.fetchone()[0] == data


@each()
def test_an_error_keeps_its_number_and_leaves_the_connection_usable(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        with pytest.raises(Exception, match="Error number 50123"):
            cursor.execute("error 50123")
        cursor.execute("rows 1")
        assert len(cursor.fetchall()) == 1


@each()
def test_an_error_after_rows_is_raised(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:

        def read() -> None:
            cursor.execute("rows-then-error 3")
            cursor.fetchall()

        with pytest.raises(Exception, match="Divide by zero"):
            read()


@each()
def test_a_defect_of_the_engine_is_an_error_and_not_the_end(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        with pytest.raises(Exception, match="stand-in of SQL Server failed: KeyError"):
            cursor.execute("crash")
        cursor.execute("rows 1")
        assert len(cursor.fetchall()) == 1


@each()
def test_several_results_follow_each_other(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("several")
        counts = [len(cursor.fetchall())]
        while cursor.nextset():
            if cursor.description:  # which python-tds keeps from the result before
                counts.append(len(cursor.fetchall()))
        assert [count for count in counts if count] == [2, 3]


@each()
def test_a_count_without_rows(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("count 42")
        assert cursor.rowcount == 42


@each(MICROSOFT, FREETDS)
def test_messages_arrive(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        cursor = connection.execute("print hello")
        assert "hello" in str(cursor.messages)


@each(MICROSOFT, FREETDS)
def test_a_value_that_does_not_fit_its_column_is_an_error_between_whole_rows(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        with pytest.raises(Exception, match="does not fit column 'id' of type int"):
            connection.execute("leak").fetchall()
        assert len(connection.execute("rows 2").fetchall()) == 2


@each(MICROSOFT)
def test_joined_calls_of_fast_executemany(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection, connection.cursor() as cursor:
        cursor.fast_executemany = True
        cursor.executemany("insert ? ?", [(i, f"text {i}") for i in range(500)])
        assert len(cursor.execute("rows 2").fetchall()) == 2
