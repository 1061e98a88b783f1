"""Statements, rows, messages, transactions and errors over a real connection."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tidegate.errors import Refused, SqlServerFailure, Unreachable
from tidegate.providers.contract import SqlServerHost
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.driver import OdbcDriver, find_driver, load_pyodbc

CANARY = "canary-4be81f-Pass"


def drivers() -> list[OdbcDriver]:
    """What this machine has: Microsoft's driver, and FreeTDS where it is installed."""
    chosen = [find_driver()]
    if "FreeTDS" in load_pyodbc().drivers() and chosen[0].name != "FreeTDS":
        chosen.append(find_driver("FreeTDS"))
    return chosen


@pytest.fixture(params=drivers(), ids=lambda driver: driver.family)
def driver(request: pytest.FixtureRequest) -> OdbcDriver:
    return request.param


def test_values_come_back_as_they_went(host: SqlServerHost, driver: OdbcDriver) -> None:
    moment = datetime(2021, 6, 1, 10, 30, 0, 123456, timezone(timedelta(hours=-5, minutes=-30)))
    with SqlServer(host.address, driver=driver) as server:
        assert server.value("SELECT ?", "Zwölf • 𝄞") == "Zwölf • 𝄞"
        assert server.value("SELECT CAST(? AS datetimeoffset)", moment.isoformat()) == moment
        assert server.value("SELECT CAST(NULL AS int)") is None
        assert server.rows("SELECT CAST(1 AS bit), CAST(2 AS bigint) WHERE 1 = 0") == []


def test_rows_are_those_of_the_first_result_even_behind_other_statements(host: SqlServerHost) -> None:
    with SqlServer(host.address) as server:
        assert server.rows("DECLARE @x int = 2 SELECT @x, @x + 1 SELECT 'later'") == [(2, 3)]


def test_messages_are_collected_while_a_batch_runs(host: SqlServerHost, driver: OdbcDriver) -> None:
    said: list[str] = []
    with SqlServer(host.address, driver=driver) as server:
        server.execute("PRINT 'one' SELECT 1 PRINT 'two'", messages=said.append)

    assert said == ["one", "two"]


def test_changed_rows_are_counted_over_all_statements(database: SqlServer) -> None:
    database.execute("CREATE TABLE T (n int NOT NULL)")

    assert database.execute("INSERT INTO T VALUES (1), (2) UPDATE T SET n = n + 1 WHERE n = 1") == 3


def test_an_error_in_a_later_statement_is_not_lost(database: SqlServer) -> None:
    with pytest.raises(SqlServerFailure) as error:
        database.execute("SELECT 1 SELECT * FROM dbo.Nothing")

    assert error.value.number == 208
    assert "dbo.Nothing" in error.value.what


def test_a_transaction_is_kept_whole_or_not_at_all(database: SqlServer) -> None:
    database.execute("CREATE TABLE T (n int NOT NULL)")
    with database.transaction():
        database.execute("INSERT INTO T VALUES (1)")

    def half() -> None:
        with database.transaction():
            database.execute("INSERT INTO T VALUES (2)")
            database.execute("INSERT INTO Nothing VALUES (3)")

    with pytest.raises(SqlServerFailure):
        half()

    assert database.rows("SELECT n FROM T") == [(1,)]


def test_another_database_can_be_used_for_a_while(host: SqlServerHost, database: SqlServer) -> None:
    before = database.value("SELECT DB_NAME()")

    def fail_elsewhere() -> None:
        with database.using("master"):
            assert database.value("SELECT DB_NAME()") == "master"
            database.execute("SELECT * FROM Nothing")

    with pytest.raises(SqlServerFailure):
        fail_elsewhere()

    assert database.value("SELECT DB_NAME()") == before


def test_a_wrong_password_is_refused_and_shown_nowhere(host: SqlServerHost, driver: OdbcDriver) -> None:
    os.environ["TIDEGATE_TEST_CANARY"] = CANARY
    wrong = replace(host.address, password=Secret.parse("env:TIDEGATE_TEST_CANARY"))

    with pytest.raises(Refused) as error:
        SqlServer(wrong, driver=driver)

    frames = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    assert CANARY not in frames
    assert CANARY not in repr(wrong)
    assert "check user and password" in error.value.next_step


def test_a_server_that_is_not_there_is_unreachable(host: SqlServerHost, driver: OdbcDriver) -> None:
    nowhere = replace(host.address, server="127.0.0.1,1", login_timeout=5)

    with pytest.raises(Unreachable, match="did not answer"):
        SqlServer(nowhere, driver=driver)


def test_an_untrusted_certificate_is_not_accepted_silently(host: SqlServerHost) -> None:
    driver = find_driver()
    with pytest.raises(Unreachable) as error:
        SqlServer(replace(host.address, trust_server_certificate=False), driver=driver)

    assert "certificate" in error.value.what
    assert "trust_server_certificate" in error.value.next_step


def test_a_query_may_be_given_a_time_limit(host: SqlServerHost) -> None:
    with SqlServer(host.address, query_timeout=1) as server:
        started = datetime.now(UTC)
        with pytest.raises(SqlServerFailure):
            server.execute("WAITFOR DELAY '00:00:20'")
        assert datetime.now(UTC) - started < timedelta(seconds=10)


def test_closing_twice_is_harmless(host: SqlServerHost) -> None:
    server = SqlServer(host.address)
    server.close()
    server.close()


def test_a_connection_that_was_killed_is_told_as_lost(host: SqlServerHost, new_database: Callable[[], str]) -> None:
    name = new_database()
    with SqlServer(host.address, name) as victim, SqlServer(host.address) as other:
        other.execute(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        with pytest.raises((Unreachable, SqlServerFailure)):
            victim.execute("SELECT 1")
        other.execute(f"ALTER DATABASE [{name}] SET MULTI_USER")
