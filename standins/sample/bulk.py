"""What makes an instance large: many projects with releases, tenants, targets and library sets, all alike.

Deployments are what the rest of the sample is for; here only numbers count, so that the time that observing, comparing
and cloning take can be seen to grow with the instance.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from standins.sample import steps
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource
from standins.sample.library import save_variables

#: Resources of the whole instance, by size; the smallest has what its parts need and no more.
RESOURCES: Final[Mapping[str, int]] = {"s": 0, "m": 10_000, "l": 100_000}

#: One of each kind for so many resources; releases make up the rest.
_ONE_PROJECT_IN: Final = 100
_ONE_TENANT_IN: Final = 40
_ONE_TARGET_IN: Final = 20
_ONE_LIBRARY_SET_IN: Final = 200


def build(
    instance: Instance, made: Foundations, seed: int, size: str, *, there: int, say: Callable[[str], None]
) -> None:
    """Add to the ``there`` resources of an instance what is missing to its size."""
    wanted = RESOURCES[size]
    if not wanted:
        return
    chance = random.Random(seed)
    say(f"{wanted - there} more resources")
    group = instance.post("projectgroups", {"Name": "Bulk"})
    projects = instance.create_all(
        "projects", (_project(made, group, number) for number in range(wanted // _ONE_PROJECT_IN))
    )
    instance.each(lambda project: _process(instance, made, project), projects)
    instance.each(lambda body: instance.post("tenants", body), map(_tenant, range(wanted // _ONE_TENANT_IN)))
    targets = [_target(made, chance, number) for number in range(wanted // _ONE_TARGET_IN)]
    instance.each(lambda body: instance.post("machines", body), targets)
    sets = [{"Name": f"Bulk settings {n}", "ContentType": "Variables"} for n in range(wanted // _ONE_LIBRARY_SET_IN)]
    instance.each(lambda body: instance.post("libraryvariablesets", body), sets)
    # A project brings its process, its variables and a channel; a library set its variables.
    missing = wanted - there - len(projects) * 4 - len(targets) - len(sets) * 2 - wanted // _ONE_TENANT_IN - 1
    say(f"{missing} releases")
    instance.each(
        lambda number: instance.post("releases", _release(projects[number % len(projects)], number // len(projects))),
        range(missing),
    )


def _project(made: Foundations, group: Resource, number: int) -> Resource:
    return {
        "Name": f"Bulk {number:05}",
        "Description": f"Service number {number} of Acme Corporation",
        "ProjectGroupId": group["Id"],
        "LifecycleId": next(iter(made.lifecycles.values()))["Id"],
    }


def _process(instance: Instance, made: Foundations, project: Resource) -> None:
    name = project["Name"]
    instance.put(
        f"deploymentprocesses/{project['DeploymentProcessId']}",
        {
            "Id": project["DeploymentProcessId"],
            "ProjectId": project["Id"],
            "Version": 0,
            "LastSnapshotId": None,
            "Steps": [steps.bash(name, "Say hello", f"echo 'Hello from {name}'")],
        },
    )
    variables: list[Resource] = [
        {"Name": "Bulk.Address", "Value": f"https://{environment.lower()}.acme.test/{project['Id']}",
         "Scope": {"Environment": [made.environment(environment)]}, "IsSensitive": False, "IsEditable": True}
        for environment in ("Development", "Test", "Production")
    ]  # fmt: skip
    save_variables(instance, project["VariableSetId"], project["Id"], variables)


def _tenant(number: int) -> Resource:
    return {"Name": f"Bulk customer {number:05}", "TenantTags": [], "ProjectEnvironments": {}}


def _target(made: Foundations, chance: random.Random, number: int) -> Resource:
    environment = chance.choice(("Development", "Test", "Staging", "Production"))
    return {
        "Name": f"Bulk region {number:05}",
        "EnvironmentIds": [made.environment(environment)],
        "Roles": [f"bulk-{chance.randrange(20)}"],
        "Endpoint": {"CommunicationStyle": "None"},
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
        "IsDisabled": False,
    }


def _release(project: Resource, number: int) -> Resource:
    return {"ProjectId": project["Id"], "Version": f"1.0.{number}", "SelectedPackages": []}
