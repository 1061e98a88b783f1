"""The statements BACKUP and RESTORE: options checked, then the work handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.backup import failures
from standins.sqlserver.engine.backup.options import Options, device, name_of
from standins.sqlserver.engine.backup.reading import BackupReader
from standins.sqlserver.engine.backup.restoring import Restorer, recover
from standins.sqlserver.engine.backup.writing import BackupWriter
from standins.sqlserver.engine.database import Database
from standins.sqlserver.tsql import statements
from standins.sqlserver.tsql.errors import unsupported

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class BackupStatements:
    """What the interpreter calls."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    # --- BACKUP --------------------------------------------------------------------------------------------------

    def backup(self, statement: statements.Backup, sink: Sink) -> None:
        kind = "BACKUP LOG" if statement.log else "BACKUP DATABASE"
        self._outside_transaction(kind)
        options = Options(self._session, statement.options, statement.line)
        options.refuse("DIFFERENTIAL", "PASSWORD", "MEDIAPASSWORD", "NO_TRUNCATE", "CONTINUE_AFTER_ERROR")
        if not statement.log:
            options.refuse("NORECOVERY")
        database = self._database(name_of(self._session, statement.database, statement.line), kind)
        path = device(self._session, statement.devices, statement.line)
        if statement.log:
            self._check_log(database)
        writer = BackupWriter(self._session, database, path, options, log=statement.log)
        try:
            writer.run(sink)
        except (apsw.FullError, apsw.IOError) as error:
            full = OSError(28, "no space") if isinstance(error, apsw.FullError) else OSError(5, str(error))
            raise failures.failed(kind, failures.cannot_write(path, full)) from None
        if statement.log and "NORECOVERY" in options:
            self._leave_restoring(database)

    def _outside_transaction(self, kind: str) -> None:
        if self._session.transactions.count:
            text = "Cannot perform a backup or restore operation within a transaction."
            raise failures.failed(kind, SqlServerError(3021, text, 16, 0))

    def _database(self, name: str, kind: str) -> Database:
        database = self._session.server.find(name)
        if database is None:
            raise failures.failed(kind, messages.database_missing(name))
        if database.name.lower() == "tempdb":
            text = "Backup and restore operations are not allowed on database tempdb."
            raise failures.failed(kind, SqlServerError(3147, text, 16, 3))
        try:
            self._session.check_access(database)
        except SqlServerError as error:
            raise failures.failed(kind, error) from None
        return database

    @staticmethod
    def _check_log(database: Database) -> None:
        if database.settings.recovery == "SIMPLE":
            text = (
                "The statement BACKUP LOG is not allowed while the recovery model is SIMPLE. Use BACKUP DATABASE or "
                "change the recovery model using ALTER DATABASE."
            )
            raise failures.failed("BACKUP LOG", SqlServerError(4208, text, 16, 1))
        if "LOG_CHAIN" not in database.settings.options:
            text = "BACKUP LOG cannot be performed because there is no current database backup."
            raise failures.failed("BACKUP LOG", SqlServerError(4214, text, 16, 1))

    def _leave_restoring(self, database: Database) -> None:
        """BACKUP LOG … WITH NORECOVERY takes the database out of use."""
        session = self._session
        session.databases.exclusive(
            database, 3101, "Exclusive access could not be obtained because the database is in use."
        )
        database.settings.state = "RESTORING"
        database.settings.options["RESTORED_LSN"] = database.settings.options["LSN"]
        session.server.save()

    # --- RESTORE -------------------------------------------------------------------------------------------------

    def restore(self, statement: statements.Restore, sink: Sink) -> None:
        options = Options(self._session, statement.options, statement.line)
        options.refuse("PASSWORD", "MEDIAPASSWORD", "STANDBY", "STOPAT", "STOPATMARK", "STOPBEFOREMARK", "PARTIAL",
                       "SNAPSHOT", "RESTRICTED_USER", "CONTINUE_AFTER_ERROR")  # fmt: skip
        if statement.kind in ("DATABASE", "LOG"):
            self._restore(statement, options, sink)
            return
        path = device(self._session, statement.devices, statement.line)
        reader = BackupReader(self._session, path)
        match statement.kind:
            case "HEADERONLY":
                reader.header_only(options.number("FILE", 1) if "FILE" in options else None, sink)
            case "FILELISTONLY":
                reader.file_list(options.number("FILE", 1), sink)
            case "LABELONLY":
                reader.label_only(sink)
            case _:
                reader.verify(options.number("FILE", 1), options.stats, sink)

    def _restore(self, statement: statements.Restore, options: Options, sink: Sink) -> None:
        kind = f"RESTORE {statement.kind}"
        self._outside_transaction(kind)
        assert statement.database is not None
        name = name_of(self._session, statement.database, statement.line)
        if name.lower() in ("master", "tempdb", "model", "msdb"):
            raise unsupported(f"Restoring the system database {name}", statement.line)
        if not statement.devices:
            if "RECOVERY" not in options:
                raise unsupported("RESTORE without FROM and without RECOVERY", statement.line)
            recover(self._session, name, sink)
            return
        path = device(self._session, statement.devices, statement.line)
        moves = {
            name_of(self._session, logical, statement.line).lower(): name_of(self._session, target, statement.line)
            for logical, target in statement.moves
        }
        Restorer(self._session, name, path, options, moves, log=statement.kind == "LOG").run(sink)
