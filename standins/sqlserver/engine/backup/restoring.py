"""RESTORE DATABASE and RESTORE LOG."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine.backup import container, failures
from standins.sqlserver.engine.backup.container import BackupSet, Header
from standins.sqlserver.engine.backup.history import record_restore
from standins.sqlserver.engine.backup.options import Options
from standins.sqlserver.engine.backup.progress import PAGE, Progress
from standins.sqlserver.engine.backup.reading import choose, opened, refuse_newer
from standins.sqlserver.engine.database import Database, Settings
from standins.sqlserver.engine.files import remove_database_files, sync_folder
from standins.sqlserver.engine.sqlite import connect

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

STATEMENT = "RESTORE DATABASE"


class Restorer:
    """One RESTORE of a database. Until its last step nothing of it can be seen."""

    def __init__(
        self, session: EngineSession, name: str, path: Path, options: Options, moves: Mapping[str, str], *, log: bool
    ) -> None:
        self._session = session
        self._server = session.server
        self._name = name
        self._path = path
        self._options = options
        self._moves = moves
        self._log = log
        self.statement = "RESTORE LOG" if log else STATEMENT

    def run(self, sink: Sink) -> None:
        position = self._options.number("FILE", 1)
        with opened(self._path, self.statement) as stream:
            sets, _ = container.read_sets(stream)
            found = choose(sets, position, self._path, self.statement)
            existing = self._server.find(self._name)
            self._check_kind(found, existing)
            refuse_newer(found, self._server.product, self.statement)
            settings = self._plan(found.header, existing)
            self._require_exclusive(existing)
            target = Path(settings.path)
            partial = target.with_name(target.name + ".restoring")
            self._server.note_unfinished(partial)
            progress = Progress(self._session, sink, found.trailer.size, self._options.stats, self.statement)
            try:
                with self._session.server.backup_device(self._path):
                    self._extract(stream, found, partial, progress)
                self._install(partial, settings, existing)
            finally:
                remove_database_files(partial)
                self._server.forget_unfinished(partial)
        recovery = settings.state == "ONLINE"
        record_restore(
            self._server,
            settings.name,
            self._session.login,
            found.header,
            replaced=existing is not None,
            recovery=recovery,
        )
        self._say_conversion(found.header, settings, sink)
        progress.finish(
            self.statement, settings.name, (settings.data_name, settings.log_name), found.trailer.size, position
        )
        sink.done(None)

    # --- checks --------------------------------------------------------------------------------------------------

    def _fail(self, *errors: SqlServerError) -> SqlServerError:
        return failures.failed(self.statement, *errors)

    def _check_kind(self, found: BackupSet, existing: Database | None) -> None:
        if self._log:
            self._check_log(found, existing)
        elif found.header.kind != "D":
            text = (
                f'The database "{self._name}" does not exist. RESTORE can only create a database when restoring '
                "either a full backup or a file backup of the primary file."
            )
            raise self._fail(SqlServerError(3118, text, 16, 1))
        elif existing is not None:
            self._check_replace(found.header, existing)

    def _check_log(self, found: BackupSet, existing: Database | None) -> None:
        if found.header.kind != "L":
            text = (
                "This RESTORE statement cannot consume the log backup because the device does not hold one. "
                "Reissue the "
                "statement with a log backup."
            )
            raise self._fail(SqlServerError(3135, text, 16, 1))
        if existing is None or existing.settings.state != "RESTORING":
            text = "The log or differential backup cannot be restored because no files are ready to rollforward."
            raise self._fail(SqlServerError(3117, text, 16, 1))
        restored = int(existing.settings.options.get("RESTORED_LSN", "0"))
        if found.header.first_lsn > restored:
            text = (
                f"The log in this backup set begins at LSN {found.header.first_lsn}, which is too recent to apply "
                "to the "
                "database. An earlier log backup that includes LSN "
                f"{restored} can be restored."
            )
            raise self._fail(SqlServerError(4305, text, 16, 1))
        if found.header.last_lsn <= restored:
            text = (
                f"The log in this backup set terminates at LSN {found.header.last_lsn}, which is too early to apply to "
                f"the database. A more recent log backup that includes LSN {restored} can be restored."
            )
            raise self._fail(SqlServerError(4326, text, 16, 1))

    def _check_replace(self, header: Header, existing: Database) -> None:
        if "REPLACE" in self._options or existing.settings.state == "RESTORING":
            return
        if existing.settings.family_guid != header.family_guid:
            text = f"The backup set holds a backup of a database other than the existing '{existing.name}' database."
            raise self._fail(SqlServerError(3154, text, 16, 4))
        if existing.settings.recovery != "SIMPLE" and "LOG_CHAIN" in existing.settings.options:
            text = (
                f'The tail of the log for the database "{existing.name}" has not been backed up. Use BACKUP LOG WITH '
                "NORECOVERY to backup the log if it contains work you do not want to lose. Use the WITH REPLACE "
                "or WITH "
                "STOPAT clause of the RESTORE statement to just overwrite the contents of the log."
            )
            raise self._fail(SqlServerError(3159, text, 16, 1))

    def _require_exclusive(self, existing: Database | None) -> None:
        if existing is None:
            return
        session = self._session
        if session.current is existing:
            text = (
                f"RESTORE cannot process database '{existing.name}' because it is in use by this session. It is "
                "recommended that the master database be used when performing this operation."
            )
            raise self._fail(SqlServerError(3102, text, 16, 1))
        session.link.keep_only(session.current)
        if self._server.users_of(existing, session):
            text = "Exclusive access could not be obtained because the database is in use."
            raise self._fail(SqlServerError(3101, text, 16, 1))

    # --- where it goes -------------------------------------------------------------------------------------------

    def _plan(self, header: Header, existing: Database | None) -> Settings:
        data, log = header.files[0], header.files[1]
        known = {item.logical_name.lower() for item in header.files}
        for name in self._moves:
            if name not in known:
                text = (
                    f"Logical file '{name}' is not part of database '{self._name}'. Use RESTORE FILELISTONLY to "
                    "list the "
                    "logical file names."
                )
                raise self._fail(SqlServerError(3234, text, 16, 2))
        if existing is not None:
            base = existing.settings
            data_path = self._moves.get(data.logical_name.lower(), str(existing.path))
            log_path = self._moves.get(log.logical_name.lower(), base.log_path)
            number, created = base.database_id, base.created
        else:
            data_path = self._moves.get(data.logical_name.lower(), self._default(data.physical_name))
            log_path = self._moves.get(log.logical_name.lower(), self._default(log.physical_name))
            number, created = self._server.next_database_id(), header.created
        self._check_file(data.logical_name, Path(data_path), existing)
        self._check_file(log.logical_name, Path(log_path), existing, log=True)
        return Settings(
            number, existing.name if existing is not None else self._name, data_path, log_path, created,
            header.collation,
            header.compatibility_level, header.recovery, read_only=header.read_only,
            read_committed_snapshot=header.read_committed_snapshot, snapshot_isolation=header.snapshot_isolation,
            state="RESTORING" if "NORECOVERY" in self._options else "ONLINE", family_guid=header.family_guid,
            data_name=data.logical_name, log_name=log.logical_name,
            owner=existing.settings.owner if existing is not None else self._session.login,
            options={"RESTORED_LSN": str(header.last_lsn), "LSN": str(header.last_lsn)},
        )  # fmt: skip

    def _default(self, original: str) -> str:
        """A file goes back to where it was; if that folder is not there, into the data folder."""
        path = Path(original)
        return original if path.parent.is_dir() else str(self._server.root / path.name)

    def _check_file(self, logical: str, path: Path, existing: Database | None, *, log: bool = False) -> None:
        plan = SqlServerError(
            3119,
            "Problems were identified while planning for the RESTORE statement. Previous messages provide details.",
            16,
            1,
        )
        move = SqlServerError(
            3156,
            f"File '{logical}' cannot be restored to '{path}'. Use WITH MOVE to identify a valid location for the "
            "file.",
            16,
            1,
        )
        try:
            self._server.check_path(path, existing)
        except SqlServerError as error:
            raise self._fail(error, move, plan) from None
        for database in self._server.all_databases():
            if log and database is not existing and Path(database.settings.log_path) == path:
                text = f"The file '{path}' cannot be overwritten.  It is being used by database '{database.name}'."
                raise self._fail(SqlServerError(1834, text, 16, 1), move, plan)
        own = existing is not None and path in (existing.path, Path(existing.settings.log_path))
        if path.exists() and not own and "REPLACE" not in self._options:
            text = (
                f'File "{path}" cannot be restored over the existing "{path}". Reissue the RESTORE statement using '
                "WITH REPLACE to overwrite pre-existing files, or WITH MOVE to identify an alternate location."
            )
            raise self._fail(SqlServerError(3142, text, 16, 1), plan)

    # --- the work ------------------------------------------------------------------------------------------------

    def _extract(self, stream: container.BinaryIO, found: BackupSet, partial: Path, progress: Progress) -> None:
        """The database's bytes into a file beside its place, all of them checked."""
        done = 0
        try:
            with partial.open("wb") as out:
                for data in container.read_data(stream, found):
                    out.write(data)
                    done += len(data)
                    progress.at(done)
                out.flush()
                os.fsync(out.fileno())
        except container.TruncatedSet:
            raise
        except container.DamagedSet as error:
            raise self._fail(failures.bad_page(error.offset // PAGE, found.header.database)) from None
        except OSError as error:
            text = f'Write on "{partial.with_suffix("")}" failed: {failures.system_error(error)}'
            raise self._fail(SqlServerError(3202, text, 16, 2)) from None

    def _install(self, partial: Path, settings: Settings, existing: Database | None) -> None:
        """Put the file in its place and make the database visible: the old one stays until the last moment."""
        probe = Database(replace(settings, path=str(partial)), self._server.root)
        try:
            probe.load()
        except (apsw.Error, ValueError):
            raise self._fail(failures.damaged()) from None
        for suffix in ("-wal", "-shm"):
            Path(f"{partial}{suffix}").unlink(missing_ok=True)
        target = Path(settings.path)
        if existing is not None:
            self._settle(existing)
        for suffix in ("-wal", "-shm"):
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        partial.replace(target)
        sync_folder(target.parent)
        Path(settings.log_path).touch()
        database = Database(settings, self._server.root)
        database.model, database.identities, database.rowversion = probe.model, probe.identities, probe.rowversion
        self._server.adopt(database)
        if existing is not None:
            self._remove_old(existing, database)

    @staticmethod
    def _settle(existing: Database) -> None:
        """Fold the write-ahead log into the old file: a crash before the exchange must not lose what it held."""
        if not existing.path.exists():
            return
        try:
            connection = connect(str(existing.path))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.close()
        except apsw.Error:  # the old file may be damaged: that can be why it is being replaced
            return

    @staticmethod
    def _remove_old(existing: Database, database: Database) -> None:
        if existing.path != database.path:
            remove_database_files(existing.path)
        if existing.settings.log_path != database.settings.log_path:
            Path(existing.settings.log_path).unlink(missing_ok=True)

    def _say_conversion(self, header: Header, settings: Settings, sink: Sink) -> None:
        ours = self._server.product.database_version
        if header.database_version < ours:
            text = (
                f"Converting database '{settings.name}' from version {header.database_version} to the current "
                f"version {ours}."
            )
            sink.info(SqlServerError(0, text, 0, 1))


def recover(session: EngineSession, name: str, sink: Sink) -> None:
    """RESTORE DATABASE name WITH RECOVERY: end a sequence that used NORECOVERY."""
    database = session.server.find(name)
    if database is None or database.settings.state != "RESTORING":
        text = (
            "The database cannot be recovered because the log was not restored."
            if database is None
            else f"The database '{name}' is not in the middle of a restore sequence."
        )
        raise failures.failed(STATEMENT, SqlServerError(4333, text, 16, 1))
    database.load()
    database.settings.state = "ONLINE"
    session.server.save()
    sink.info(
        SqlServerError(3014, "RESTORE DATABASE successfully processed 0 pages in 0.001 seconds (0.000 MB/sec).", 0, 1)
    )
    sink.done(None)
