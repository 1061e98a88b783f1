"""Releases and deployments: really carried out, so that tasks, logs, artifacts and events are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource
from standins.sample.projects import Plan

#: Packages the built-in feed has of each application.
VERSIONS = ("1.0.0", "1.0.1", "1.1.0")


class DeploymentFailed(Exception):
    """A deployment of the sample did not end as it should; the sample would not be what it says."""


@dataclass(slots=True)
class History:
    releases: list[Resource] = field(default_factory=list[Resource])
    deployments: list[Resource] = field(default_factory=list[Resource])
    interruption: Resource | None = None
    waiting_task: str = ""


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is to release and deploy; projects and processes by name."""

    instance: Instance
    made: Foundations
    plans: Sequence[Plan]
    projects: Mapping[str, Resource]
    processes: Mapping[str, Resource]
    tenants: Sequence[Resource]


def build(stock: Stock) -> History:
    """Stage by stage: first deployments first, promotions when those are done."""
    history = History()
    each = stock.instance.each(lambda plan: _releases(stock, plan), stock.plans)
    by_project = dict(zip((plan.name for plan in stock.plans), each, strict=True))
    history.releases = [release for releases in by_project.values() for release in releases]
    running = [plan for plan in stock.plans if plan.runs and not plan.disabled]
    for stage in range(max(len(plan.environments) for plan in running)):
        orders = [
            order
            for plan in running
            if stage < len(plan.environments) and plan.lifecycle != "Continuous" and not _waits(plan, stage)
            for release in by_project[plan.name][: 1 if stage else None]
            for order in _orders(stock, plan, release, stage)
        ]
        deployed = stock.instance.each(lambda order: stock.instance.post("deployments", order), orders)
        _expect_success(stock.instance, deployed)
        history.deployments.extend(deployed)
    _leave_waiting(stock, by_project["Payments"][0], history)
    return history


def _waits(plan: Plan, stage: int) -> bool:
    """Payments stops for a person in Test: that deployment is left waiting on purpose."""
    return plan.name == "Payments" and plan.environments[stage] != "Development"


def _releases(stock: Stock, plan: Plan) -> list[Resource]:
    project = stock.projects[plan.name]
    made: list[Resource] = []
    for number in range(plan.releases):
        version = VERSIONS[number % len(VERSIONS)]
        body = {
            "ProjectId": project["Id"],
            "Version": version,
            "ReleaseNotes": f"## {project['Name']} {version}\n* Change number {number + 1}",
            "SelectedPackages": _selected(stock.processes[plan.name], version),
        }
        made.append(stock.instance.post("releases", body))
    return made


def _selected(process: Resource, version: str) -> list[Resource]:
    """Versions for every package of the process; a release of another project is a package, too."""
    return [
        {
            "StepName": action["Name"],
            "ActionName": action["Name"],
            "PackageReferenceName": package.get("Name") or "",
            "Version": VERSIONS[0] if action["ActionType"] == "Octopus.DeployRelease" else version,
        }
        for step in process["Steps"]
        for action in step["Actions"]
        for package in action.get("Packages") or ()
    ]


def _orders(stock: Stock, plan: Plan, release: Resource, stage: int) -> list[Resource]:
    """One deployment, or one for each of the first tenants connected to the project."""
    body: Resource = {
        "ReleaseId": release["Id"],
        "EnvironmentId": stock.made.environment(plan.environments[stage]),
        "Comments": f"Stage {stage + 1} of the sample",
        "FormValues": {},
    }
    if plan.tenancy == "Untenanted":
        return [body]
    chosen = [tenant for tenant in stock.tenants[:3] if release["ProjectId"] in tenant["ProjectEnvironments"]]
    return [{**body, "TenantId": tenant["Id"]} for tenant in chosen]


def _expect_success(instance: Instance, deployments: Sequence[Resource]) -> None:
    tasks = instance.wait_for([deployment["TaskId"] for deployment in deployments])
    failed = [
        f"{task['Description']}: {task['State']} {task['ErrorMessage']}"
        for task in tasks.values()
        if task["State"] != "Success"
    ]
    if failed:
        raise DeploymentFailed("; ".join(failed))


def _leave_waiting(stock: Stock, release: Resource, history: History) -> None:
    body: Resource = {"ReleaseId": release["Id"], "EnvironmentId": stock.made.environment("Test"), "FormValues": {}}
    deployment = stock.instance.post("deployments", body)
    stock.instance.wait_for([deployment["TaskId"]], waiting_is_enough=True)
    found = stock.instance.get(f"interruptions?regarding={deployment['TaskId']}&pendingOnly=true")["Items"]
    history.deployments.append(deployment)
    history.interruption = found[0]
    history.waiting_task = deployment["TaskId"]
