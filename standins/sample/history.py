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


def build(
    instance: Instance,
    made: Foundations,
    plans: Sequence[Plan],
    projects: Mapping[str, Resource],
    processes: Mapping[str, Resource],
    tenants: Sequence[Resource],
) -> History:
    """Stage by stage: first deployments first, promotions when those are done."""
    history = History()
    by_project = dict(
        zip(
            (plan.name for plan in plans),
            instance.each(lambda plan: _releases(instance, plan, projects[plan.name], processes[plan.name]), plans),
            strict=True,
        )
    )
    history.releases = [release for releases in by_project.values() for release in releases]
    running = [plan for plan in plans if plan.runs and not plan.disabled]
    for stage in range(max(len(plan.environments) for plan in running)):
        # A project that deploys another's release, or deploys by itself, would wait for tasks of the same stage: that is fine.
        orders = [
            (plan, release)
            for plan in running
            if stage < len(plan.environments) and plan.lifecycle != "Continuous" and not _waits(plan, stage)
            for release in by_project[plan.name][: 1 if stage else None]
        ]
        deployed = [
            deployment
            for batch in instance.each(
                lambda order: _deploy(instance, made, order[0], order[1], stage, tenants), orders
            )
            for deployment in batch
        ]
        _expect_success(instance, deployed)
        history.deployments.extend(deployed)
    _leave_waiting(instance, made, by_project["Payments"][0], history)
    return history


def _waits(plan: Plan, stage: int) -> bool:
    """Payments stops for a person in Test: that deployment is left waiting on purpose."""
    return plan.name == "Payments" and plan.environments[stage] != "Development"


def _releases(instance: Instance, plan: Plan, project: Resource, process: Resource) -> list[Resource]:
    made: list[Resource] = []
    for number in range(plan.releases):
        version = VERSIONS[number % len(VERSIONS)]
        made.append(
            instance.post(
                "releases",
                {
                    "ProjectId": project["Id"],
                    "Version": version,
                    "ReleaseNotes": f"## {project['Name']} {version}\n* Change number {number + 1}",
                    "SelectedPackages": _selected(process, version),
                },
            )
        )
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


def _deploy(
    instance: Instance, made: Foundations, plan: Plan, release: Resource, stage: int, tenants: Sequence[Resource]
) -> list[Resource]:
    body: Resource = {
        "ReleaseId": release["Id"],
        "EnvironmentId": made.environment(plan.environments[stage]),
        "Comments": f"Stage {stage + 1} of the sample",
        "FormValues": {},
    }
    if plan.tenancy == "Untenanted":
        return [instance.post("deployments", body)]
    chosen = [tenant for tenant in tenants[:3] if release["ProjectId"] in tenant["ProjectEnvironments"]]
    return [instance.post("deployments", {**body, "TenantId": tenant["Id"]}) for tenant in chosen]


def _expect_success(instance: Instance, deployments: Sequence[Resource]) -> None:
    tasks = instance.wait_for([deployment["TaskId"] for deployment in deployments])
    failed = [
        f"{task['Description']}: {task['State']} {task['ErrorMessage']}"
        for task in tasks.values()
        if task["State"] != "Success"
    ]
    if failed:
        raise DeploymentFailed("; ".join(failed))


def _leave_waiting(instance: Instance, made: Foundations, release: Resource, history: History) -> None:
    deployment = instance.post(
        "deployments", {"ReleaseId": release["Id"], "EnvironmentId": made.environment("Test"), "FormValues": {}}
    )
    instance.wait_for([deployment["TaskId"]], waiting_is_enough=True)
    found = instance.get(f"interruptions?regarding={deployment['TaskId']}&pendingOnly=true")["Items"]
    history.deployments.append(deployment)
    history.interruption = found[0]
    history.waiting_task = deployment["TaskId"]
