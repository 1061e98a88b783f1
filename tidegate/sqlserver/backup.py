"""Back up a database, and prove that the backup can be restored: only a restored backup is one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, ProvisioningFailed, SqlServerFailure
from tidegate.rehearsal.instances import DatabaseBackup, SharedFolder
from tidegate.sqlserver.connection import SqlServer, literal, quoted
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.progress import percentages
from tidegate.sqlserver.restore import drop_database, restore_database

#: Rows of these tables come and go while nobody works: heartbeats, locks, leases (Octopus: OctopusServerNodeStatus,
#: Mutex, WorkerTaskLease; SQL column names in OctopusDeploy/Issues). Their counts prove nothing about a backup.
VOLATILE_TABLES: Final = frozenset(
    {"dbo.Mutex", "dbo.Lease", "dbo.OctopusServerNodeStatus", "dbo.WorkerTaskLease", "dbo.HalibutMessageQueueItem"}
)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """What RESTORE HEADERONLY says about the only backup set in a file."""

    database: str
    finished: datetime
    first_lsn: str
    checksums: bool
    damaged: bool
    copy_only: bool
    compatibility_level: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What a restored backup held."""

    header: BackupHeader
    row_counts: Mapping[str, int]


def back_up_database(
    server: SqlServer, database: str, folder: SharedFolder, name: str, *, copy_only: bool, report: Report
) -> SharedFolder:
    """Write `name` (a file name) into ``folder`` and return the file under both its names.

    ``copy_only`` leaves the differential base and the log chain of the organisation's own backups alone. The file must
    not exist: a backup never overwrites another.
    """
    file = SharedFolder(join_on_server(folder.on_server, name), folder.here / name)
    if file.here.exists():
        raise ProvisioningFailed("a backup file of this name exists already", where=str(file.here))
    options = ["CHECKSUM", "FORMAT", "INIT", "STATS = 5", *(["COPY_ONLY"] if copy_only else [])]
    server.execute(
        f"BACKUP DATABASE {quoted(database)} TO DISK = {literal(file.on_server)} WITH {', '.join(options)}",
        messages=percentages(f"backing up {database}", report),
    )
    if not file.here.is_file():
        raise HarnessError(
            f"SQL Server wrote {file.on_server}, but the harness does not find it as {file.here}",
            where="[main.backup_folder]",
            next_step="give the folder's name on this machine in `here`; both names must lead to the same folder",
        )
    if not os.access(file.here, os.R_OK):
        # SQL Server on Linux writes backups that only its own user and group may read.
        raise HarnessError(
            "SQL Server wrote the backup, but this user may not read it",
            where=str(file.here),
            next_step="add this user to the group that owns the file, or give the folder a default access list",
        )
    return file


def read_header(server: SqlServer, file_on_server: str) -> BackupHeader:
    """The header of the file's only backup set; raises :class:`ProvisioningFailed` when there are several or none."""
    rows = server.table(f"RESTORE HEADERONLY FROM DISK = {literal(file_on_server)}")
    if len(rows) != 1:
        raise ProvisioningFailed(f"the file holds {len(rows)} backup sets, expected one", where=file_on_server)
    row = rows[0]
    finished: Any = row["BackupFinishDate"]
    return BackupHeader(
        database=str(row["DatabaseName"]),
        # SQL Server writes its own local time without an offset; a backup's own clock is all it can say.
        finished=finished if isinstance(finished, datetime) else datetime.fromisoformat(str(finished)),
        first_lsn=str(row.get("FirstLSN") or ""),
        checksums=bool(row.get("HasBackupChecksums")),
        damaged=bool(row.get("IsDamaged")),
        copy_only=bool(row.get("IsCopyOnly")),
        compatibility_level=int(row.get("CompatibilityLevel") or 0),
    )


def verify_backup(
    server: SqlServer,
    file_on_server: str,
    *,
    scratch: str,
    data_folder: str,
    expected: Mapping[str, int] | None,
    report: Report,
) -> Verification:
    """Do what a careful administrator does: read the header, VERIFYONLY, restore under the name ``scratch``, DBCC
    CHECKDB, compare row counts. The scratch database is gone afterwards, whatever happens.

    ``expected`` are row counts of the source; volatile tables are left out. Raises :class:`ProvisioningFailed`
    with every difference.
    """
    header = read_header(server, file_on_server)
    if not header.checksums or header.damaged:
        raise ProvisioningFailed(
            "the backup has no page checksums" if not header.checksums else "SQL Server calls the backup damaged",
            where=file_on_server,
        )
    report("verifying the backup's checksums")
    server.execute(f"RESTORE VERIFYONLY FROM DISK = {literal(file_on_server)} WITH CHECKSUM")
    with scratch_database(server, scratch):
        restore_database(server, file_on_server, scratch, data_folder, report=report)
        report("checking the restored copy (DBCC CHECKDB)")
        check_database(server, scratch)
        with server.using(scratch):
            counts = count_rows(server)
    if expected is not None:
        _compare(expected, counts, file_on_server)
    return Verification(header, counts)


def check_database(server: SqlServer, database: str) -> None:
    """DBCC CHECKDB; raises :class:`ProvisioningFailed` with what it complains about."""
    complaints: list[str] = []
    try:
        server.execute(f"DBCC CHECKDB ({quoted(database)}) WITH NO_INFOMSGS", messages=complaints.append)
    except SqlServerFailure as error:
        complaints.append(error.what)
    if complaints:
        raise ProvisioningFailed(
            "DBCC CHECKDB complains about the restored backup: " + "; ".join(complaints[:5]), where=database
        )


@contextmanager
def scratch_database(server: SqlServer, name: str) -> Generator[None]:
    """A name that is free before and free afterwards."""
    if server.value("SELECT DB_ID(?)", name) is not None:
        raise ProvisioningFailed(f"a database {name} exists already", where=server.address.server)
    try:
        yield
    finally:
        drop_database(server, name)


def described_backup(
    file: SharedFolder, verification: Verification, *, finished: datetime, source: str
) -> DatabaseBackup:
    """The backup as a value; its digest is computed here, from the file as it lies."""
    header = verification.header
    if header.database.lower() != source.lower():
        raise ProvisioningFailed(f"the file holds database {header.database}, expected {source}", where=str(file.here))
    return DatabaseBackup(
        file=file,
        sha256=sha256_of(file.here),
        size=file.here.stat().st_size,
        database=header.database,
        finished=finished,
        first_lsn=header.first_lsn,
        row_counts=dict(verification.row_counts),
    )


def join_on_server(folder: str, name: str) -> str:
    """``folder/name`` in the path style of the SQL Server's machine, which need not be this one's."""
    windows = "\\" in folder or re.match(r"[A-Za-z]:", folder) is not None
    return str(PureWindowsPath(folder, name) if windows else PurePosixPath(folder, name))


def _compare(expected: Mapping[str, int], found: Mapping[str, int], where: str) -> None:
    differences = [
        f"{table}: {expected[table]} → {found.get(table, 'absent')}"
        for table in sorted(expected.keys() - VOLATILE_TABLES)
        if expected[table] != found.get(table)
    ]
    if differences:
        raise ProvisioningFailed(
            f"the restored backup has other row counts than the source: {'; '.join(differences[:10])}",
            where=where,
            next_step="something wrote to the source during the backup; keep maintenance mode on and repeat it",
        )
