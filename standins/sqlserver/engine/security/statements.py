"""CREATE LOGIN, CREATE USER, roles and their members, GRANT, DENY and REVOKE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.database import Database, save_object
from standins.sqlserver.engine.security import failures
from standins.sqlserver.engine.security.hierarchy import DATABASE, DATABASE_ROLES, SCHEMA, SERVER, SERVER_ROLES
from standins.sqlserver.engine.security.rights import is_permission, role_number
from standins.sqlserver.engine.securitymodel import PUBLIC, PermissionModel, PrincipalModel, SecurityModel
from standins.sqlserver.tsql import statements
from standins.sqlserver.tsql.errors import unsupported

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_OWN = ("dbo", "guest", "sys", "information_schema", "public", *DATABASE_ROLES)


class SecurityStatements:
    """One per session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        return {statements.Grant: self._grant, statements.SetUpLogin: self._set_up}

    # --- changes -------------------------------------------------------------------------------------------------

    def security(self, database: Database) -> SecurityModel:
        return self._session.link.model(database).security

    def _store(self, database: Database, security: SecurityModel) -> None:
        session = self._session
        with session.definitions.change(database) as raw:
            save_object(raw, database.alias, "security", 0, security)
            session.link.set_model(database, replace(session.definitions.model(database), security=security))

    def _set_up(self, statement: statements.SetUpLogin, sink: Sink) -> None:
        handler = {
            "LOGIN": self._login, "USER": self._user, "ROLE": self._role, "SERVER ROLE": self._server_role,
            "AUTHORIZATION": self._owner,
        }[statement.kind]  # fmt: skip
        handler(statement)
        sink.done(None)

    # --- the server ----------------------------------------------------------------------------------------------

    def _login(self, statement: statements.SetUpLogin) -> None:
        logins, options = self._session.server.security, statement.options
        match statement.action:
            case "CREATE":
                if "PASSWORD" not in options:
                    raise unsupported("A Windows login", statement.line)
                logins.create(statement.name, options["PASSWORD"])
            case "ALTER":
                if "NAME" in options or "DEFAULT_DATABASE" in options:
                    raise unsupported("Renaming a login or changing its default database", statement.line)
                if "PASSWORD" in options:
                    logins.set_password(statement.name, options["PASSWORD"])
                if "DISABLE" in options or "ENABLE" in options:
                    logins.set_disabled(statement.name, disabled="DISABLE" in options)
            case _:
                if not logins.exists(statement.name) and "IF EXISTS" in options:
                    return
                logins.drop(statement.name)
        self._session.server.save()

    def _server_role(self, statement: statements.SetUpLogin) -> None:
        role, member = statement.name.lower(), statement.options.get("NAME")
        if member is None:
            raise unsupported("A server role of one's own", statement.line)
        if role not in SERVER_ROLES or role == "public":
            raise failures.hidden("alter", "server role", statement.name)
        logins = self._session.server.security
        if not logins.exists(member) or member.lower() == "sa":
            raise failures.hidden("add" if statement.options["MEMBER"] == "ADD" else "drop", "server principal", member)
        logins.set_role(member, role, member=statement.options["MEMBER"] == "ADD")
        self._session.server.save()

    def _owner(self, statement: statements.SetUpLogin) -> None:
        database, login = self._session.server.find(statement.name), statement.options["LOGIN"]
        if database is None:
            raise messages.database_missing(statement.name)
        if not self._session.server.security.exists(login):
            raise failures.hidden("find", "principal", login)
        if self._session.rights.restricted:
            raise failures.action_denied()
        database.settings.owner = login
        self._session.server.save()

    # --- users and roles -----------------------------------------------------------------------------------------

    def _user(self, statement: statements.SetUpLogin) -> None:
        database, name, options = self._session.current, statement.name, statement.options
        security = self.security(database)
        found = security.named(name)
        match statement.action:
            case "CREATE":
                self._create_user(statement, database, security)
            case "ALTER":
                if found is None or found.kind != "S":
                    raise failures.hidden("alter", "user", name)
                if set(options) - {"DEFAULT_SCHEMA", "LOGIN"}:
                    raise unsupported("ALTER USER with more than a login or a default schema", statement.line)
                sid = self._sid(options["LOGIN"]) if "LOGIN" in options else found.sid
                schema = options.get("DEFAULT_SCHEMA", found.default_schema)
                self._store(database, security.with_principal(replace(found, sid=sid, default_schema=schema)))
            case _:
                if found is None and "IF EXISTS" in options:
                    return
                if found is None or found.kind != "S":
                    raise failures.hidden("drop", "user", name)
                self._store(database, security.without_principal(found.principal_id))

    def _create_user(self, statement: statements.SetUpLogin, database: Database, security: SecurityModel) -> None:
        name, options = statement.name, statement.options
        if security.named(name) is not None or name.lower() in _OWN:
            raise failures.principal_exists(name)
        if "PASSWORD" in options:
            raise unsupported("A user of a contained database", statement.line)
        sid = "" if "WITHOUT" in options else self._sid(options.get("LOGIN", name))
        if sid and security.user_of(sid) is not None:
            raise SqlServerError(15063, "The login already has an account under a different user name.", 16, 1)
        schema = options.get("DEFAULT_SCHEMA", "dbo")
        user = PrincipalModel(security.next_id(), name, "S", sid, schema, moments.moment_text(moments.now_ticks()))
        self._store(database, security.with_principal(user))

    def _sid(self, login: str) -> str:
        logins = self._session.server.security
        if not logins.exists(login):
            text = f"'{login}' is not a valid login or you do not have permission."
            raise SqlServerError(15007, text, 16, 1)
        return logins.sid(login)

    def _role(self, statement: statements.SetUpLogin) -> None:
        database, name = self._session.current, statement.name
        security = self.security(database)
        if "NAME" in statement.options:
            self._member(name, statement.options["NAME"], add=statement.options["MEMBER"] == "ADD")
            return
        found = security.named(name)
        if statement.action == "CREATE":
            if found is not None or name.lower() in _OWN:
                raise failures.principal_exists(name)
            created = moments.moment_text(moments.now_ticks())
            self._store(
                database, security.with_principal(PrincipalModel(security.next_id(), name, "R", created=created))
            )
            return
        if statement.action == "DROP" and found is None and "IF EXISTS" in statement.options:
            return
        if found is None or found.kind != "R":
            raise failures.hidden(statement.action.lower(), "role", name)
        if statement.action != "DROP":
            raise unsupported("Renaming a role", statement.line)
        if any(role == found.principal_id for role, _ in security.members):
            raise SqlServerError(15144, "The role has members. It must be empty before it can be dropped.", 16, 1)
        self._store(database, security.without_principal(found.principal_id))

    def _member(self, role: str, member: str, *, add: bool) -> None:
        database = self._session.current
        security = self.security(database)
        number = role_number(role, security)
        if number is None or number == PUBLIC:
            raise failures.hidden("alter", "role", role)
        found = security.named(member)
        if found is None and member.lower() in _OWN:
            raise SqlServerError(15405, f"Cannot use the special principal '{member}'.", 16, 1)
        if found is None:
            raise failures.hidden("add" if add else "drop", "principal", member)
        if add and found.kind == "R" and number in {found.principal_id, *security.roles_of(number)}:
            raise unsupported("A role that is a member of itself")
        change = security.with_member if add else security.without_member
        self._store(database, change(number, found.principal_id))

    # --- permissions ---------------------------------------------------------------------------------------------

    def _grant(self, statement: statements.Grant, sink: Sink) -> None:
        if statement.grant_option:
            raise unsupported("The right to grant a permission to others", statement.line)
        first = statement.permissions[0]
        securable = statement.securable
        if not securable:
            securable = SERVER if not is_permission(DATABASE, first) and is_permission(SERVER, first) else DATABASE
        unknown = next((name for name in statement.permissions if not is_permission(securable, name)), None)
        if unknown is not None:
            raise unsupported(f"The permission {unknown} on a {securable.lower()}", statement.line)
        if securable == SERVER:
            self._grant_on_server(statement)
        else:
            self._grant_in_database(statement, securable)
        sink.done(None)

    def _grant_on_server(self, statement: statements.Grant) -> None:
        session, logins = self._session, self._session.server.security
        if session.current is not session.server.master:
            text = "Permissions at the server scope can only be granted when the current database is master"
            raise SqlServerError(4621, text, 16, 10)
        for grantee in statement.grantees:
            if not logins.exists(grantee) or grantee.lower() == "sa":
                raise failures.hidden("find", "login", grantee)
        if session.rights.restricted:
            raise SqlServerError(4613, "Grantor does not have GRANT permission.", 16, 1)
        for grantee in statement.grantees:
            for permission in statement.permissions:
                logins.set_permission(grantee, permission, _state(statement))
        session.server.save()

    def _grant_in_database(self, statement: statements.Grant, securable: str) -> None:
        database = self._session.current
        security = self.security(database)
        major = self._major(statement, securable)
        for grantee in statement.grantees:
            number = role_number(grantee, security)
            found = security.named(grantee)
            if found is not None:
                number = found.principal_id
            if number is None or (found is None and number != PUBLIC):
                if grantee.lower() in _OWN:
                    raise unsupported(f"{statement.action} for {grantee}", statement.line)
                raise failures.hidden("find", "user", grantee)
            for permission in statement.permissions:
                state = _state(statement)
                entry = PermissionModel(state or "", permission, number, securable, major)
                security = security.changed(entry, revoke=state is None)
        self._store(database, security)

    def _major(self, statement: statements.Grant, securable: str) -> int:
        """The number of the schema or object; 15151 when it is missing or the grantor does not control it."""
        session, database, target = self._session, self._session.current, statement.target
        checks, model = session.checks, session.link.model(database)
        if securable == DATABASE or target is None:
            if target is not None and session.server.find(target.name) is not database:
                raise unsupported("Granting permissions on another database than the current", statement.line)
            if not checks.in_database("CONTROL"):
                raise SqlServerError(4613, "Grantor does not have GRANT permission.", 16, 1)
            return 0
        if securable == SCHEMA:
            schema = model.schema(target.name)
            if schema is None or not checks.on_schema("CONTROL", schema.name, database):
                raise failures.hidden("find", "schema", target.name)
            return schema.schema_id
        if target.database:
            raise unsupported("Granting permissions on objects of another database", statement.line)
        found = model.object(target.schema, target.name)
        if found is None or not checks.on_object("CONTROL", found.schema, found.object_id, database):
            raise failures.hidden("find", "object", target.name)
        return found.object_id


def _state(statement: statements.Grant) -> str | None:
    """What is kept; None takes away what was."""
    if statement.action == "REVOKE":
        return None
    if statement.action == "DENY":
        return "DENY"
    return "GRANT"
