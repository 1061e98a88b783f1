"""Users, teams and roles: what people and build servers may do on the sample instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from standins.sample import secret_material
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource

#: A role of the house: reads releases and their history, changes nothing.
AUDITOR = "Release auditor"
_AUDITOR_PERMISSIONS = (
    "ProjectView",
    "ProcessView",
    "EnvironmentView",
    "ReleaseView",
    "DeploymentView",
    "TaskView",
    "EventView",
    "ArtifactView",
    "InterruptionView",
    "LifecycleView",
    "VariableView",
)
_SYSTEM_TOO = ("TaskView", "EventView")


@dataclass(frozen=True, slots=True)
class Person:
    """A user and the team made for that kind of person."""

    username: str
    display: str
    team: str
    roles: Sequence[str]
    environments: Sequence[str] = ()
    groups: Sequence[str] = ()
    service: bool = False


PEOPLE = (
    Person("viola.viewer", "Viola Viewer", "Observers", ["Project viewer", "Environment viewer"]),
    Person(
        "dora.deployer", "Dora Deployer", "Test deployers", ["Project deployer"], environments=["Development", "Test"]
    ),
    Person("leo.lead", "Leo Lead", "Web leads", ["Project lead"], groups=["Web"]),
    Person("emil.environments", "Emil Environments", "Infrastructure", ["Environment manager"]),
    Person("tara.tenants", "Tara Tenants", "Customer care", ["Tenant manager", "Project viewer"]),
    Person(
        "rita.releases",
        "Rita Releases",
        "Release managers",
        ["Release creator", "Deployment creator", "Project viewer"],
    ),
    Person("ada.auditor", "Ada Auditor", "Auditors", [AUDITOR]),
    Person("build.server", "Build server", "Build servers", ["Build server", "Package publisher"], service=True),
)


def build(instance: Instance, made: Foundations, seed: int) -> list[Resource]:
    """Make everybody; what a harness needs to log in as each of them."""
    instance.post("userroles", _auditor_role(instance), system=True)
    roles = {role["Name"].lower(): role["Id"] for role in instance.get("userroles/all", system=True)}
    users = instance.create_all("users", [_user(seed, person) for person in PEOPLE], system=True)
    for person, user in zip(PEOPLE, users, strict=True):
        _team(instance, made, person, user, [roles[name.lower()] for name in person.roles])
    keys = [
        instance.post(f"users/{user['Id']}/apikeys", {"Purpose": "Rehearsal"}, system=True)["ApiKey"] for user in users
    ]
    return [
        {
            "Id": user["Id"],
            "Username": person.username,
            "Password": None if person.service else secret_material.password(seed, person.username),
            "ApiKey": key,
            "Team": person.team,
            "Roles": list(person.roles),
            "IsService": person.service,
        }
        for person, user, key in zip(PEOPLE, users, keys, strict=True)
    ]


def _auditor_role(instance: Instance) -> Resource:
    body: Resource = {"Name": AUDITOR, "Description": "Looks back, changes nothing"}
    if instance.since(2019, 1):
        body["GrantedSpacePermissions"] = list(_AUDITOR_PERMISSIONS)
        body["GrantedSystemPermissions"] = list(_SYSTEM_TOO)
    else:
        body["GrantedPermissions"] = list(_AUDITOR_PERMISSIONS)
    return body


def _user(seed: int, person: Person) -> Resource:
    body: Resource = {
        "Username": person.username,
        "DisplayName": person.display,
        "EmailAddress": f"{person.username}@acme.test",
        "IsActive": True,
        "IsService": person.service,
    }
    if not person.service:
        body["Password"] = secret_material.password(seed, person.username)
    return body


def _team(instance: Instance, made: Foundations, person: Person, user: Resource, roles: Sequence[str]) -> None:
    """Before 2019.1 the team itself carries roles and scopes; since then scoped user roles do."""
    scopes = {
        "EnvironmentIds": [made.environment(name) for name in person.environments],
        "ProjectGroupIds": [made.groups[name]["Id"] for name in person.groups],
        "ProjectIds": [],
        "TenantIds": [],
    }
    body: Resource = {"Name": person.team, "MemberUserIds": [user["Id"]], "ExternalSecurityGroups": []}
    if not instance.since(2019, 1):
        instance.post("teams", {**body, **scopes, "TenantTags": [], "UserRoleIds": list(roles)}, system=True)
        return
    team = instance.post("teams", {**body, "SpaceId": instance.space}, system=True)
    for role in roles:
        instance.post(
            "scopeduserroles",
            {"TeamId": team["Id"], "UserRoleId": role, "SpaceId": instance.space, **scopes},
            system=True,
        )
