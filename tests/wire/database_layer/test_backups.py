"""Backups are taken, proven by restoring them, and restored as new databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, MainInstanceProtected, ProvisioningFailed, SqlServerFailure
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import SharedFolder
from tidegate.sqlserver.backup import (
    back_up_database,
    described_backup,
    read_header,
    verify_backup,
)
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.reaper import owned_databases, reap_databases
from tidegate.sqlserver.restore import drop_database, restore_database

Report = Callable[[str], None]


def nothing(_: str) -> None:
    """A report that nobody reads."""


@pytest.fixture
def source(database: SqlServer) -> SqlServer:
    database.execute("CREATE TABLE Project (Id nvarchar(50) NOT NULL PRIMARY KEY, JSON nvarchar(max) NULL)")
    database.execute("CREATE TABLE Mutex (Id nvarchar(450) NOT NULL PRIMARY KEY)")
    for number in range(50):
        database.execute("INSERT INTO Project VALUES (?, ?)", f"Projects-{number}", '{"Name":"é"}')
    return database


def backed_up(host: SqlServerHost, source: SqlServer, report: Report = nothing) -> SharedFolder:
    return back_up_database(
        source, source.database, host.backups, f"{source.database}.bak", copy_only=True, report=report
    )


def names(server: SqlServer) -> set[str]:
    return {str(name) for (name,) in server.rows("SELECT name FROM sys.databases")}


def test_a_backup_is_verified_by_restoring_it_and_leaves_nothing(host: SqlServerHost, source: SqlServer) -> None:
    notes: list[str] = []
    file = backed_up(host, source, notes.append)
    scratch = OwnedDatabase.make("verify").name
    before = names(source)

    verification = verify_backup(
        source,
        file.on_server,
        scratch=scratch,
        data_folder=host.data_folder,
        expected=count_rows(source),
        report=notes.append,
    )

    assert verification.row_counts == {"dbo.Mutex": 0, "dbo.Project": 50}
    assert verification.header.database == source.database
    assert verification.header.checksums
    assert verification.header.copy_only
    assert names(source) == before
    assert any(note.endswith("100 %") and note.startswith("backing up") for note in notes)
    assert any(note.startswith("restoring") for note in notes)


def test_the_described_backup_carries_the_digest_of_its_file(host: SqlServerHost, source: SqlServer) -> None:
    file = backed_up(host, source)
    verification = verify_backup(
        source,
        file.on_server,
        scratch=OwnedDatabase.make("verify").name,
        data_folder=host.data_folder,
        expected=None,
        report=nothing,
    )
    moment = datetime.now(UTC)

    described = described_backup(file, verification, finished=moment, source=source.database)

    assert described.sha256 == sha256_of(file.here)
    assert (described.size, described.finished) == (file.here.stat().st_size, moment)
    with pytest.raises(ProvisioningFailed, match="holds database"):
        described_backup(file, verification, finished=moment, source="AnotherDatabase")


def test_other_row_counts_than_the_source_s_are_named(host: SqlServerHost, source: SqlServer) -> None:
    file = backed_up(host, source)
    scratch = OwnedDatabase.make("verify").name

    with pytest.raises(ProvisioningFailed, match=r"dbo\.Project: 51 → 50"):
        verify_backup(
            source,
            file.on_server,
            scratch=scratch,
            data_folder=host.data_folder,
            expected={"dbo.Project": 51, "dbo.Mutex": 7},
            report=nothing,
        )

    assert scratch not in names(source)


def test_a_damaged_backup_is_not_accepted(host: SqlServerHost, source: SqlServer) -> None:
    file = backed_up(host, source)
    content = bytearray(file.here.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    file.here.write_bytes(content)
    scratch = OwnedDatabase.make("verify").name

    with pytest.raises((SqlServerFailure, ProvisioningFailed)):
        verify_backup(
            source,
            file.on_server,
            scratch=scratch,
            data_folder=host.data_folder,
            expected=None,
            report=nothing,
        )

    assert scratch not in names(source)


def test_a_backup_without_checksums_is_not_accepted(host: SqlServerHost, source: SqlServer) -> None:
    file = host.backups.here / f"{source.database}-plain.bak"
    source.execute(f"BACKUP DATABASE [{source.database}] TO DISK = N'{file}' WITH FORMAT, NO_CHECKSUM")

    with pytest.raises(ProvisioningFailed, match="no page checksums"):
        verify_backup(
            source,
            str(file),
            scratch=OwnedDatabase.make("verify").name,
            data_folder=host.data_folder,
            expected=None,
            report=nothing,
        )


def test_a_backup_never_overwrites_another(host: SqlServerHost, source: SqlServer) -> None:
    file = backed_up(host, source)
    digest = sha256_of(file.here)

    with pytest.raises(ProvisioningFailed, match="exists already"):
        backed_up(host, source)

    assert sha256_of(file.here) == digest


def test_a_folder_that_the_harness_cannot_see_is_told_with_the_setting(host: SqlServerHost, source: SqlServer) -> None:
    elsewhere = SharedFolder(host.backups.on_server, host.backups.here / "not the same folder")

    with pytest.raises(HarnessError, match="does not find it"):
        back_up_database(source, source.database, elsewhere, f"{source.database}-x.bak", copy_only=True, report=nothing)


def test_a_clone_is_a_database_of_its_own(host: SqlServerHost, source: SqlServer) -> None:
    file = backed_up(host, source)
    clone = OwnedDatabase.make("clone").name
    with SqlServer(host.address) as server:
        try:
            restore_database(server, file.on_server, clone, host.data_folder, report=nothing)
            with SqlServer(host.address, clone) as restored:
                restored.execute("DELETE FROM Project WHERE Id = 'Projects-1'")
                assert count_rows(restored)["dbo.Project"] == 49
            assert count_rows(source)["dbo.Project"] == 50
        finally:
            drop_database(server, clone)


def test_nothing_that_exists_is_ever_replaced(
    host: SqlServerHost, source: SqlServer, new_database: Callable[[], str]
) -> None:
    file = backed_up(host, source)
    existing = new_database()
    with SqlServer(host.address) as server:
        with pytest.raises(ProvisioningFailed, match="exists already"):
            restore_database(server, file.on_server, existing, host.data_folder, report=nothing)
        assert existing in names(server)


def test_a_database_is_dropped_though_somebody_uses_it(host: SqlServerHost, new_database: Callable[[], str]) -> None:
    name = new_database()
    with SqlServer(host.address, name) as busy, SqlServer(host.address) as server:
        busy.value("SELECT 1")
        assert drop_database(server, name)
        assert not drop_database(server, name)
        assert name not in names(server)


def test_only_expired_databases_of_rehearsals_are_reaped(host: SqlServerHost, new_database: Callable[[], str]) -> None:
    kept = new_database()
    expired = OwnedDatabase.make("clone", "deadrun", lifetime=timedelta(minutes=-5))
    stranger = f"not_ours_{OwnedDatabase.make('x').run}"
    with SqlServer(host.address) as server:
        server.execute(f"CREATE DATABASE [{expired.name}]")
        server.execute(f"CREATE DATABASE [{stranger}]")
        try:
            assert expired in owned_databases(server)
            assert expired in reap_databases(server, datetime.now(UTC), nothing)
            assert expired.name not in names(server)
            assert {kept, stranger} <= names(server)
        finally:
            server.execute(f"DROP DATABASE [{stranger}]")


@pytest.mark.parametrize("name", ["OctopusDeploy", "tidegate", "tidegate_run_clone_20260101", "master"])
def test_a_database_that_no_rehearsal_made_is_never_dropped(host: SqlServerHost, name: str) -> None:
    with SqlServer(host.address) as server:
        before = names(server)
        with pytest.raises(MainInstanceProtected, match=name):
            drop_database(server, name)
        assert names(server) == before


def test_a_file_that_is_no_backup_is_named_with_sql_servers_number(host: SqlServerHost) -> None:
    with SqlServer(host.address) as server, pytest.raises(SqlServerFailure) as error:
        read_header(server, str(host.backups.here / "nothing.bak"))

    assert error.value.number == 3201
