"""What the harness does to databases: back up, verify, restore, lock, inspect. Through Microsoft's driver."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT, Address, Driver, each

pytestmark = each(MICROSOFT)


def run(connection: Any, statement: str) -> list[str]:
    """Runs a batch to its end and returns the texts of its messages."""
    cursor = connection.cursor()
    cursor.execute(statement)
    messages: list[tuple[str, str]] = list(cursor.messages or [])
    while cursor.nextset():
        messages += cursor.messages or []
    cursor.close()
    return [text for _, text in messages]


def records(connection: Any, statement: str) -> list[dict[str, Any]]:
    cursor = connection.cursor()
    cursor.execute(statement)
    names = [column[0] for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    cursor.close()
    return found


@pytest.fixture
def filled(master: Any) -> Iterator[str]:
    """A database with a table of 500 rows."""
    name = f"admin_{uuid.uuid4().hex[:10]}"
    run(master, f"CREATE DATABASE [{name}]")
    run(master, f"CREATE TABLE [{name}].dbo.t (id int IDENTITY PRIMARY KEY, name nvarchar(50), v rowversion)")
    run(master, f"INSERT [{name}].dbo.t (name) VALUES " + ", ".join(f"(N'n{i}')" for i in range(500)))
    yield name
    drop(master, name)


def drop(master: Any, name: str) -> None:
    if records(master, f"SELECT name FROM sys.databases WHERE name = N'{name}'"):
        run(master, f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE [{name}]")


def test_a_backup_is_restored_under_another_name_beside_its_source(master: Any, filled: str) -> None:
    clone = f"{filled}_clone"
    messages = run(
        master, f"BACKUP DATABASE [{filled}] TO DISK = N'{filled}.bak' WITH INIT, CHECKSUM, COPY_ONLY, STATS = 10"
    )
    assert any("percent processed" in text for text in messages)
    assert any("BACKUP DATABASE successfully processed" in text for text in messages)

    (header,) = records(master, f"RESTORE HEADERONLY FROM DISK = N'{filled}.bak'")
    assert (header["DatabaseName"], header["BackupType"], header["HasBackupChecksums"]) == (filled, 1, True)
    files = records(master, f"RESTORE FILELISTONLY FROM DISK = N'{filled}.bak'")
    assert [file["Type"] for file in files] == ["D", "L"]
    assert any("valid" in text for text in run(master, f"RESTORE VERIFYONLY FROM DISK = N'{filled}.bak' WITH CHECKSUM"))

    moves = ", ".join(
        f"MOVE N'{file['LogicalName']}' TO N'{file['PhysicalName'].replace(filled, clone)}'" for file in files
    )
    run(master, f"RESTORE DATABASE [{clone}] FROM DISK = N'{filled}.bak' WITH {moves}, RECOVERY, STATS = 5")
    try:
        assert records(master, f"SELECT COUNT(*) AS n, MAX(id) AS last FROM [{clone}].dbo.t") == [
            {"n": 500, "last": 500}
        ]
        run(master, f"INSERT [{clone}].dbo.t (name) VALUES (N'more')")
        assert records(master, f"SELECT COUNT(*) AS n FROM [{filled}].dbo.t") == [{"n": 500}]
    finally:
        drop(master, clone)


def test_restoring_over_a_database_needs_replace(master: Any, filled: str) -> None:
    run(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{filled}.bak' WITH INIT")
    run(master, f"DELETE FROM [{filled}].dbo.t")
    run(master, f"RESTORE DATABASE [{filled}] FROM DISK = N'{filled}.bak' WITH REPLACE")
    assert records(master, f"SELECT COUNT(*) AS n FROM [{filled}].dbo.t") == [{"n": 500}]


def test_a_missing_backup_is_3201(master: Any) -> None:
    with pytest.raises(Exception, match=r"\(3201\)"):
        run(master, "RESTORE HEADERONLY FROM DISK = N'no_such_file.bak'")


def test_single_user_sends_everyone_else_away(master: Any, filled: str, driver: Driver, sql_server: Address) -> None:
    other = driver.connect(sql_server, filled)
    run(master, f"ALTER DATABASE [{filled}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    with pytest.raises(Exception, match=r"08S01|596|[Ll]ink"):
        other.execute("SELECT 1").fetchall()
    run(master, f"USE [{filled}]")
    with pytest.raises(Exception, match=r"924|4060|already open"):
        driver.connect(sql_server, filled)
    run(master, "USE master")
    run(master, f"ALTER DATABASE [{filled}] SET MULTI_USER")
    driver.connect(sql_server, filled).close()


def test_a_database_in_use_cannot_be_dropped(master: Any, filled: str, driver: Driver, sql_server: Address) -> None:
    with driver.connect(sql_server, filled) as other:
        other.execute("SELECT 1").fetchall()
        with pytest.raises(Exception, match=r"\(3702\)"):
            run(master, f"DROP DATABASE [{filled}]")


def test_checkdb_finds_nothing(master: Any, filled: str) -> None:
    run(master, f"DBCC CHECKDB (N'{filled}') WITH NO_INFOMSGS")


def test_the_server_says_what_it_is(master: Any) -> None:
    (about,) = records(
        master,
        "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version, "
        "CAST(SERVERPROPERTY('Collation') AS nvarchar(128)) AS collation, @@VERSION AS text",
    )
    assert int(about["version"].split(".")[0]) >= 12
    assert about["collation"] == "SQL_Latin1_General_CP1_CI_AS"
    assert about["text"].startswith("Microsoft SQL Server")


def test_catalog_views_describe_a_table(master: Any, filled: str) -> None:
    run(master, f"USE [{filled}]")
    columns = records(
        master,
        "SELECT c.name, t.name AS type, c.max_length, c.is_identity, c.is_nullable FROM sys.columns c "
        "JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(N'dbo.t') "
        "ORDER BY c.column_id",
    )
    assert [(c["name"], c["type"], c["max_length"], c["is_identity"]) for c in columns] == [
        ("id", "int", 4, True),
        ("name", "nvarchar", 100, False),
        ("v", "timestamp", 8, False),
    ]
    (key,) = records(master, "SELECT is_primary_key, type_desc FROM sys.indexes WHERE object_id = OBJECT_ID(N'dbo.t')")
    assert (key["is_primary_key"], key["type_desc"]) == (True, "CLUSTERED")
    run(master, "USE master")
