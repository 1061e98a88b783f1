"""What a login that is no administrator needs for a statement; asked before the statement runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.backup.failures import failed
from standins.sqlserver.engine.backup.options import name_of
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import Model
from standins.sqlserver.engine.security import failures
from standins.sqlserver.engine.security.hierarchy import DATABASE, OBJECT, SCHEMA
from standins.sqlserver.engine.security.needs import Need
from standins.sqlserver.tsql import ddl, statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_CREATED = {"VIEW": "CREATE VIEW", "PROCEDURE": "CREATE PROCEDURE", "FUNCTION": "CREATE FUNCTION"}


class Checks:
    """One per session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._by_type: dict[type[statements.Statement], Callable[..., None]] = {
            ddl.CreateTable: self._create_table, ddl.CreateModule: self._create_module,
            ddl.CreateType: self._create_type, ddl.CreateSchema: self._create_schema, ddl.AlterTable: self._alter_table,
            ddl.CreateIndex: self._change_index, ddl.AlterIndex: self._change_index, ddl.Drop: self._drop,
            ddl.CreateDatabase: self._create_database, ddl.AlterDatabase: self._alter_database,
            statements.Truncate: self._truncate, statements.Backup: self._backup, statements.Restore: self._restore,
            statements.Kill: self._kill, statements.Dbcc: self._dbcc, statements.InsertBulk: self._insert_bulk,
            statements.SetUpLogin: self._set_up_login,
        }  # fmt: skip

    # --- what is asked -------------------------------------------------------------------------------------------

    def model(self, database: Database) -> Model:
        return self._session.link.model(database)

    def in_database(self, permission: str, database: Database | None = None) -> bool:
        wanted = database or self._session.current
        return self._session.rights.holds(permission, DATABASE, wanted, self.model(wanted))

    def on_schema(self, permission: str, name: str, database: Database) -> bool:
        found = self.model(database).schema(name or "dbo")
        if found is None:
            return True  # the statement itself says that there is none
        return self._session.rights.holds(permission, SCHEMA, database, self.model(database), found.schema_id)

    def on_object(self, permission: str, schema: str, object_id: int, database: Database) -> bool:
        found = self.model(database).schema(schema or "dbo")
        number = found.schema_id if found is not None else 0
        return self._session.rights.holds(permission, OBJECT, database, self.model(database), object_id, number)

    def _may(self, permission: str, name: ObjectName) -> bool:
        """Whether a table or module may be used so; what does not exist is the statement's own affair."""
        if name.temporary:
            return True
        database = self._session.definitions.database_of(name)
        found = self.model(database).object(name.schema, name.name)
        return found is None or self.on_object(permission, found.schema, found.object_id, database)

    def require(self, need: Need) -> None:
        """Raise 229 unless the login has the permission on the object."""
        if not self.on_object(need.permission, need.schema, need.object_id, need.database):
            raise failures.object_denied(need.permission, need.name, need.database.name, need.schema)

    def require_in_database(self, permission: str, database: Database | None = None) -> None:
        wanted = database or self._session.current
        if not self.in_database(permission, wanted):
            raise failures.statement_denied(permission, wanted.name)

    def statement(self, statement: statements.Statement) -> None:
        check = self._by_type.get(type(statement))
        if check is not None:
            check(statement)

    # --- definitions ---------------------------------------------------------------------------------------------

    def _create(self, permission: str, name: ObjectName) -> None:
        database = self._session.definitions.database_of(name)
        self.require_in_database(permission, database)
        if not self.on_schema("ALTER", name.schema, database):
            text = (
                f'The specified schema name "{name.schema or "dbo"}" either does not exist or you do not have '
                "permission to use it."
            )
            raise SqlServerError(2760, text, 16, 1)

    def _create_table(self, statement: ddl.CreateTable) -> None:
        if not statement.name.temporary:
            self._create("CREATE TABLE", statement.name)

    def _create_module(self, statement: ddl.CreateModule) -> None:
        if statement.mode == "CREATE":
            self._create(_CREATED[statement.kind], statement.name)
        elif not self.in_database("ALTER"):
            raise unsupported(f"{statement.mode} {statement.kind} by a login that may not alter the database")

    def _create_type(self, statement: ddl.CreateType) -> None:
        self._create("CREATE TYPE", statement.name)

    def _create_schema(self, _: ddl.CreateSchema) -> None:
        self.require_in_database("CREATE SCHEMA")

    def _alter_table(self, statement: ddl.AlterTable) -> None:
        if not self._may("ALTER", statement.table):
            raise messages.object_missing(str(statement.table))

    def _change_index(self, statement: ddl.CreateIndex | ddl.AlterIndex) -> None:
        if not self._may("ALTER", statement.table):
            raise messages.object_missing(str(statement.table), 1088)

    def _truncate(self, statement: statements.Truncate) -> None:
        if not self._may("ALTER", statement.table):
            raise messages.object_missing(str(statement.table), 4701)

    def _drop(self, statement: ddl.Drop) -> None:
        for name in statement.names:
            if statement.kind == "DATABASE":
                found = self._session.server.find(name.name)
                allowed = found is None or self.in_database("CONTROL", found) or self._may_alter_any()
            elif statement.kind == "INDEX" and statement.table is not None:
                allowed = self._may("ALTER", statement.table)
            elif statement.kind in ("TABLE", "VIEW", "PROCEDURE", "FUNCTION"):
                database = None if name.temporary else self._session.definitions.database_of(name)
                allowed = (
                    database is None or self.on_schema("ALTER", name.schema, database) or self._may("CONTROL", name)
                )
            elif not self.in_database("CONTROL"):
                raise unsupported(f"DROP {statement.kind} by a login that does not control the database")
            else:
                allowed = True
            if not allowed:
                raise messages.cannot_drop(statement.kind.lower(), name.name)

    def _may_alter_any(self) -> bool:
        return self._session.rights.on_server("ALTER ANY DATABASE")

    # --- databases -----------------------------------------------------------------------------------------------

    def _may_create_database(self) -> bool:
        return self._session.rights.on_server("CREATE ANY DATABASE") or self.in_database(
            "CREATE DATABASE", self._session.server.master
        )

    def _create_database(self, _: ddl.CreateDatabase) -> None:
        if not self._may_create_database():
            raise failures.statement_denied("CREATE DATABASE", "master")

    def _alter_database(self, statement: ddl.AlterDatabase) -> None:
        name = statement.name
        found = self._session.current if name.upper() == "CURRENT" else self._session.server.find(name)
        if found is None or not (self.in_database("ALTER", found) or self._may_alter_any()):
            raise failures.cannot_alter_database(name)

    def _backup(self, statement: statements.Backup) -> None:
        permission = "BACKUP LOG" if statement.log else "BACKUP DATABASE"
        found = self._session.server.find(name_of(self._session, statement.database, statement.line))
        if found is None:
            return
        if self._session.rights.user(found, self.model(found)) is None:
            raise failed(permission, failures.no_access(self._session.login, found.name))
        if not self.in_database(permission, found):
            raise failed(permission, failures.statement_denied(permission, found.name))

    def _restore(self, statement: statements.Restore) -> None:
        kind = f"RESTORE {statement.kind}"
        found = None
        if statement.kind in ("DATABASE", "LOG") and statement.database is not None:
            found = self._session.server.find(name_of(self._session, statement.database, statement.line))
        if found is None:
            if not self._may_create_database():
                raise failed(kind, failures.statement_denied("CREATE DATABASE", "master"))
        elif not self._may_alter_any() and found.settings.owner.lower() != self._session.login.lower():
            raise failed(kind, failures.restore_denied(found.name))

    # --- the server ----------------------------------------------------------------------------------------------

    def _kill(self, _: statements.Kill) -> None:
        if not self._session.rights.on_server("ALTER ANY CONNECTION"):
            raise failures.kill_denied()

    def _dbcc(self, statement: statements.Dbcc) -> None:
        session = self._session
        user = session.user_name()
        if statement.command == "CHECKDB":
            named = name_of(session, statement.arguments[0], statement.line) if statement.arguments else ""
            database = session.server.find(named) or session.current
            if not self.in_database("CONTROL", database):
                raise failures.dbcc_denied(user, "CHECKDB", database.name)
        elif not self.in_database("CONTROL"):
            raise failures.dbcc_denied(user, statement.command)

    def _insert_bulk(self, statement: statements.InsertBulk) -> None:
        if not self._may("INSERT", statement.table):
            name = statement.table
            raise failures.object_denied("INSERT", name.name, self._session.current.name, name.schema or "dbo")

    def _set_up_login(self, statement: statements.SetUpLogin) -> None:
        action, kind = statement.action, statement.kind
        needed = {"LOGIN": "ALTER ANY LOGIN", "SERVER ROLE": "ALTER ANY SERVER ROLE"}.get(kind)
        allowed = (
            self._session.rights.on_server(needed)
            if needed is not None
            else self.in_database("ALTER ANY USER" if kind == "USER" else "ALTER ANY ROLE")
        )
        if allowed and kind == "SERVER ROLE":  # fixed roles take members from members
            allowed = statement.name.lower() in self._session.server.security.roles(self._session.login)
        if allowed:
            return
        if action == "CREATE":
            raise failures.action_denied()
        raise failures.hidden(action.lower(), kind.lower(), statement.name)
