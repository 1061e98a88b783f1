"""What the server says about itself, its databases and its sessions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.sqlserver.conversation import refused, results, rows, value
from tests.wire.sqlserver.drivers import MICROSOFT, Address, Driver, each

pytestmark = each(MICROSOFT)


def test_the_server(connection: Any) -> None:
    version, major, edition = rows(
        connection,
        "SELECT SERVERPROPERTY('ProductVersion'), SERVERPROPERTY('ProductMajorVersion'), SERVERPROPERTY('Edition')",
    )[0]
    assert str(version).startswith(f"{major}.")
    assert "Edition" in edition
    assert str(version).partition(".")[0] in value(connection, "SELECT @@VERSION")


def test_the_database(connection: Any, database: str) -> None:
    assert rows(connection, "SELECT DB_NAME(), DB_ID('no_such_database')") == [(database, None)]
    state = "SELECT state_desc, user_access_desc, recovery_model_desc, is_read_only FROM sys.databases WHERE name = ?"
    assert rows(connection, state, database) == [("ONLINE", "MULTI_USER", "FULL", False)]
    properties = "SELECT DATABASEPROPERTYEX(?, 'Status'), DATABASEPROPERTYEX(?, 'Collation')"
    status, collation = rows(connection, properties, database, database)[0]
    assert status == "ONLINE"
    assert collation == value(connection, "SELECT collation_name FROM sys.databases WHERE name = ?", database)
    files = "SELECT name, type_desc FROM sys.master_files WHERE database_id = DB_ID() ORDER BY file_id"
    assert rows(connection, files) == [(database, "ROWS"), (f"{database}_log", "LOG")]


def test_settings_are_kept(connection: Any, database: str) -> None:
    results(connection, f"ALTER DATABASE [{database}] SET COMPATIBILITY_LEVEL = 130")
    results(
        connection,
        f"ALTER DATABASE [{database}] SET RECOVERY SIMPLE, READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE",
    )
    settings = (
        "SELECT compatibility_level, recovery_model_desc, is_read_committed_snapshot_on FROM sys.databases "
        "WHERE name = ?"
    )
    assert rows(connection, settings, database) == [(130, "SIMPLE", True)]
    refused(connection, f"ALTER DATABASE [{database}] SET COMPATIBILITY_LEVEL = 15", 15048)
    results(connection, f"ALTER DATABASE [{database}] SET COMPATIBILITY_LEVEL = 120")
    refused(connection, "SELECT * FROM OPENJSON('[1]')", 208)
    results(
        connection,
        f"ALTER DATABASE [{database}] SET COMPATIBILITY_LEVEL = 150; ALTER DATABASE [{database}] SET RECOVERY FULL",
    )


def test_row_counts(connection: Any) -> None:
    results(connection, "CREATE TABLE dbo.rows (a int); INSERT dbo.rows VALUES (1), (2), (3)")
    counted = (
        "SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = OBJECT_ID('dbo.rows') AND p.index_id IN (0, 1)"
    )
    assert value(connection, counted) == 3
    stats = (
        "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('dbo.rows') AND index_id < 2"
    )
    assert value(connection, stats) == 3
    first = value(connection, "SELECT CHECKSUM_AGG(BINARY_CHECKSUM(*)) FROM dbo.rows")
    results(connection, "UPDATE dbo.rows SET a = 4 WHERE a = 3")
    assert value(connection, "SELECT CHECKSUM_AGG(BINARY_CHECKSUM(*)) FROM dbo.rows") != first
    results(connection, "DROP TABLE dbo.rows")


def test_sessions_and_kill(connection: Any, driver: Driver, sql_server: Address, database: str) -> None:
    other = driver.connect(sql_server, database)
    spid = value(other, "SELECT @@SPID")
    listed = "SELECT login_name, open_transaction_count FROM sys.dm_exec_sessions WHERE session_id = ?"
    results(other, "BEGIN TRAN")
    assert rows(connection, listed, spid) == [(sql_server.user, 1)]
    results(connection, f"KILL {spid}")
    with pytest.raises(Exception, match=r"08S01|HY000|10054|08001|08003"):
        results(other, "SELECT 1")
    refused(connection, "KILL 32000", 6106)


def test_single_user(connection: Any, driver: Driver, sql_server: Address, database: str) -> None:
    other = driver.connect(sql_server)
    results(connection, f"ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    refused(other, f"USE [{database}]", 924)
    with pytest.raises(Exception, match="4060"):
        driver.connect(sql_server, database)
    results(connection, f"ALTER DATABASE [{database}] SET MULTI_USER")
    results(other, f"USE [{database}]")
    refused(other, f"DROP DATABASE [{database}]", 3702)
    other.close()
