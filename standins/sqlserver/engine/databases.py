"""CREATE, ALTER and DROP DATABASE: databases as wholes, and who may use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.database import Database
from standins.sqlserver.tsql import collations, ddl, statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.words import words

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_SYSTEM = ("master", "tempdb", "model", "msdb")
_DATABASE_SWITCHES = words(
    """AUTO_CLOSE AUTO_SHRINK AUTO_CREATE_STATISTICS AUTO_UPDATE_STATISTICS AUTO_UPDATE_STATISTICS_ASYNC ANSI_NULLS
    ANSI_NULL_DEFAULT ANSI_PADDING ANSI_WARNINGS ARITHABORT CONCAT_NULL_YIELDS_NULL NUMERIC_ROUNDABORT
    QUOTED_IDENTIFIER RECURSIVE_TRIGGERS CURSOR_CLOSE_ON_COMMIT CURSOR_DEFAULT PAGE_VERIFY TARGET_RECOVERY_TIME
    DELAYED_DURABILITY TRUSTWORTHY DB_CHAINING PARAMETERIZATION DATE_CORRELATION_OPTIMIZATION QUERY_STORE
    ENABLE_BROKER DISABLE_BROKER NEW_BROKER HONOR_BROKER_PRIORITY MIXED_PAGE_ALLOCATION ACCELERATED_DATABASE_RECOVERY"""
)


class Databases:
    """Statements of one session about databases."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        return {ddl.CreateDatabase: self._create, ddl.AlterDatabase: self._alter}

    def _create(self, statement: ddl.CreateDatabase, sink: Sink) -> None:
        self._session.transactions.refuse_inside("CREATE DATABASE")
        if len(statement.files) > 2:
            raise unsupported("A database of several data or log files", statement.line)
        data = next((item for item in statement.files if not item[2]), ("", "", False))
        log = next((item for item in statement.files if item[2]), ("", "", True))
        if statement.collation:
            collations.sqlite_name(statement.collation)
        self._session.server.create(
            statement.name, collation=statement.collation, path=data[1], log_path=log[1], data_name=data[0],
            log_name=log[0], owner=self._session.login,
        )  # fmt: skip
        sink.done(None)

    def drop(self, name: str, if_exists: bool) -> None:
        self._session.transactions.refuse_inside("DROP DATABASE")
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

    def _alter(self, statement: ddl.AlterDatabase, sink: Sink) -> None:
        self._session.transactions.refuse_inside("ALTER DATABASE")
        database = self._database(statement.name)
        if statement.new_name:
            if self._session.current is not database:
                self.exclusive(database, 5030, "The database could not be exclusively locked to perform the operation.")
            self._session.server.rename(database, statement.new_name)
            text = f"The database name '{statement.new_name}' has been set."
            sink.info(SqlServerError(15019, text, 0, 1))
        elif statement.collation:
            raise unsupported("ALTER DATABASE … COLLATE", statement.line)
        for option, value in statement.settings:
            self._set_option(database, option, value, statement.termination)
        self._session.server.save()
        sink.done(None)

    def _set_option(self, database: Database, option: str, value: str, termination: str) -> None:
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
            raise _could_not_lock(database)

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
                raise _could_not_lock(database)
            self._session.link.keep_only(self._session.current)
        elif database.settings.state == "RECOVERY_PENDING" and database.path.exists():
            database.load()
        database.settings.state = option


def _could_not_lock(database: Database) -> SqlServerError:
    text = f"ALTER DATABASE failed because a lock could not be placed on database '{database.name}'. Try again later."
    return SqlServerError(5061, text, 16, 1)
