"""The executions API of 2022.3: releases, deployments and runbook runs by names, in one request each.

Bodies and replies: api-client.ts and go-octopusdeploy. Values may be names, slugs or ids; an unknown one is a 400
that names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from standins.octopus.api.errors import invalid
from standins.octopus.behaviour import (
    deployments,
    freezes,
    releases,
    routes_deployments,
    routes_freezes,
    routes_releases,
    routes_runbook_runs,
)
from standins.octopus.behaviour.documents import folded, is_true, listed, mapped, text_of, texts
from standins.octopus.behaviour.moments import asked_moment
from standins.octopus.behaviour.plan import PackageUse, process_packages
from standins.octopus.behaviour.runbook_runs import RunOrder
from standins.octopus.contract import Call, Document, Reply, Route

SINCE = "2022.3"


def _named(call: Call, kind: str, wanted: str, *, what: str, where: dict[str, Any] | None = None) -> Document:
    """By id, by name, or by slug where the kind has one."""
    direct = call.transaction.load(kind, wanted)
    if direct is not None and direct.get("SpaceId") == call.space:
        return direct
    columns = call.server.store.kind(kind).columns
    for column in ("Name", "Slug"):
        if column in columns:
            found = call.transaction.query(kind, where={**(where or {}), column: wanted}, space=call.space, take=1)
            if found:
                return found[0]
    raise invalid(f"{what}: the resource '{wanted}' was not found.")


def _project(call: Call, body: Document) -> Document:
    wanted = text_of(body.get("projectname")) or text_of(body.get("projectidorname"))
    if not wanted:
        raise invalid("Please provide a value for ProjectName.")
    return _named(call, "Project", wanted, what="ProjectName")


# -- releases ----------------------------------------------------------------------------------------------------


def create_release(call: Call) -> Reply:
    body = folded(call.body)
    project = _project(call, body)
    if call.rights is not None:
        call.rights.require("ReleaseCreate", space=call.space, projects=[project["Id"]])
    channel_name = text_of(body.get("channelname")) or text_of(body.get("channelidorname"))
    channel = (
        _named(call, "Channel", channel_name, what="ChannelName", where={"ProjectId": project["Id"]})
        if channel_name
        else releases.default_channel(call.transaction, project)
    )
    process = releases.process_of(call.transaction, project)
    version = text_of(body.get("releaseversion"))
    version = version or releases.template(call.transaction, project, process, channel)["NextVersionIncrement"]
    existing = call.transaction.query("Release", where={"ProjectId": project["Id"], "Version": version}, take=1)
    if existing and is_true(body.get("ignoreifalreadyexists")):
        return Reply({"ReleaseId": existing[0]["Id"], "ReleaseVersion": version})
    draft = releases.Draft(
        project,
        version,
        channel,
        body.get("releasenotes"),
        _packages(call, body, process, channel),
        is_true(body.get("ignorechannelrules")),
    )
    release = routes_releases.make(call, draft)
    return Reply({"ReleaseId": release["Id"], "ReleaseVersion": version}, 201)


def _packages(call: Call, body: Document, process: Document, channel: Document) -> list[Document]:
    """``Step:Version``, ``Package:Version``, ``Step:Reference:Version`` and ``PackageVersion`` for all the rest."""
    uses = process_packages(process, channel["Id"])
    default = text_of(body.get("packageversion"))
    given = [entry.split(":") for entry in texts(body, "packages")]
    selected: list[Document] = []
    for use in uses:
        version = _given_version(use, given) or default
        if not version:
            latest = releases.latest_packages(call.transaction, process, channel)
            version = next(
                entry["Version"]
                for entry in latest
                if (entry["ActionName"], entry["PackageReferenceName"]) == (use.action["Name"], use.reference)
            )
        name = use.action["Name"]
        selected.append(
            {"ActionName": name, "StepName": name, "PackageReferenceName": use.reference, "Version": version}
        )
    return selected


def _given_version(use: PackageUse, given: Sequence[list[str]]) -> str:
    for parts in given:
        *names, version = parts
        if (
            len(names) == 2
            and names[0] in {use.action["Name"], use.package_id, "*"}
            and names[1] in {use.reference, "*"}
        ):
            return version
        if len(names) == 1 and names[0] in {use.action["Name"], use.package_id, use.reference, "*"}:
            return version
    return ""


# -- deployments -------------------------------------------------------------------------------------------------


def deploy_untenanted(call: Call) -> Reply:
    body = folded(call.body)
    project = _project(call, body)
    release = _release(call, project, body)
    environments = [
        _named(call, "DeploymentEnvironment", wanted, what="EnvironmentNames")
        for wanted in texts(body, "environmentnames")
    ]
    if not environments:
        raise invalid("Please provide at least one environment.")
    return _deploy(call, body, release, [(environment, None) for environment in environments])


def deploy_tenanted(call: Call) -> Reply:
    body = folded(call.body)
    project = _project(call, body)
    release = _release(call, project, body)
    environment = _named(call, "DeploymentEnvironment", text_of(body.get("environmentname")), what="EnvironmentName")
    tenants = _tenants(call, body, project, environment)
    if not tenants:
        raise invalid("No tenant matches what was asked for.")
    return _deploy(call, body, release, [(environment, tenant) for tenant in tenants])


def _release(call: Call, project: Document, body: Document) -> Document:
    version = text_of(body.get("releaseversion"))
    found = call.transaction.query("Release", where={"ProjectId": project["Id"], "Version": version}, take=1)
    if not found:
        raise invalid(f"ReleaseVersion: the project {project['Name']} has no release {version}.")
    if is_true(body.get("updatevariablesnapshot")):
        releases.snapshot_variables(call.transaction, project, found[0])
    return found[0]


def _tenants(call: Call, body: Document, project: Document, environment: Document) -> list[Document]:
    chosen = [_named(call, "Tenant", wanted, what="Tenants") for wanted in texts(body, "tenants")]
    tags = set(texts(body, "tenanttags"))
    if tags:
        connected = call.transaction.query("Tenant", contains={"ProjectIds": project["Id"]}, order_by="Name")
        chosen.extend(
            tenant
            for tenant in connected
            if not tags.isdisjoint(texts(tenant, "TenantTags"))
            and environment["Id"] in texts(mapped(tenant, "ProjectEnvironments"), project["Id"])
        )
    return list({tenant["Id"]: tenant for tenant in chosen}.values())


def _deploy(
    call: Call,
    body: Document,
    release: Document,
    places: Sequence[tuple[Document, Document | None]],
) -> Reply:
    process = call.transaction.load("DeploymentProcess", release["ProjectDeploymentProcessSnapshotId"]) or {}
    machines = call.transaction.query("Machine", space=call.space)
    variables = call.transaction.load("VariableSet", release["ProjectVariableSetSnapshotId"]) or {}
    despite = _despite(call, body)
    queued = [
        routes_deployments.place_order(
            call,
            deployments.Order(
                release,
                environment,
                tenant,
                skip_actions=_action_ids(process, texts(body, "skipstepnames")),
                specific_machines=_machine_ids(machines, texts(body, "specificmachinenames")),
                excluded_machines=_machine_ids(machines, texts(body, "excludedmachinenames")),
                form_values=_form_values(variables, mapped(body, "variables")),
                comments=text_of(body.get("comments")),
                guided_failure=body.get("useguidedfailure"),
                force_download=is_true(body.get("forcepackagedownload")),
                force_redeployment=is_true(body.get("forcepackageredeployment")),
                queue_time=asked_moment(body.get("runat"), "RunAt"),
                expiry=asked_moment(body.get("norunafter"), "NoRunAfter"),
                despite_freezes=despite,
            ),
        )
        for environment, tenant in places
    ]
    return Reply(
        {"DeploymentServerTasks": [{"DeploymentId": entry["Id"], "ServerTaskId": entry["TaskId"]} for entry in queued]},
        201,
    )


def _despite(call: Call, body: Document) -> Document:
    """``deploymentFreezeNames`` and ``deploymentFreezeOverrideReason`` (go-octopusdeploy, executions API)."""
    names = texts(body, "deploymentfreezenames")
    if not names or not call.server.at_least(freezes.SINCE):
        return {}
    chosen = routes_freezes.by_names(call, names)
    return routes_freezes.override(call, chosen, text_of(body.get("deploymentfreezeoverridereason")))


def _action_ids(process: Document, names: Sequence[str]) -> list[str]:
    wanted = {name.lower() for name in names}
    known = {
        action["Name"].lower(): action["Id"] for step in listed(process, "Steps") for action in listed(step, "Actions")
    }
    unknown = wanted - known.keys()
    if unknown:
        raise invalid(*(f"SkipStepNames: there is no step '{name}'." for name in sorted(unknown)))
    return [known[name] for name in wanted]


def _machine_ids(machines: Sequence[Document], names: Sequence[str]) -> list[str]:
    known = {machine["Name"].lower(): machine["Id"] for machine in machines}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise invalid(*(f"The deployment target '{name}' was not found." for name in unknown))
    return [known[name.lower()] for name in names]


def _form_values(variables: Document, given: dict[str, Any]) -> dict[str, Any]:
    """The executions API names prompted variables; forms know them by id."""
    wanted = {name.lower(): value for name, value in given.items()}
    return {
        variable["Id"]: wanted[variable["Name"].lower()]
        for variable in listed(variables, "Variables")
        if variable.get("Prompt") and variable["Name"].lower() in wanted
    }


# -- runbooks ----------------------------------------------------------------------------------------------------


def run_runbook(call: Call) -> Reply:
    body = folded(call.body)
    project = _project(call, body)
    runbook = _named(
        call, "Runbook", text_of(body.get("runbookname")), what="RunbookName", where={"ProjectId": project["Id"]}
    )
    wanted = text_of(body.get("snapshot")) or text_of(runbook.get("PublishedRunbookSnapshotId"))
    if not wanted:
        raise invalid(f"The runbook {runbook['Name']} has no published snapshot.")
    snapshot = _named(call, "RunbookSnapshot", wanted, what="Snapshot", where={"RunbookId": runbook["Id"]})
    process = call.transaction.load("RunbookProcess", snapshot["FrozenRunbookProcessId"]) or {}
    machines = call.transaction.query("Machine", space=call.space)
    variables = call.transaction.load("VariableSet", snapshot["ProjectVariableSetSnapshotId"]) or {}
    queued: list[Document] = []
    for name in texts(body, "environmentnames"):
        environment = _named(call, "DeploymentEnvironment", name, what="EnvironmentNames")
        for tenant in _tenants(call, body, project, environment) or [None]:
            order = RunOrder(
                runbook,
                snapshot,
                environment,
                tenant,
                skip_actions=_action_ids(process, texts(body, "skipstepnames")),
                specific_machines=_machine_ids(machines, texts(body, "specificmachinenames")),
                excluded_machines=_machine_ids(machines, texts(body, "excludedmachinenames")),
                form_values=_form_values(variables, mapped(body, "variables")),
                guided_failure=body.get("useguidedfailure"),
                force_download=is_true(body.get("forcepackagedownload")),
                queue_time=asked_moment(body.get("runat"), "RunAt"),
                expiry=asked_moment(body.get("norunafter"), "NoRunAfter"),
            )
            queued.append(routes_runbook_runs.place_order(call, order))
    if not queued:
        raise invalid("Please provide at least one environment.")
    return Reply(
        {"RunbookRunServerTasks": [{"RunbookRunId": run["Id"], "ServerTaskId": run["TaskId"]} for run in queued]}, 201
    )


ROUTES = (
    # 200 for one that is there already and may be.
    Route("POST", "releases/create/v1", create_release, permission="ReleaseCreate", since=SINCE, statuses=(200, 201)),
    *(
        Route("POST", path, handler, permission=permission, since=SINCE, statuses=(201,))
        for path, handler, permission in (
            ("deployments/create/untenanted/v1", deploy_untenanted, "DeploymentCreate"),
            ("deployments/create/tenanted/v1", deploy_tenanted, "DeploymentCreate"),
            ("runbook-runs/create/v1", run_runbook, "RunbookRunCreate"),
        )
    ),
)
