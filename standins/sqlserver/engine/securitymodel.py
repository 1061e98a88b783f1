"""Users, roles and permissions as a database keeps them: they travel with its backups."""

from __future__ import annotations

from dataclasses import dataclass, replace

PUBLIC, DBO, GUEST, INFORMATION_SCHEMA, SYS = 0, 1, 2, 3, 4
#: The first principal_id of a user that somebody made.
FIRST_USER = 5


@dataclass(frozen=True, slots=True)
class PrincipalModel:
    """``kind`` is S (a user) or R (a role); ``sid`` is that of the user's login, in hexadecimal digits."""

    principal_id: int
    name: str
    kind: str
    sid: str = ""
    default_schema: str = "dbo"
    created: str = ""


@dataclass(frozen=True, slots=True)
class PermissionModel:
    """One entry of ``sys.database_permissions``.

    ``state`` is GRANT or DENY; ``securable`` is DATABASE, SCHEMA or OBJECT, and ``major``
    the number of that schema or object (0 for the database).
    """

    state: str
    permission: str
    grantee: int
    securable: str
    major: int


@dataclass(frozen=True, slots=True)
class SecurityModel:
    """``members`` are pairs of role and member."""

    principals: tuple[PrincipalModel, ...] = ()
    members: tuple[tuple[int, int], ...] = ()
    permissions: tuple[PermissionModel, ...] = ()

    def named(self, name: str) -> PrincipalModel | None:
        return next((found for found in self.principals if found.name.lower() == name.lower()), None)

    def user_of(self, sid: str) -> PrincipalModel | None:
        return next((found for found in self.principals if found.kind == "S" and found.sid == sid), None)

    def next_id(self) -> int:
        return max((found.principal_id for found in self.principals), default=FIRST_USER - 1) + 1

    def with_principal(self, principal: PrincipalModel) -> SecurityModel:
        others = tuple(found for found in self.principals if found.principal_id != principal.principal_id)
        return replace(self, principals=(*others, principal))

    def without_principal(self, number: int) -> SecurityModel:
        return SecurityModel(
            tuple(found for found in self.principals if found.principal_id != number),
            tuple(pair for pair in self.members if number not in pair),
            tuple(found for found in self.permissions if found.grantee != number),
        )

    def with_member(self, role: int, member: int) -> SecurityModel:
        return replace(self, members=(*(pair for pair in self.members if pair != (role, member)), (role, member)))

    def without_member(self, role: int, member: int) -> SecurityModel:
        return replace(self, members=tuple(pair for pair in self.members if pair != (role, member)))

    def roles_of(self, number: int) -> set[int]:
        """Every role the principal is a member of, directly or through another."""
        found: set[int] = set()
        todo = [number]
        while todo:
            current = todo.pop()
            for role, member in self.members:
                if member == current and role not in found:
                    found.add(role)
                    todo.append(role)
        return found

    def changed(self, entry: PermissionModel, *, revoke: bool = False) -> SecurityModel:
        """A GRANT takes the place of a DENY of the same permission and the other way round; REVOKE takes both away."""
        key = (entry.permission, entry.grantee, entry.securable, entry.major)
        others = tuple(
            found
            for found in self.permissions
            if (found.permission, found.grantee, found.securable, found.major) != key
        )
        return replace(self, permissions=others if revoke else (*others, entry))

    def without_securable(self, securable: str, major: int) -> SecurityModel:
        """After an object or a schema was dropped."""
        kept = tuple(found for found in self.permissions if (found.securable, found.major) != (securable, major))
        return self if len(kept) == len(self.permissions) else replace(self, permissions=kept)
