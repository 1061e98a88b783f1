"""Connections, transactions, errors and messages as drivers see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.sqlserver.drivers import FREETDS, MICROSOFT, MSSQL_PYTHON, PYTHON_TDS, Address, Driver, each


@each()
def test_the_database_of_the_login_is_the_current_one(driver: Driver, cursor: Any, database: str) -> None:
    cursor.execute("SELECT DB_NAME(), SUSER_SNAME()")
    assert tuple(cursor.fetchone()) == (database, "sa")


@each(MICROSOFT, FREETDS)
def test_a_wrong_password_is_18456(driver: Driver, sql_server: Address) -> None:
    with pytest.raises(Exception, match=r"18456|Login failed for user 'sa'"):
        driver.connect(Address(sql_server.host, sql_server.port, "sa", "Wrong-Password-1"))


@each(MICROSOFT, FREETDS)
def test_an_absent_database_is_4060(driver: Driver, sql_server: Address) -> None:
    with pytest.raises(Exception, match=r"4060|Cannot open database"):
        driver.connect(sql_server, "no_such_database")


ERRORS = [
    ("SELECT 1/0", 8134),
    ("SELECT * FROM dbo.no_such_table", 208),
    ("SELECT no_such_column FROM sys.objects", 207),
    ("SELECT CAST('x' AS int)", 245),
    ("SELECT 1 +", 102),
    ("SELEC 1", 2812),
    ("RAISERROR('custom text', 16, 1)", 50000),
    ("THROW 51000, 'thrown text', 1", 51000),
    ("EXEC dbo.no_such_procedure", 2812),
    ("SELECT @undeclared", 137),
    ("DROP TABLE dbo.no_such_table", 3701),
    ("CREATE TABLE #e (a int PRIMARY KEY); INSERT #e VALUES (1); INSERT #e VALUES (1)", 2627),
    ("CREATE TABLE #n (a int NOT NULL); INSERT #n VALUES (NULL)", 515),
    ("CREATE TABLE #l (a nvarchar(2)); INSERT #l VALUES (N'three')", 2628),
]


@each(MICROSOFT)
@pytest.mark.parametrize(("statement", "number"), ERRORS, ids=[str(number) for _, number in ERRORS])
def test_the_number_of_an_error(driver: Driver, cursor: Any, statement: str, number: int) -> None:
    with pytest.raises(Exception, match=rf"\({number}\)"):
        every_result(cursor, statement)
    cursor.execute("SELECT 1")
    assert cursor.fetchone()[0] == 1


def every_result(cursor: Any, statement: str) -> None:
    """Runs a batch to its end: the error of a later statement is raised when its turn comes."""
    cursor.execute(statement)
    while True:
        if cursor.description:
            cursor.fetchall()
        if not cursor.nextset():
            return


@each()
def test_an_error_in_the_second_statement_of_a_batch_leaves_the_first_done(driver: Driver, cursor: Any) -> None:
    cursor.execute("CREATE TABLE #half (a int PRIMARY KEY)")
    with pytest.raises(Exception, match="PRIMARY KEY"):
        every_result(cursor, "INSERT #half VALUES (1); INSERT #half VALUES (1)")
    cursor.execute("SELECT COUNT(*) FROM #half")
    assert cursor.fetchone()[0] == 1


@each(MICROSOFT, FREETDS)
def test_transactions_of_the_driver(driver: Driver, connection: Any) -> None:
    connection.execute("CREATE TABLE dbo.transactions (a int)")
    connection.autocommit = False
    connection.execute("INSERT dbo.transactions VALUES (1)")
    assert connection.execute("SELECT @@TRANCOUNT").fetchone()[0] == 1
    connection.rollback()
    assert connection.execute("SELECT COUNT(*) FROM dbo.transactions").fetchone()[0] == 0
    connection.execute("INSERT dbo.transactions VALUES (2)")
    connection.commit()
    assert connection.execute("SELECT a FROM dbo.transactions").fetchone()[0] == 2
    connection.commit()
    connection.autocommit = True
    connection.execute("DROP TABLE dbo.transactions")


@each()
def test_transactions_in_t_sql(driver: Driver, cursor: Any) -> None:
    cursor.execute("CREATE TABLE #x (a int); BEGIN TRANSACTION; INSERT #x VALUES (1); SAVE TRANSACTION s")
    cursor.execute("INSERT #x VALUES (2); ROLLBACK TRANSACTION s; COMMIT; ")
    cursor.execute("SELECT a, @@TRANCOUNT FROM #x")
    assert [tuple(row) for row in cursor.fetchall()] == [(1, 0)]


@each(MICROSOFT)
def test_try_and_catch(driver: Driver, cursor: Any) -> None:
    cursor.execute(
        "BEGIN TRY SELECT 1/0 END TRY "
        "BEGIN CATCH SELECT ERROR_NUMBER() AS n, ERROR_SEVERITY() AS s, ERROR_MESSAGE() AS m END CATCH"
    )
    rows: list[Any] = cursor.fetchall() if cursor.description and cursor.description[0][0] == "n" else []
    while not rows and cursor.nextset():
        rows = cursor.fetchall()
    assert [tuple(row) for row in rows] == [(8134, 16, "Divide by zero error encountered.")]


@each(MICROSOFT, FREETDS)
def test_messages(driver: Driver, connection: Any) -> None:
    cursor = connection.execute("PRINT N'hello from a batch'")
    assert "hello from a batch" in str(cursor.messages)


@each()
def test_row_counts(driver: Driver, cursor: Any) -> None:
    cursor.execute("CREATE TABLE #c (a int)")
    cursor.execute("INSERT #c VALUES (1), (2), (3)")
    assert cursor.rowcount == 3
    cursor.execute("UPDATE #c SET a = a + 1 WHERE a > 1")
    assert cursor.rowcount == 2
    cursor.execute("DELETE FROM #c")
    assert cursor.rowcount == 3


@each(MICROSOFT)
def test_nocount_silences_counts(driver: Driver, cursor: Any) -> None:
    cursor.execute("SET NOCOUNT ON; CREATE TABLE #q (a int); INSERT #q VALUES (1); SELECT a FROM #q")
    assert cursor.fetchone()[0] == 1


@each(MICROSOFT, FREETDS, PYTHON_TDS, MSSQL_PYTHON)
def test_several_results(driver: Driver, cursor: Any) -> None:
    cursor.execute("SELECT 1 AS a; SELECT 2 AS b, 3 AS c")
    assert [tuple(row) for row in cursor.fetchall()] == [(1,)]
    assert cursor.nextset()
    assert [tuple(row) for row in cursor.fetchall()] == [(2, 3)]


@each()
def test_temporary_tables_belong_to_their_session(driver: Driver, cursor: Any, sql_server: Address) -> None:
    cursor.execute("CREATE TABLE #mine (a int); INSERT #mine VALUES (1)")
    with driver.connect(sql_server) as other, other.cursor() as stranger, pytest.raises(Exception, match="#mine"):
        stranger.execute("SELECT a FROM #mine")
    cursor.execute("SELECT a FROM #mine")
    assert cursor.fetchone()[0] == 1


@each(MICROSOFT)
def test_a_long_query_is_cancelled_by_its_timeout(driver: Driver, connection: Any) -> None:
    connection.timeout = 1
    with pytest.raises(Exception, match=r"HYT00|[Tt]imeout"):
        connection.execute("WAITFOR DELAY '00:00:20'")
    connection.timeout = 0
    assert connection.execute("SELECT 1").fetchone()[0] == 1


@each(MICROSOFT)
def test_kill_ends_another_session(driver: Driver, connection: Any, sql_server: Address) -> None:
    victim = driver.connect(sql_server)
    spid = victim.execute("SELECT @@SPID").fetchval()
    connection.execute(f"KILL {spid}")
    with pytest.raises(Exception, match=r"08S01|596|[Ll]ink"):
        victim.execute("SELECT 1").fetchall()


@each(MICROSOFT)
def test_output_parameters_through_sp_executesql(driver: Driver, cursor: Any) -> None:
    cursor.execute(
        "DECLARE @n int; EXEC sp_executesql N'SELECT @out = @in * 2', N'@in int, @out int OUTPUT', "
        "@in = ?, @out = @n OUTPUT;"
        "SELECT @n",
        21,
    )
    assert cursor.fetchone()[0] == 42
