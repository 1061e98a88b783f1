"""SET options, databases, logins, KILL, DBCC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.backup.statements import BackupStatements
from standins.sqlserver.engine.consistency import check_database
from standins.sqlserver.engine.database import Database, save_counter
from standins.sqlserver.tsql import collations, ddl, statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import Expression
from standins.sqlserver.tsql.script import parse_name
from standins.sqlserver.tsql.words import words

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_SYSTEM = ("master", "tempdb", "model", "msdb")
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
_DATABASE_SWITCHES = words(
    """AUTO_CLOSE AUTO_SHRINK AUTO_CREATE_STATISTICS AUTO_UPDATE_STATISTICS AUTO_UPDATE_STATISTICS_ASYNC ANSI_NULLS
    ANSI_NULL_DEFAULT ANSI_PADDING ANSI_WARNINGS ARITHABORT CONCAT_NULL_YIELDS_NULL NUMERIC_ROUNDABORT
    QUOTED_IDENTIFIER RECURSIVE_TRIGGERS CURSOR_CLOSE_ON_COMMIT CURSOR_DEFAULT PAGE_VERIFY TARGET_RECOVERY_TIME
    DELAYED_DURABILITY TRUSTWORTHY DB_CHAINING PARAMETERIZATION DATE_CORRELATION_OPTIMIZATION QUERY_STORE
    ENABLE_BROKER DISABLE_BROKER NEW_BROKER HONOR_BROKER_PRIORITY MIXED_PAGE_ALLOCATION ACCELERATED_DATABASE_RECOVERY"""
)


class Administering:
    """Statements about the server and its databases."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        s = statements
        backups = BackupStatements(self._session)
        return {
            ddl.CreateDatabase: self._create_database, ddl.AlterDatabase: self._alter_database, s.Kill: self._kill,
            s.Dbcc: self._dbcc, s.Grant: self._grant, s.SetUpLogin: self._login,
            s.Backup: backups.backup, s.Restore: backups.restore,
        }  # fmt: skip

    @staticmethod
    def _grant(_statement: statements.Grant, sink: Sink) -> None:
        """Permissions are not kept: every login may do everything."""
        sink.done(None)

    # --- SET -----------------------------------------------------------------------------------------------------

    def set_option(self, statement: statements.SetOption) -> None:
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
                session.implicit = on
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
        session.isolation = level

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

    # --- databases -----------------------------------------------------------------------------------------------

    def _outside_transaction(self, statement: str) -> None:
        if self._session.transaction_count:
            raise messages.not_in_transaction(statement)

    def _create_database(self, statement: ddl.CreateDatabase, sink: Sink) -> None:
        self._outside_transaction("CREATE DATABASE")
        if len(statement.files) > 2:
            raise unsupported("A database of several data or log files", statement.line)
        data = next((item for item in statement.files if not item[2]), ("", "", False))
        log = next((item for item in statement.files if item[2]), ("", "", True))
        if statement.collation:
            collations.sqlite_name(statement.collation)
        self._session.server.create(
            statement.name, collation=statement.collation, path=data[1], log_path=log[1], data_name=data[0],
            log_name=log[0],
        )  # fmt: skip
        sink.done(None)

    def drop_database(self, name: str, if_exists: bool) -> None:
        self._outside_transaction("DROP DATABASE")
        server = self._session.server
        database = server.find(name)
        if database is None:
            if if_exists:
                return
            raise messages.cannot_drop("database", name)
        if database.name.lower() in _SYSTEM:
            raise SqlServerError(3708, f"Cannot drop the database '{name}' because it is a system database.", 16, 1)
        self.exclusive(database, 3702, f'Cannot drop database "{database.name}" because it is currently in use.')
        server.remove(database)

    def exclusive(self, database: Database, number: int, text: str) -> None:
        """Refuse while any session, this one included, has the database open."""
        session = self._session
        session.link.keep_only(session.current)
        if session.current is database or session.server.users_of(database, session):
            raise SqlServerError(number, text, 16, 3)

    def _database(self, name: str) -> Database:
        found = self._session.server.find(name) if name else self._session.current
        if found is None:
            text = (
                f"User does not have permission to alter database '{name}', the database does not exist, or the "
                "database is not in a state that allows access checks."
            )
            raise SqlServerError(5011, text, 14, 5)
        return found

    def _alter_database(self, statement: ddl.AlterDatabase, sink: Sink) -> None:
        self._outside_transaction("ALTER DATABASE")
        database = self._database(statement.name)
        if statement.new_name:
            self.exclusive(
                database, 5030, "The database could not be exclusively locked to perform the operation."
            ) if self._session.current is not database else None
            self._session.server.rename(database, statement.new_name)
            text = f"The database name '{statement.new_name}' has been set."
            sink.info(SqlServerError(15019, text, 0, 1))
        elif statement.collation:
            raise unsupported("ALTER DATABASE … COLLATE", statement.line)
        for option, value in statement.settings:
            self._set_database_option(database, option, value, statement.termination)
        self._session.server.save()
        sink.done(None)

    def _set_database_option(self, database: Database, option: str, value: str, termination: str) -> None:
        settings = database.settings
        match option:
            case "SINGLE_USER" | "RESTRICTED_USER" | "MULTI_USER":
                self._access(database, option, termination)
            case "COMPATIBILITY_LEVEL":
                self._compatibility(database, value)
            case "RECOVERY":
                if value not in ("FULL", "SIMPLE", "BULK_LOGGED"):
                    raise SqlServerError(102, f"Incorrect syntax near '{value}'.", 15, 1)
                settings.recovery = value
            case "READ_COMMITTED_SNAPSHOT":
                self._needs_exclusive(database, termination)
                settings.read_committed_snapshot = value == "ON"
            case "ALLOW_SNAPSHOT_ISOLATION":
                settings.snapshot_isolation = value == "ON"
            case "READ_ONLY" | "READ_WRITE":
                self._needs_exclusive(database, termination)
                settings.read_only = option == "READ_ONLY"
            case "OFFLINE" | "ONLINE":
                self._online(database, option, termination)
            case _ if option in _DATABASE_SWITCHES:
                settings.options[option] = value
            case _:
                raise unsupported(f"ALTER DATABASE … SET {option}")

    def _compatibility(self, database: Database, value: str) -> None:
        level = int(value) if value.isdigit() else 0
        highest = self._session.server.product.compatibility
        if level not in range(100, highest + 1, 10):
            levels = ", ".join(str(known) for known in range(100, highest, 10))
            text = f"Valid values of the database compatibility level are {levels}, or {highest}."
            raise SqlServerError(15048, text, 16, 1)
        database.settings.compatibility_level = level

    def _needs_exclusive(self, database: Database, termination: str) -> None:
        if termination == "ROLLBACK":
            self._disconnect_others(database)
        if self._session.server.users_of(database, self._session):
            text = (
                f"ALTER DATABASE failed because a lock could not be placed on database '{database.name}'. Try again "
                "later."
            )
            raise SqlServerError(5061, text, 16, 1)

    def _access(self, database: Database, option: str, termination: str) -> None:
        session, server = self._session, self._session.server
        if database.name.lower() in _SYSTEM:
            text = f"Option '{option}' cannot be set in database '{database.name}'."
            raise SqlServerError(5058, text, 16, 1)
        if option == "SINGLE_USER":
            self._needs_exclusive(database, termination)
            server.set_single_user(database, session if session.current is database else None)
        else:
            if database.settings.access == "SINGLE_USER":
                others = server.users_of(database, session)
                if others and session.current is not database:
                    text = (
                        f"Changes to the state or options of database '{database.name}' cannot be made at this time. "
                        "The database is in single-user mode, and a user is currently connected to it."
                    )
                    raise SqlServerError(5064, text, 16, 1)
            server.set_single_user(database, None)
        database.settings.access = option

    def _disconnect_others(self, database: Database) -> None:
        for other in self._session.server.users_of(database, self._session):
            other.kill()

    def _online(self, database: Database, option: str, termination: str) -> None:
        if option == "OFFLINE":
            self._needs_exclusive(database, termination)
            if self._session.current is database:
                raise SqlServerError(
                    5061,
                    f"ALTER DATABASE failed because a lock could not be placed on database '{database.name}'. Try "
                    "again later.",
                    16,
                    1,
                )
            self._session.link.keep_only(self._session.current)
        elif database.settings.state == "RECOVERY_PENDING" and database.path.exists():
            database.load()
        database.settings.state = option

    # --- logins --------------------------------------------------------------------------------------------------

    def _login(self, statement: statements.SetUpLogin, sink: Sink) -> None:
        security = self._session.server.security
        database, options = self._session.current.name, statement.options
        match statement.kind, statement.action:
            case "LOGIN", "CREATE":
                if "PASSWORD" not in options:
                    raise unsupported("A Windows login", statement.line)
                security.create(statement.name, options["PASSWORD"])
            case "LOGIN", "ALTER":
                if "PASSWORD" in options:
                    security.set_password(statement.name, options["PASSWORD"])
                if "DISABLE" in options or "ENABLE" in options:
                    security.set_disabled(statement.name, disabled="DISABLE" in options)
            case "LOGIN", "DROP":
                if not security.exists(statement.name) and "IF EXISTS" in options:
                    return
                security.drop(statement.name)
            case "USER", "CREATE":
                security.add_user(database, statement.name, options.get("LOGIN", statement.name))
            case "USER", "DROP":
                if not security.drop_user(database, statement.name) and "IF EXISTS" not in options:
                    raise SqlServerError(
                        15151,
                        f"Cannot drop the user '{statement.name}', because it does not exist or you do not have "
                        "permission.",
                        16,
                        1,
                    )
            case _:
                pass  # roles and default schemas: every user owns the database here
        self._session.server.save()
        sink.done(None)

    # --- KILL, DBCC ----------------------------------------------------------------------------------------------

    def _kill(self, statement: statements.Kill, sink: Sink) -> None:
        self._outside_transaction("KILL")
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
