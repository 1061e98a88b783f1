"""BACKUP and RESTORE: every form the harness uses, and every refusal it relies on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import messages, refused, results, rows, value
from tests.wire.sqlserver.drivers import MICROSOFT, Address, Driver, each

pytestmark = each(MICROSOFT)


@pytest.fixture
def filled(master: Any) -> Iterator[str]:
    name = f"backup_{uuid.uuid4().hex[:10]}"
    results(master, f"CREATE DATABASE [{name}]")
    results(master, f"CREATE TABLE [{name}].dbo.t (id int IDENTITY PRIMARY KEY, v nvarchar(50), r rowversion)")
    results(master, f"INSERT [{name}].dbo.t (v) VALUES ('a'), ('b'), ('c')")
    yield name
    for database in (name, f"{name}_copy"):
        if value(master, "SELECT DB_ID(?)", database) is not None:
            results(master, f"DROP DATABASE [{database}]")


@pytest.fixture
def file(request: pytest.FixtureRequest, master: Any, tmp_path: Path) -> Path:
    """A file that the server can write: on its own machine, which may be another one."""
    if request.config.getoption("--sql-server") == "standin":
        return tmp_path / "x.bak"
    folder = value(master, "SELECT CAST(SERVERPROPERTY('InstanceDefaultBackupPath') AS nvarchar(400))")
    return Path(str(folder)) / f"contract-{uuid.uuid4().hex[:10]}.bak"


def copy(name: str, file: Path, *options: str) -> str:
    folder = file.parent
    moves = f"MOVE '{name}' TO N'{folder}/copy.mdf', MOVE '{name}_log' TO N'{folder}/copy.ldf'"
    return f"RESTORE DATABASE [{name}_copy] FROM DISK = N'{file}' WITH {', '.join([moves, *options])}"


def records(connection: Any, statement: str) -> list[dict[str, Any]]:
    cursor = connection.cursor()
    cursor.execute(statement)
    names = [column[0] for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    cursor.close()
    return found


def test_there_and_back(master: Any, filled: str, file: Path) -> None:
    options = "COPY_ONLY, CHECKSUM, FORMAT, INIT, COMPRESSION, STATS = 25, NAME = N'nightly'"
    said = messages(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH {options}")
    assert any("50 percent processed" in text for text in said)
    assert any("BACKUP DATABASE successfully processed" in text for text in said)
    assert any(
        "is valid" in text for text in messages(master, f"RESTORE VERIFYONLY FROM DISK = N'{file}' WITH CHECKSUM")
    )
    results(master, f"INSERT [{filled}].dbo.t (v) VALUES ('later')")
    results(master, copy(filled, file, "CHECKSUM", "RECOVERY", "STATS = 10"))
    assert rows(master, f"SELECT id, v FROM [{filled}_copy].dbo.t") == [(1, "a"), (2, "b"), (3, "c")]
    inserted = rows(master, f"INSERT [{filled}_copy].dbo.t (v) OUTPUT inserted.id, inserted.r VALUES ('d')")
    assert inserted[0][0] == 4
    assert inserted[0][1] == value(master, f"SELECT MAX(r) FROM [{filled}_copy].dbo.t")
    results(master, f"DBCC CHECKDB ([{filled}_copy]) WITH NO_INFOMSGS")


def test_what_a_backup_tells_about_itself(master: Any, filled: str, file: Path) -> None:
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH COPY_ONLY, CHECKSUM, NAME = N'one'")
    (header,) = records(master, f"RESTORE HEADERONLY FROM DISK = N'{file}'")
    assert (header["BackupName"], header["BackupType"], header["DatabaseName"]) == ("one", 1, filled)
    assert (header["IsCopyOnly"], header["HasBackupChecksums"], header["Compressed"]) == (True, True, 0)
    assert header["CompatibilityLevel"] == value(
        master, "SELECT compatibility_level FROM sys.databases WHERE name = ?", filled
    )
    data, log = records(master, f"RESTORE FILELISTONLY FROM DISK = N'{file}'")
    assert [(item["LogicalName"], item["Type"]) for item in (data, log)] == [(filled, "D"), (f"{filled}_log", "L")]
    (label,) = records(master, f"RESTORE LABELONLY FROM DISK = N'{file}'")
    assert label["FamilyCount"] == 1
    history = (
        "SELECT TOP 1 name, type, is_copy_only FROM msdb.dbo.backupset WHERE database_name = ? ORDER BY "
        "backup_set_id DESC"
    )
    assert rows(master, history, filled) == [("one", "D", True)]


def test_several_backups_in_one_file(master: Any, filled: str, file: Path) -> None:
    for label in ("first", "second"):
        results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH NOINIT, NAME = N'{label}'")
        results(master, f"DELETE [{filled}].dbo.t WHERE id = 1")
    headers = records(master, f"RESTORE HEADERONLY FROM DISK = N'{file}'")
    assert [(item["Position"], item["BackupName"]) for item in headers] == [(1, "first"), (2, "second")]
    results(master, copy(filled, file, "FILE = 2"))
    assert value(master, f"SELECT COUNT(*) FROM [{filled}_copy].dbo.t") == 2
    refused(master, copy(filled, file, "FILE = 3", "REPLACE"), 4038)
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH INIT")
    assert len(records(master, f"RESTORE HEADERONLY FROM DISK = N'{file}'")) == 1


def test_restoring_over_a_database(master: Any, driver: Driver, sql_server: Address, filled: str, file: Path) -> None:
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}'")
    results(master, f"DELETE [{filled}].dbo.t")
    refused(master, f"RESTORE DATABASE [{filled}] FROM DISK = N'{file}'", 3159)
    other = driver.connect(sql_server, filled)
    refused(master, f"RESTORE DATABASE [{filled}] FROM DISK = N'{file}' WITH REPLACE", 3101)
    refused(other, f"RESTORE DATABASE [{filled}] FROM DISK = N'{file}' WITH REPLACE", 3102)
    other.close()
    results(master, f"ALTER DATABASE [{filled}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    results(master, f"RESTORE DATABASE [{filled}] FROM DISK = N'{file}' WITH REPLACE")
    assert value(master, f"SELECT COUNT(*) FROM [{filled}].dbo.t") == 3
    results(master, f"CREATE DATABASE [{filled}_copy]")
    refused(master, f"RESTORE DATABASE [{filled}_copy] FROM DISK = N'{file}'", 3154)


def test_restores_that_cannot_work(master: Any, filled: str, file: Path) -> None:
    refused(master, f"RESTORE VERIFYONLY FROM DISK = N'{file}'", 3201)
    refused(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file.parent}/no/such/folder/x.bak'", 3201)
    refused(master, f"BACKUP DATABASE no_such_database TO DISK = N'{file}'", 911)
    refused(master, f"BEGIN TRAN; BACKUP DATABASE [{filled}] TO DISK = N'{file}'", 3021)
    results(master, "IF @@TRANCOUNT > 0 ROLLBACK")
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}'")
    refused(master, f"RESTORE DATABASE x FROM DISK = N'{file}' WITH MOVE 'nothing' TO N'{file.parent}/a.mdf'", 3234)
    refused(master, f"RESTORE DATABASE [{filled}_copy] FROM DISK = N'{file}'", 1834)


def test_files_of_somebody_else_are_left_alone(master: Any, filled: str, file: Path) -> None:
    if not file.parent.is_dir():
        pytest.skip("the server's files are on another machine")
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}'")
    occupied = file.parent / "copy.mdf"
    occupied.write_bytes(b"mine")
    refused(master, copy(filled, file), 3142)
    assert occupied.read_bytes() == b"mine"
    file.write_bytes(b"no backup at all")
    refused(master, f"RESTORE HEADERONLY FROM DISK = N'{file}'", 3241)
    refused(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH NOINIT", 3241)
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}' WITH FORMAT")


def test_log_backups(master: Any, filled: str, file: Path) -> None:
    log = file.with_name("x.trn")
    results(master, f"ALTER DATABASE [{filled}] SET RECOVERY SIMPLE")
    refused(master, f"BACKUP LOG [{filled}] TO DISK = N'{log}'", 4208)
    results(master, f"ALTER DATABASE [{filled}] SET RECOVERY FULL")
    refused(master, f"BACKUP LOG [{filled}] TO DISK = N'{log}'", 4214)
    results(master, f"BACKUP DATABASE [{filled}] TO DISK = N'{file}'")
    results(master, f"INSERT [{filled}].dbo.t (v) VALUES ('in the log'); BACKUP LOG [{filled}] TO DISK = N'{log}'")
    results(master, copy(filled, file, "NORECOVERY"))
    refused(master, f"SELECT 1 FROM [{filled}_copy].dbo.t", 927)
    results(master, f"RESTORE LOG [{filled}_copy] FROM DISK = N'{log}' WITH NORECOVERY")
    results(master, f"RESTORE DATABASE [{filled}_copy] WITH RECOVERY")
    assert value(master, f"SELECT COUNT(*) FROM [{filled}_copy].dbo.t") == 4
