"""HAS_PERMS_BY_NAME and the functions about logins, users and roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.security.hierarchy import DATABASE, DATABASE_ROLES, OBJECT, SCHEMA, SERVER, SERVER_ROLES
from standins.sqlserver.engine.security.rights import Rights, is_permission
from standins.sqlserver.engine.securitymodel import DBO, GUEST, INFORMATION_SCHEMA, PUBLIC, SYS
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.script import parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_NUMBERS = {
    "public": PUBLIC, "dbo": DBO, "guest": GUEST, "information_schema": INFORMATION_SCHEMA, "sys": SYS,
    **{name: number for name, (number, _) in DATABASE_ROLES.items()},
}  # fmt: skip
_NAMES = {number: name for name, number in _NUMBERS.items()} | {INFORMATION_SCHEMA: "INFORMATION_SCHEMA"}


class SecurityFunctions:
    """One per session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "t_user_name": self._user_name, "t_user_id": self._user_id, "t_suser_name": self._login_name,
            "t_suser_sname": self._login_name, "t_suser_id": self._login_id, "t_suser_sid": self._login_sid,
            "t_is_srvrolemember": self._is_server_role_member, "t_is_member": self._is_member,
            "t_has_perms": self._has_permission, "t_has_dbaccess": self._has_access,
        }  # fmt: skip

    # --- users ---------------------------------------------------------------------------------------------------

    def _user_name(self, *number: int | None) -> str | None:
        if not number:
            return self._session.user_name()
        if number[0] is None:
            return None
        security = self._session.link.model(self._session.current).security
        found = next((known.name for known in security.principals if known.principal_id == number[0]), None)
        return found or _NAMES.get(number[0])

    def _user_id(self, *name: str | None) -> int | None:
        wanted = self._session.user_name() if not name else name[0]
        if wanted is None:
            return None
        found = self._session.link.model(self._session.current).security.named(wanted)
        return found.principal_id if found is not None else _NUMBERS.get(wanted.lower())

    def _is_member(self, role: str | None, *user: str | None) -> int | None:
        session = self._session
        model = session.link.model(session.current)
        if role is None:
            return None
        if not user:
            return session.rights.is_member(role, session.current, model)
        found = model.security.named(user[0] or "")
        login = session.server.security.name_of(found.sid) if found is not None else None
        if login is None:
            if (user[0] or "").lower() == "dbo":
                return (
                    None
                    if session.rights.is_member(role, session.current, model) is None
                    else int(role.lower() in ("db_owner", "public"))
                )
            return None
        return Rights(session.server.security, login).is_member(role, session.current, model)

    # --- logins --------------------------------------------------------------------------------------------------

    def _login_name(self, *principal: int | bytes | None) -> str | None:
        """By number or by security identifier."""
        logins = self._session.server.security
        if not principal:
            return self._session.login
        wanted = principal[0]
        if isinstance(wanted, bytes):
            return logins.name_of(wanted.hex())
        known = ("sa", *logins.names())
        return next((name for name in known if logins.number(name) == wanted), None)

    def _login_id(self, *name: str | None) -> int | None:
        wanted = self._session.login if not name else name[0]
        logins = self._session.server.security
        return logins.number(wanted) if wanted is not None and logins.exists(wanted) else None

    def _login_sid(self, *name: str | None) -> bytes | None:
        wanted = self._session.login if not name else name[0]
        logins = self._session.server.security
        return bytes.fromhex(logins.sid(wanted)) if wanted is not None and logins.exists(wanted) else None

    def _is_server_role_member(self, role: str | None, *login: str | None) -> int | None:
        wanted = (role or "").lower()
        if wanted not in SERVER_ROLES:
            return None
        name = self._session.login if not login else login[0]
        logins = self._session.server.security
        if name is None or not logins.exists(name):
            return None
        return int(wanted == "public" or wanted in logins.roles(name) or "sysadmin" in logins.roles(name))

    # --- permissions ---------------------------------------------------------------------------------------------

    def _has_access(self, name: str | None) -> int | None:
        found = self._session.server.find(name or "")
        if found is None:
            return None
        return int(found.settings.state == "ONLINE" and self._user(found) is not None)

    def _user(self, database: Database) -> int | None:
        return self._session.rights.user(database, self._session.link.model(database))

    def _has_permission(self, *arguments: Any) -> int | None:
        """NULL for a permission or a class that does not exist, or a securable that is not there."""
        if len(arguments) < 3:
            raise unsupported("PERMISSIONS()")
        if len(arguments) > 3 and arguments[3] is not None:
            raise unsupported("HAS_PERMS_BY_NAME for a column")
        securable, kind, permission = arguments[:3]
        kind = SERVER if kind is None else str(kind).upper()
        permission = str(permission or "").upper()
        if kind not in (SERVER, DATABASE, SCHEMA, OBJECT):
            raise unsupported(f"HAS_PERMS_BY_NAME for the class {kind}")
        if permission == "ANY":
            raise unsupported("HAS_PERMS_BY_NAME for ANY permission")
        if not is_permission(kind, permission):
            raise unsupported(f"HAS_PERMS_BY_NAME for the permission {permission} on the class {kind}")
        if kind == SERVER:
            return int(self._session.rights.on_server(permission))
        try:
            return self._on(kind, str(securable) if securable is not None else None, permission)
        except SqlServerError:  # a name that is none, or a database that cannot be used
            return None

    def _on(self, kind: str, name: str | None, permission: str) -> int | None:
        session = self._session
        checks = session.checks
        if kind == DATABASE:
            found = session.current if name is None else session.server.find(parse_name(name).name)
            return None if found is None else int(checks.in_database(permission, found))
        if name is None:
            return None
        target = parse_name(name)
        if kind == SCHEMA:
            known = session.link.model(session.current).schema(target.name)
            return None if known is None else int(checks.on_schema(permission, target.name, session.current))
        database = session.definitions.database_of(target)
        model = session.link.model(database)
        item = model.object(target.schema, target.name)
        return None if item is None else int(checks.on_object(permission, item.schema, item.object_id, database))
