"""What a user may do: the permissions of the user's teams, with the scopes they were given in.

Before 2019.1 a team carries its roles and scopes itself; from 2019.1 on scoped user roles tie a team to a role, a
space and scopes (differences of OctopusClients 4.45.0 and 6.0.2). A role's system permissions count wherever the role
was assigned (Octopus docs, "System and space permissions").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from standins.octopus.api.errors import forbidden
from standins.octopus.api.permissions import Permission, permissions_for
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import Document, Transaction, Version

#: Every user is a member of this team, whatever its list of members says (Octopus docs, "Teams").
EVERYONE = "teams-everyone"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role assignment's reach. Empty lists are unrestricted."""

    space: str | None
    projects: frozenset[str] = frozenset()
    project_groups: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()

    def within(self, restrictions: frozenset[str]) -> Grant:
        """The reach as far as a permission can be restricted at all."""
        return Grant(
            self.space,
            self.projects if "Projects" in restrictions else frozenset(),
            self.project_groups if "ProjectGroups" in restrictions else frozenset(),
            self.environments if "Environments" in restrictions else frozenset(),
            self.tenants if "Tenants" in restrictions else frozenset(),
        )

    @property
    def unrestricted(self) -> bool:
        return not (self.projects or self.project_groups or self.environments or self.tenants)

    def as_document(self, *, with_space: bool) -> Document:
        document: Document = {
            "RestrictedToProjectIds": sorted(self.projects),
            "RestrictedToEnvironmentIds": sorted(self.environments),
            "RestrictedToTenantIds": sorted(self.tenants),
            "RestrictedToProjectGroupIds": sorted(self.project_groups),
        }
        return document | {"SpaceId": self.space} if with_space else document


@dataclass(frozen=True, slots=True)
class AccessModel:
    """Teams, roles and assignments as they were read at one moment."""

    version: Version
    teams: Sequence[Document]
    roles: Mapping[str, Document]
    assignments: Mapping[str, Sequence[Document]]  # by team; empty before 2019.1
    groups_of_projects: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(cls, transaction: Transaction, version: Version) -> AccessModel:
        teams = transaction.query("Team")
        roles = {role["Id"]: role for role in transaction.query("UserRole")}
        assignments: defaultdict[str, list[Document]] = defaultdict(list)
        by_group = any(team.get("ProjectGroupIds") for team in teams)
        if has_spaces(version):
            for assignment in transaction.query("ScopedUserRole"):
                assignments[assignment["TeamId"]].append(assignment)
                by_group = by_group or bool(assignment.get("ProjectGroupIds"))
        # A grant for a project group covers its projects: who belongs where is read only when such a grant exists.
        groups = (
            dict[str, str](
                tuple(row) for row in transaction.execute("SELECT [Id], [ProjectGroupId] FROM dbo.[Project]")
            )
            if by_group
            else {}
        )
        return cls(version, teams, roles, dict(assignments), groups)

    def teams_of(self, user_id: str) -> list[Document]:
        return [team for team in self.teams if team["Id"] == EVERYONE or user_id in (team.get("MemberUserIds") or ())]

    def rights_of(self, user: Document) -> UserRights:
        return self.rights_of_teams(self.teams_of(user["Id"]))

    def rights_of_teams(self, teams: Iterable[Document]) -> UserRights:
        known = permissions_for(self.version)
        grants: defaultdict[str, dict[Grant, None]] = defaultdict(dict)
        system: set[str] = set()
        for grant, names in self._granted(teams):
            for name in names:
                permission = known.get(name)
                if permission is None:
                    continue
                if has_spaces(self.version) and permission.at_system_level:
                    system.add(name)
                if (permission.at_space_level and grant.space) or not has_spaces(self.version):
                    grants[name][grant.within(permission.restrictions)] = None
        return UserRights(self, known, frozenset(system), {name: tuple(found) for name, found in grants.items()})

    def _granted(self, teams: Iterable[Document]) -> Iterable[tuple[Grant, Sequence[str]]]:
        for team in teams:
            if not has_spaces(self.version):
                for role in (self.roles.get(document_id) for document_id in team.get("UserRoleIds") or ()):
                    if role is not None:
                        yield _grant(None, team), role.get("GrantedPermissions") or ()
                continue
            for assignment in self.assignments.get(team["Id"], ()):
                role = self.roles.get(assignment["UserRoleId"])
                if role is not None:
                    space = assignment.get("SpaceId")
                    yield Grant(None), role.get("GrantedSystemPermissions") or ()
                    yield _grant(space, assignment), role.get("GrantedSpacePermissions") or () if space else ()


def _grant(space: str | None, scopes: Document) -> Grant:
    def ids(name: str) -> frozenset[str]:
        return frozenset(scopes.get(name) or ())

    return Grant(space, ids("ProjectIds"), ids("ProjectGroupIds"), ids("EnvironmentIds"), ids("TenantIds"))


@dataclass(frozen=True, slots=True)
class UserRights:
    """The rights of one user (contract ``Rights``)."""

    model: AccessModel
    known: Mapping[str, Permission]
    system: frozenset[str]
    grants: Mapping[str, tuple[Grant, ...]]

    def in_space(self, permission: str, space: str | None) -> list[Grant]:
        """The grants of a permission that count in a space (in any space for None)."""
        return [grant for grant in self.grants.get(permission, ()) if space is None or grant.space in (space, None)]

    def holds(self, permission: str, space: str | None) -> bool:
        """Whether the permission is held for at least something in the space, or at system level when there is no
        space.
        """
        rule = self.known.get(permission)
        if rule is None:
            return False
        if rule.at_system_level and permission in self.system and (space is None or not rule.at_space_level):
            return True
        return bool(self.in_space(permission, space))

    def allows(
        self,
        permission: str,
        *,
        space: str | None = None,
        projects: Sequence[str] | None = None,
        project_groups: Sequence[str] | None = None,
        environments: Sequence[str] | None = None,
        tenants: Sequence[str] | None = None,
    ) -> bool:
        rule = self.known.get(permission)
        if rule is None:
            return False
        if rule.at_system_level and permission in self.system and (space is None or not rule.at_space_level):
            return True
        return any(
            self._covers(grant, projects, project_groups, environments, tenants)
            for grant in self.in_space(permission, space)
        )

    def _covers(
        self,
        grant: Grant,
        projects: Sequence[str] | None,
        project_groups: Sequence[str] | None,
        environments: Sequence[str] | None,
        tenants: Sequence[str] | None,
    ) -> bool:
        if grant.unrestricted:
            return True
        if (grant.projects or grant.project_groups) and (projects is not None or project_groups is not None):
            groups = set(project_groups or ()) | {
                self.model.groups_of_projects.get(project, "") for project in projects or ()
            }
            if not (grant.projects & set(projects or ()) or grant.project_groups & groups):
                return False
        if grant.environments and environments and not grant.environments & set(environments):
            return False
        return not (grant.tenants and tenants and not grant.tenants & set(tenants))

    def require(
        self,
        permission: str,
        *,
        space: str | None = None,
        projects: Sequence[str] | None = None,
        project_groups: Sequence[str] | None = None,
        environments: Sequence[str] | None = None,
        tenants: Sequence[str] | None = None,
    ) -> None:
        if not self.allows(
            permission,
            space=space,
            projects=projects,
            project_groups=project_groups,
            environments=environments,
            tenants=tenants,
        ):
            raise forbidden(permission)

    def spaces(self, permission: str = "") -> frozenset[str]:
        names = [permission] if permission else list(self.grants)
        return frozenset(grant.space for name in names for grant in self.grants.get(name, ()) if grant.space)

    @property
    def administers(self) -> bool:
        """Holders of AdministerSystem work on while the server is in maintenance mode."""
        return "AdministerSystem" in self.system or "AdministerSystem" in self.grants


def nobody(model: AccessModel) -> UserRights:
    """The rights of a caller without credentials."""
    return UserRights(model, permissions_for(model.version), frozenset(), {})


def of_document(within: Mapping[str, str], document: Document) -> dict[str, Sequence[str]]:
    """What ``allows`` asks about a document, by the resource's ``within`` table. An absent value: the dimension
    does not apply.
    """
    asked: dict[str, Sequence[str]] = {}
    for dimension, name in within.items():
        value = document.get(name)
        if dimension == "projects_any":
            # A tenant is within reach of whoever may see one of its projects; with none it belongs to nobody's
            # projects.
            asked["projects"] = value or list(document.get("ProjectEnvironments") or {})
        elif isinstance(value, str) and value:
            asked[dimension] = [value]
        elif isinstance(value, list) and value:
            asked[dimension] = value
    return asked
