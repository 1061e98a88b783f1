"""Fills one instance: foundations, people, projects, tenants, history, automation.

And says what a harness needs to know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from standins.sample import archives, automation, bulk, foundations, history, people, pictures, steps, tenants
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource
from standins.sample.library import save_variables
from standins.sample.projects import Plan, plans

#: How many times the project list, the tenants and the targets are multiplied.
SCALES = {"s": 1, "m": 3, "l": 10}


def load(instance: Instance, *, seed: int, size: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Returns what ``--json`` writes."""
    scale = SCALES[size]
    if not instance.since(2019, 1):
        features = instance.get("featuresconfiguration", system=True)
        instance.put("featuresconfiguration", {**features, "IsMultiTenancyEnabled": True}, system=True)
    say("environments, targets, library")
    made = foundations.build(instance, seed, scale)
    say("packages")
    _packages(instance)
    say("people")
    users = people.build(instance, made, seed)
    say("projects")
    chosen = _chosen(scale)
    projects, processes = _projects(instance, made, chosen, seed)
    say("tenants")
    tenant_list = tenants.build(instance, made, projects, seed, scale)
    say("releases and deployments")
    past = history.build(history.Stock(instance, made, chosen, projects, processes, tenant_list))
    say("triggers, subscriptions, runbooks")
    automation.build(instance, made, projects, past)
    bulk.build(instance, made, seed, size, there=_resources(_counts(instance)), say=say)
    summary = _summary(instance, made, projects["Canary"], past)
    return {"Seed": seed, "Size": size, "Users": users, **summary}


def _chosen(scale: int) -> list[Plan]:
    """The plans, and for larger sizes copies of those that stand alone."""
    originals = plans()
    copies = [
        replace(plan, name=f"{plan.name} {round_ + 1}", releases=plan.releases, after="")
        for round_ in range(1, scale)
        for plan in originals
        if plan.name
        in {"Catalogue API", "Warehouse loader", "Nightly batch", "Maintenance scripts", "Weekly report", "Network"}
    ]
    return [*originals, *copies]


def _packages(instance: Instance) -> None:
    wanted = {plan.package for plan in plans() if plan.package}
    bundles = [archives.application(package, version) for package in sorted(wanted) for version in history.VERSIONS]
    mode = "overwriteMode=OverwriteExisting" if instance.since(2019, 7) else "replace=true"
    instance.each(lambda bundle: instance.upload("POST", f"packages/raw?{mode}", bundle.file, bundle.content), bundles)


def _projects(
    instance: Instance, made: Foundations, chosen: Sequence[Plan], seed: int
) -> tuple[dict[str, Resource], dict[str, Resource]]:
    created = instance.create_all("projects", (_project(made, plan) for plan in chosen))
    projects = dict(zip((plan.name for plan in chosen), created, strict=True))

    def complete(plan: Plan) -> Resource:
        project = projects[plan.name]
        process = _process(instance, made, plan, projects)
        _channels(instance, made, plan, project)
        if plan.variables is not None:
            save_variables(instance, project["VariableSetId"], project["Id"], plan.variables(made, seed))
        return process

    processes = dict(zip((plan.name for plan in chosen), instance.each(complete, chosen), strict=True))
    for number, plan in enumerate(chosen[:8]):
        picture = pictures.png(seed * 1009 + number)
        instance.upload(
            "POST", f"projects/{projects[plan.name]['Id']}/logo", "logo.png", picture, media_type="image/png"
        )
    return projects, processes


def _project(made: Foundations, plan: Plan) -> Resource:
    return {
        "Name": plan.name,
        "Description": f"{plan.name} of Acme Corporation",
        "ProjectGroupId": made.groups[plan.group]["Id"],
        "LifecycleId": made.lifecycles[plan.lifecycle]["Id"],
        "IncludedLibraryVariableSetIds": [made.library[name]["Id"] for name in plan.libraries],
        "TenantedDeploymentMode": plan.tenancy,
        "IsDisabled": plan.disabled,
        "Templates": list(plan.templates),
        "ProjectConnectivityPolicy": {"SkipMachineBehavior": "None", "AllowDeploymentsToNoTargets": False},
        **plan.settings,
    }


def _process(instance: Instance, made: Foundations, plan: Plan, projects: dict[str, Resource]) -> Resource:
    project = projects[plan.name]
    process_id = project["DeploymentProcessId"]
    return instance.put(
        f"deploymentprocesses/{process_id}",
        {
            "Id": process_id,
            "ProjectId": project["Id"],
            "Version": 0,
            "LastSnapshotId": None,
            "Steps": _own_ids(plan.name, plan.process(made, projects)),
        },
    )


def _own_ids(project: str, process: list[Resource]) -> list[Resource]:
    """Copies of a plan share its builders; their steps still need ids of their own."""
    for step in process:
        step["Id"] = steps.stable_id(project, "step", step["Name"])
        for action in step["Actions"]:
            action["Id"] = steps.stable_id(project, "action", action["Name"])
    return process


def _channels(instance: Instance, made: Foundations, plan: Plan, project: Resource) -> None:
    for channel in plan.channels:
        rule: Resource = {"VersionRange": channel["Range"], "Tag": channel["Tag"]}
        if instance.since(2019, 1):
            rule["ActionPackages"] = [{"DeploymentAction": "Deploy site", "PackageReference": ""}]
        else:
            rule["Actions"] = ["Deploy site"]
        instance.post(
            "channels",
            {
                "Name": channel["Name"],
                "Description": f"{channel['Name']} releases",
                "ProjectId": project["Id"],
                "LifecycleId": made.lifecycles[channel["LifecycleName"]]["Id"],
                "IsDefault": False,
                "Rules": [rule],
                "TenantTags": [],
            },
        )


def _summary(instance: Instance, made: Foundations, canary: Resource, past: history.History) -> dict[str, Any]:
    names = {key: value for key, value in made.secrets.items() if key.startswith("variable:Canary:")}
    canaries = [
        {
            "Name": key.split(":")[2].split("@")[0],
            "Environment": key.partition("@")[2] or None,
            "ProjectId": canary["Id"],
            "VariableSetId": canary["VariableSetId"],
            "Sha256": hashlib.sha256(value.encode()).hexdigest(),
        }
        for key, value in names.items()
    ]
    variables = instance.get(f"variables/{canary['VariableSetId']}")["Variables"]
    for entry in canaries:
        scope = [made.environment(entry["Environment"])] if entry["Environment"] else []
        entry["VariableId"] = next(
            variable["Id"]
            for variable in variables
            if variable["Name"] == entry["Name"] and (variable["Scope"].get("Environment") or []) == scope
        )
    return {
        "Version": instance.version,
        "SpaceId": instance.space,
        "Canaries": canaries,
        "CanaryProjectId": canary["Id"],
        "Secrets": dict(made.secrets),
        "WaitingInterruption": {
            "Id": (past.interruption or {}).get("Id"),
            "TaskId": past.waiting_task,
            "DeploymentId": past.deployments[-1]["Id"],
        },
        "Counts": _counts(instance),
    }


#: Lists whose totals a harness compares before and after.
_COUNTED = (
    "environments",
    "machines",
    "workers",
    "projects",
    "projectgroups",
    "lifecycles",
    "channels",
    "tenants",
    "tagsets",
    "libraryvariablesets",
    "actiontemplates",
    "feeds",
    "accounts",
    "certificates",
    "packages",
    "releases",
    "deployments",
    "artifacts",
    "interruptions",
    "projecttriggers",
    "subscriptions",
)


def _resources(counts: Mapping[str, int]) -> int:
    """How many resources these are: each project and each library set has documents of its own besides."""
    return sum(counts.values()) + 2 * counts["projects"] + counts["libraryvariablesets"]


def _counts(instance: Instance) -> dict[str, int]:
    totals = instance.each(lambda path: instance.get(f"{path}?skip=0&take=1")["TotalResults"], _COUNTED)
    return dict(zip(_COUNTED, totals, strict=True))
