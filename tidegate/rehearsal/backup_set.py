"""Take everything a rollback of the main instance needs, in the order of Octopus's guide, and prove that it works."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.master_key import MasterKey, prove_master_key
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.folders import copy_folder
from tidegate.rehearsal.instances import BackupSet, FileEntry, MainInstance, MainMark, SharedFolder
from tidegate.rehearsal.main_mark import read_mark
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.timing import BACKING_UP, COPYING, StepClock
from tidegate.sqlserver.backup import (
    Verification,
    back_up_database,
    described_backup,
    join_on_server,
    verify_backup,
)
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import default_data_folder
from tidegate.sqlserver.secrets_at_rest import sample_encrypted_values

Report = Callable[[str], None]
#: The description of the set, beside the copied folders. It names secrets by reference only.
DESCRIPTION = "backup-set.json"


def take_backup_set(
    main: MainInstance,
    writes: MainWrites,
    folder: Path,
    report: Report,
    *,
    verify_on: SqlServerHost | None = None,
    run: str = "",
) -> BackupSet:
    """Prove the master key, then: maintenance mode on, back up the database, copy the folders, maintenance mode off
    (Octopus docs, administration/upgrading/guide/creating-test-instance), then verify by restoring.

    The restore happens on ``verify_on``; without it on the main instance's own SQL Server, under a scratch name that
    tells the ``run``. A wrong master key raises :class:`tidegate.errors.Refused` before anything is touched.
    """
    taken = datetime.now(UTC)
    report("proving the master key")
    key_proof = prove_key_of(main)
    name = f"{main.database.name}-{taken:%Y%m%dT%H%M%S.%fZ}.bak"
    clock = StepClock(report)
    with SqlServer(main.database.server, main.database.name) as server:
        with writes.maintenance_mode():
            mark = _mark(main, server)  # before the backup: what happens later counts as not rehearsed
            counts = count_rows(server)
            with clock.step(BACKING_UP):
                file = _back_up(main, writes, server, name, report)
            with clock.step(COPYING):
                manifests = _copy_folders(main, folder, report)
            # Rows that moved while the backup ran prove nothing about it; rows that stood still must be in it.
            after = count_rows(server)
            still = {table: rows for table, rows in counts.items() if after.get(table) == rows}
        finished = datetime.now(UTC)
        scratch = OwnedDatabase.make("verify", run).name
        verification = _verify(writes, server, file, scratch, expected=still, report=report, verify_on=verify_on)
    backup_set = BackupSet(
        folder=folder,
        version=main.version,
        database=described_backup(file, verification, source=main.database.name, finished=finished),
        manifests=manifests,
        master_key=main.master_key,
        license=main.license,
        key_proof=key_proof,
        taken=taken,
        mark=mark,
        timings=clock.timings,
    )
    _describe(backup_set)
    return backup_set


def _mark(main: MainInstance, server: SqlServer) -> MainMark:
    with OctopusClient(main.url, main.api_key, access=Access.READ_ONLY) as client:
        return read_mark(client, server)


def prove_key_of(main: MainInstance) -> str:
    """A sentence about which secrets of its database the main instance's master key opens; raises
    :class:`tidegate.errors.Refused` when it is not the key of this database."""
    key = MasterKey(main.master_key)
    with SqlServer(main.database.server, main.database.name) as server:
        return prove_master_key(
            key, sample_encrypted_values(server), f"{main.database.server.server}, database {main.database.name}"
        )


def _back_up(main: MainInstance, writes: MainWrites, server: SqlServer, name: str, report: Report) -> SharedFolder:
    with writes.backup_file(main.backup_folder.here / name):
        # COPY_ONLY: the organisation's own differential and log backups go on as if nothing had happened.
        return back_up_database(server, main.database.name, main.backup_folder, name, copy_only=True, report=report)


def _copy_folders(main: MainInstance, folder: Path, report: Report) -> dict[str, tuple[FileEntry, ...]]:
    return {name: copy_folder(source, folder / name, report) for name, source in main.folders.named().items()}


def _verify(
    writes: MainWrites,
    server: SqlServer,
    file: SharedFolder,
    scratch: str,
    *,
    expected: dict[str, int],
    report: Report,
    verify_on: SqlServerHost | None,
) -> Verification:
    with server.using("master"):
        if verify_on is None:
            with writes.scratch_database(scratch):
                return verify_backup(
                    server,
                    file.on_server,
                    scratch=scratch,
                    data_folder=default_data_folder(server),
                    expected=expected,
                    report=report,
                )
    brought = bring_backup(file, verify_on)
    with SqlServer(verify_on.address) as other:
        return verify_backup(
            other,
            brought.on_server,
            scratch=scratch,
            data_folder=verify_on.data_folder,
            expected=expected,
            report=report,
        )


def bring_backup(file: SharedFolder, host: SqlServerHost) -> SharedFolder:
    """The backup file where another SQL Server can read it; copied only when it is not there yet."""
    target = host.backups.here / file.here.name
    if not (target.exists() and (target.samefile(file.here) or _looks_like(target, file.here))):
        shutil.copy2(file.here, target)
        # SQL Server reads it as a user of its own, which shares a group with this one at best.
        target.chmod(target.stat().st_mode | stat.S_IRGRP)
    return SharedFolder(join_on_server(host.backups.on_server, file.here.name), target)


def _looks_like(copy: Path, original: Path) -> bool:
    """Size and time are enough to spare a copy; whoever restores it compares digests."""
    one, other = copy.stat(), original.stat()
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _describe(backup_set: BackupSet) -> None:
    description = {
        "version": str(backup_set.version),
        "taken": backup_set.taken.isoformat(),
        "database": {
            "name": backup_set.database.database,
            "file": backup_set.database.file.on_server,
            "sha256": backup_set.database.sha256,
            "size": backup_set.database.size,
            "firstLsn": backup_set.database.first_lsn,
            "finished": backup_set.database.finished.isoformat(),
            "rowCounts": backup_set.database.row_counts,
        },
        "masterKey": backup_set.master_key.reference,
        "keyProof": backup_set.key_proof,
        "license": backup_set.license.reference if backup_set.license else None,
        "folders": {name: [asdict(entry) for entry in entries] for name, entries in backup_set.manifests.items()},
    }
    backup_set.folder.mkdir(parents=True, exist_ok=True)
    (backup_set.folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")
