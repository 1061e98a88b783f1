"""SET options, logins, KILL, DBCC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.backup.statements import BackupStatements
from standins.sqlserver.engine.consistency import check_database
from standins.sqlserver.engine.database import Database, save_counter
from standins.sqlserver.engine.security.statements import SecurityStatements
from standins.sqlserver.tsql import statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import Expression
from standins.sqlserver.tsql.script import parse_name
from standins.sqlserver.tsql.words import words

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_REMEMBERED = words(
    """ANSI_NULLS ANSI_WARNINGS ANSI_PADDING ANSI_NULL_DFLT_ON ANSI_DEFAULTS QUOTED_IDENTIFIER
    CONCAT_NULL_YIELDS_NULL ARITHABORT CURSOR_CLOSE_ON_COMMIT NUMERIC_ROUNDABORT"""
)
_WITHOUT_EFFECT = words(
    """TEXTSIZE DEADLOCK_PRIORITY STATISTICS FIPS_FLAGGER NO_BROWSETABLE ARITHIGNORE FORCEPLAN
    REMOTE_PROC_TRANSACTIONS QUERY_GOVERNOR_COST_LIMIT"""
)
#: Settings whose other value would change answers.
_ONLY = {
    "ANSI_NULLS": "ON", "ANSI_WARNINGS": "ON", "ANSI_PADDING": "ON", "QUOTED_IDENTIFIER": "ON",
    "CONCAT_NULL_YIELDS_NULL": "ON", "NUMERIC_ROUNDABORT": "OFF", "ANSI_NULL_DFLT_OFF": "OFF",
    "NOEXEC": "OFF", "PARSEONLY": "OFF", "SHOWPLAN_ALL": "OFF", "SHOWPLAN_TEXT": "OFF", "SHOWPLAN_XML": "OFF",
}  # fmt: skip


class Administering:
    """Statements about the session, its fellows and the server."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        s = statements
        backups = BackupStatements(self._session)
        return {
            s.Kill: self._kill, s.Dbcc: self._dbcc, s.Backup: backups.backup, s.Restore: backups.restore,
            **SecurityStatements(self._session).handlers(),
        }  # fmt: skip

    # --- SET -----------------------------------------------------------------------------------------------------

    def set_option(self, statement: statements.SetOption, _sink: Sink) -> None:
        for option in statement.option.split(","):
            self._set_one(option, statement)

    def _set_one(self, option: str, statement: statements.SetOption) -> None:
        session, value = self._session, statement.value
        on = value == "ON"
        match option:
            case "NOCOUNT":
                session.no_count = on
            case "FMTONLY":
                session.format_only = on
            case "XACT_ABORT":
                session.xact_abort = on
            case "IMPLICIT_TRANSACTIONS":
                session.transactions.implicit = on
            case "ISOLATION":
                self._isolation(value)
            case "LOCK_TIMEOUT":
                session.lock_timeout = None if int(value) < 0 else int(value) / 1000
            case "ROWCOUNT":
                session.row_limit = int(value) or -1
            case "IDENTITY_INSERT":
                self._identity_insert(statement, on)
            case "CONTEXT_INFO":
                session.context_info = bytes.fromhex(value[2:])
            case "LANGUAGE":
                if value not in ("US_ENGLISH", "ENGLISH"):
                    raise unsupported(f"SET LANGUAGE {value}", statement.line)
            case "DATEFORMAT" | "DATEFIRST":
                if value not in ("MDY", "7"):
                    raise unsupported(f"SET {option} {value}", statement.line)
            case _:
                self._remember(option, value, statement.line)

    def _remember(self, option: str, value: str, line: int) -> None:
        wanted = _ONLY.get(option)
        if wanted is not None and value != wanted:
            raise unsupported(f"SET {option} {value}", line)
        known = _REMEMBERED | _WITHOUT_EFFECT
        if option not in known and wanted is None:
            raise SqlServerError(195, f"'{option}' is not a recognized SET option.", 15, 5, line)
        if value == "ON":
            self._session.options.add(option)
        else:
            self._session.options.discard(option)

    def _isolation(self, level: str) -> None:
        session = self._session
        if level not in ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"):
            raise SqlServerError(102, f"Incorrect syntax near '{level}'.", 15, 1)
        session.transactions.isolation = level

    def _identity_insert(self, statement: statements.SetOption, on: bool) -> None:
        session = self._session
        assert statement.target is not None
        if statement.target.temporary:
            table = session.temporary(statement.target.name)
            if table is None:
                raise messages.object_missing(str(statement.target))
            key = ("tempdb", table.object_id)
        else:
            database, table = session.definitions.require_table(statement.target, 1088)
            key = (database.name.lower(), table.object_id)
        if table.identity is None:
            text = f"Table '{statement.target}' does not have the identity property. Cannot perform SET operation."
            raise SqlServerError(8106, text, 16, 1)
        if on:
            if session.identity_insert not in (None, key):
                text = (
                    "IDENTITY_INSERT is already ON for another table. Cannot perform SET operation for table "
                    f"'{statement.target}'."
                )
                raise SqlServerError(8107, text, 16, 1)
            session.identity_insert = key
        elif session.identity_insert == key:
            session.identity_insert = None

    # --- KILL, DBCC ----------------------------------------------------------------------------------------------

    def _kill(self, statement: statements.Kill, sink: Sink) -> None:
        self._session.transactions.refuse_inside("KILL")
        value, _ = self._session.querying.value(statement.session, None, statement.line)
        spid = int(value or 0)
        if spid == self._session.spid:
            raise SqlServerError(6104, "Cannot use KILL to kill your own process.", 16, 1)
        other = self._session.server.session(spid)
        if other is None:
            raise SqlServerError(6106, f"Process ID {spid} is not an active process ID.", 16, 2)
        other.kill()
        sink.done(None)

    def _dbcc(self, statement: statements.Dbcc, sink: Sink) -> None:
        quiet = "NO_INFOMSGS" in statement.options
        match statement.command:
            case "CHECKDB":
                database = self._dbcc_database(statement)
                check_database(self._session, database, sink, quiet=quiet)
                now = moments.moment_text(moments.now_ticks())[:23]
                database.settings.options["LASTGOODCHECKDB"] = now
                self._session.server.save()
            case "CHECKIDENT":
                self._check_identity(statement, sink)
            case (
                "FREEPROCCACHE"
                | "DROPCLEANBUFFERS"
                | "SHRINKDATABASE"
                | "SHRINKFILE"
                | "TRACEON"
                | "TRACEOFF"
                | "FREESYSTEMCACHE"
                | "UPDATEUSAGE"
            ):
                pass
            case _:
                raise unsupported(f"DBCC {statement.command}", statement.line)
        if not quiet:
            text = "DBCC execution completed. If DBCC printed error messages, contact your system administrator."
            sink.info(SqlServerError(2528, text, 0, 1))
        sink.done(None)

    def _argument(self, node: Expression) -> object:
        return self._session.querying.value(node, None, 1)[0]

    def _dbcc_database(self, statement: statements.Dbcc) -> Database:
        name = self._argument(statement.arguments[0]) if statement.arguments else 0
        if name in (0, "", None):
            return self._session.current
        found = self._session.server.find(str(name))
        if found is None:
            raise messages.database_missing(str(name))
        self._session.check_access(found)
        return found

    def _check_identity(self, statement: statements.Dbcc, sink: Sink) -> None:
        session = self._session
        name = parse_name(str(self._argument(statement.arguments[0])))
        database, table = session.definitions.require_table(name, 2501)
        if table.identity is None:
            text = f"'{name}' does not contain an identity column."
            raise SqlServerError(7997, text, 16, 1)
        current = database.identities.get(table.object_id)
        mode = str(self._argument(statement.arguments[1])).upper() if len(statement.arguments) > 1 else "RESEED"
        if mode == "RESEED" and len(statement.arguments) > 2:
            value = int(str(self._argument(statement.arguments[2])))
            with session.definitions.change(database):
                assert table.identity.identity is not None
                increment = table.identity.identity[1]
                stored = value if current is not None else value - increment
                database.identities[table.object_id] = stored
                save_counter(session.link.raw, database.alias, f"identity:{table.object_id}", stored)
        shown = "NULL" if current is None else str(current)
        sink.info(SqlServerError(7998, f"Checking identity information: current identity value '{shown}'.", 0, 1))
