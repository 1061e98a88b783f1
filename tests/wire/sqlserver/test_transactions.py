"""Transactions as clients use them, errors inside and outside of TRY, and what is left of the work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import refused, results, rows, value
from tests.wire.sqlserver.drivers import MICROSOFT, each

pytestmark = each(MICROSOFT)


@pytest.fixture
def table(connection: Any) -> Iterator[Any]:
    results(connection, "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY)")
    yield connection
    results(connection, "IF @@TRANCOUNT > 0 ROLLBACK; DROP TABLE dbo.T")


def count(connection: Any) -> int:
    return value(connection, "SELECT COUNT(*) FROM dbo.T")


def test_rollback_and_commit(table: Any) -> None:
    results(table, "BEGIN TRAN; INSERT dbo.T VALUES (1); ROLLBACK")
    assert count(table) == 0
    results(table, "BEGIN TRAN; INSERT dbo.T VALUES (1)")
    assert value(table, "SELECT @@TRANCOUNT") == 1
    results(table, "COMMIT")
    assert count(table) == 1


def test_only_the_outermost_commit_commits(table: Any) -> None:
    results(table, "BEGIN TRAN; BEGIN TRAN; INSERT dbo.T VALUES (1); COMMIT")
    assert value(table, "SELECT @@TRANCOUNT") == 1
    results(table, "ROLLBACK")
    assert count(table) == 0


def test_savepoints(table: Any) -> None:
    results(table, "BEGIN TRAN; INSERT dbo.T VALUES (1); SAVE TRAN s; INSERT dbo.T VALUES (2); ROLLBACK TRAN s; COMMIT")
    assert rows(table, "SELECT Id FROM dbo.T") == [(1,)]


def test_implicit_transactions(table: Any) -> None:
    table.autocommit = False
    results(table, "INSERT dbo.T VALUES (1)")
    assert value(table, "SELECT @@TRANCOUNT") == 1
    table.rollback()
    results(table, "INSERT dbo.T VALUES (2); CREATE TABLE dbo.Gone (a int)")
    table.rollback()
    table.autocommit = True
    assert (count(table), value(table, "SELECT OBJECT_ID('dbo.Gone')")) == (0, None)


def test_a_statement_that_fails_undoes_itself_only(table: Any) -> None:
    refused(table, "BEGIN TRAN; INSERT dbo.T VALUES (1); INSERT dbo.T VALUES (2), (1)", 2627)
    assert value(table, "SELECT @@TRANCOUNT") == 1
    results(table, "COMMIT")
    assert rows(table, "SELECT Id FROM dbo.T") == [(1,)]


def test_a_conversion_error_ends_the_batch_and_the_transaction(table: Any) -> None:
    refused(table, "BEGIN TRAN; INSERT dbo.T VALUES (1); SELECT CAST('x' AS int); INSERT dbo.T VALUES (2)", 245)
    assert (value(table, "SELECT @@TRANCOUNT"), count(table)) == (0, 0)


def test_xact_abort_rolls_everything_back(table: Any) -> None:
    refused(table, "SET XACT_ABORT ON; BEGIN TRAN; INSERT dbo.T VALUES (1); INSERT dbo.T VALUES (1)", 2627)
    assert (value(table, "SELECT @@TRANCOUNT"), count(table)) == (0, 0)
    results(table, "SET XACT_ABORT OFF")


def test_try_catch(table: Any) -> None:
    caught = (
        "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), ERROR_SEVERITY() END CATCH"
    )
    assert rows(table, caught) == [(8134, "Divide by zero error encountered.", 16)]
    refused(table, "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH THROW; END CATCH", 8134)


def test_a_doomed_transaction(table: Any) -> None:
    doomed = "BEGIN TRAN; BEGIN TRY SELECT CAST('x' AS int) END TRY BEGIN CATCH SELECT XACT_STATE(); ROLLBACK END CATCH"
    assert value(table, doomed) == -1
    write = "BEGIN TRAN; BEGIN TRY SELECT CAST('x' AS int) END TRY BEGIN CATCH INSERT dbo.T VALUES (1) END CATCH"
    refused(table, write, 3930)
    assert value(table, "SELECT @@TRANCOUNT") == 0


def test_a_transaction_spans_databases(table: Any) -> None:
    results(table, "IF DB_ID('span_other') IS NOT NULL DROP DATABASE span_other; CREATE DATABASE span_other")
    home = value(table, "SELECT DB_NAME()")
    results(table, "USE span_other; CREATE TABLE dbo.O (a int)")
    results(table, f"BEGIN TRAN; INSERT dbo.O VALUES (1); USE [{home}]; INSERT dbo.T VALUES (1); ROLLBACK")
    assert (count(table), value(table, "SELECT COUNT(*) FROM span_other.dbo.O")) == (0, 0)
    results(table, "DROP DATABASE span_other")


def test_unbalanced_transactions_are_told(table: Any) -> None:
    refused(table, "COMMIT", 3902)
    refused(table, "ROLLBACK", 3903)
    results(table, "CREATE PROCEDURE dbo.P AS BEGIN TRAN")
    refused(table, "EXEC dbo.P", 266)
    results(table, "ROLLBACK; DROP PROCEDURE dbo.P")
