"""What the login of one session may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.engine.security.hierarchy import (
    DATABASE,
    DATABASE_ROLES,
    DENIED,
    GRANTED,
    OBJECT,
    PERMISSIONS,
    SCHEMA,
    SERVER,
    SERVER_ROLES,
    covering,
)
from standins.sqlserver.engine.securitymodel import DBO, GUEST, PUBLIC, SecurityModel

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.logins import Logins
    from standins.sqlserver.engine.model import Model

_OWNER_ROLE = DATABASE_ROLES["db_owner"][0]
#: Where ``guest`` may connect ("Principals (Database Engine)").
_OPEN_TO_GUESTS = ("master", "tempdb", "msdb")


class Rights:
    """Asked by every statement of a login that is not a system administrator."""

    def __init__(self, logins: Logins, login: str) -> None:
        self._logins = logins
        self.login = login

    # --- the server ----------------------------------------------------------------------------------------------

    @property
    def restricted(self) -> bool:
        """False for system administrators, whom nothing is denied."""
        return self.login != "sa" and "sysadmin" not in self._logins.roles(self.login)

    def on_server(self, permission: str) -> bool:
        if not self.restricted:
            return True
        names = {name for _, name in covering(SERVER, permission)}
        own = self._logins.permissions(self.login)
        if any(own.get(name) == "DENY" for name in names):
            return False
        roles = ("public", *self._logins.roles(self.login))
        return any(name in own for name in names) or any(names & SERVER_ROLES[role][1] for role in roles)

    # --- databases -----------------------------------------------------------------------------------------------

    def user(self, database: Database, model: Model) -> int | None:
        """The number of the login's user in the database; None where it has none."""
        if not self.restricted or database.settings.owner.lower() == self.login.lower():
            return DBO
        found = model.security.user_of(self._logins.sid(self.login))
        if found is not None:
            return found.principal_id if self._connects(model.security, found.principal_id) else None
        if self.on_server("CONNECT ANY DATABASE") or database.name.lower() in _OPEN_TO_GUESTS:
            return GUEST
        return None

    @staticmethod
    def _connects(security: SecurityModel, number: int) -> bool:
        identities = {number, PUBLIC, *security.roles_of(number)}
        return not any(
            (entry.state, entry.permission) == ("DENY", "CONNECT") and entry.grantee in identities
            for entry in security.permissions
        )

    def holds(self, permission: str, securable: str, database: Database, model: Model, *majors: int) -> bool:
        """``majors`` are the numbers of the object and its schema, or of the schema."""
        user = self.user(database, model)
        if user is None:
            return False
        if user == DBO:
            return True
        identities = {user, PUBLIC, *model.security.roles_of(user)}
        wanted = {(kind, _major(kind, majors), name) for kind, name in covering(securable, permission)}
        states = {
            entry.state
            for entry in model.security.permissions
            if entry.grantee in identities and (entry.securable, entry.major, entry.permission) in wanted
        }
        on_database = {name for kind, _, name in wanted if kind == DATABASE}
        if "DENY" in states or any(on_database & DENIED.get(number, frozenset()) for number in identities):
            return False
        if states or _OWNER_ROLE in identities:
            return True
        if any(on_database & GRANTED.get(number, frozenset()) for number in identities):
            return True
        return any(kind == SERVER and self.on_server(name) for kind, _, name in wanted)

    def is_member(self, role: str, database: Database, model: Model) -> int | None:
        """IS_MEMBER and IS_ROLEMEMBER; None for a role that does not exist."""
        number = role_number(role, model.security)
        if number is None:
            return None
        user = self.user(database, model)
        if number == PUBLIC:
            return int(user is not None)
        if user == DBO:
            return int(number == _OWNER_ROLE)
        return int(user is not None and number in model.security.roles_of(user))


def _major(kind: str, majors: tuple[int, ...]) -> int:
    if kind == OBJECT:
        return majors[0]
    if kind == SCHEMA:
        return majors[-1]
    return 0


def role_number(name: str, security: SecurityModel) -> int | None:
    if name.lower() == "public":
        return PUBLIC
    fixed = DATABASE_ROLES.get(name.lower())
    if fixed is not None:
        return fixed[0]
    found = security.named(name)
    return found.principal_id if found is not None and found.kind == "R" else None


def is_permission(securable: str, permission: str) -> bool:
    return permission in PERMISSIONS[securable]
