"""Deployment targets, workers and their pools, machine policies, proxies."""

from __future__ import annotations

from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.crud import find_item, present
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import select, selection_of
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.api.resources.environments import machine_counts, machine_filter, sort_documents
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: Endpoint types, with the version each is known from (values of EndpointResource.CommunicationStyle).
_STYLES = {
    "None": "",
    "TentaclePassive": "",
    "TentacleActive": "",
    "Ssh": "",
    "OfflineDrop": "",
    "AzureWebApp": "",
    "Ftp": "",
    "AzureCloudService": "",
    "AzureServiceFabricCluster": "",
    "Kubernetes": "",
    "StepPackage": "2021.3",
    "KubernetesTentacle": "2024.3",
}


def _default_policy(call: Call) -> str | None:
    found = call.transaction.query("MachinePolicy", where={"IsDefault": True}, space=call.space, take=1)
    return found[0]["Id"] if found else None


def _complete_machine(call: Call, document: Document, existing: Document | None) -> None:
    """The columns that repeat what the endpoint says, and the state a machine has before its first health check."""
    endpoint = mapped(document, "Endpoint")
    style = str(endpoint.get("CommunicationStyle") or "None")
    since = _STYLES.get(style)
    if since is None or (since and not call.server.at_least(since)):
        raise invalid(f"The communication style {style} is not supported.")
    document["Endpoint"] = {**endpoint, "CommunicationStyle": style}
    document["CommunicationStyle"] = style
    document["Thumbprint"] = endpoint.get("Thumbprint") or document.get("Thumbprint")
    document["Uri"] = endpoint.get("Uri") or document.get("Uri")
    document["Fingerprint"] = endpoint.get("Fingerprint")
    document["MachinePolicyId"] = document.get("MachinePolicyId") or _default_policy(call)
    document["RelatedDocumentIds"] = [
        document_id
        for document_id in (endpoint.get("AccountId"), endpoint.get("ProxyId"))
        if isinstance(document_id, str) and document_id
    ]
    kept = existing or {
        "HealthStatus": "Unknown",
        "StatusSummary": "This machine was recently added. Please perform a health check.",
    }
    for name in ("HealthStatus", "StatusSummary", "Status", "HasLatestCalamari", "IsInProcess"):
        if name in kept:
            document[name] = kept[name]


def _prepare_machine(call: Call, document: Document, existing: Document | None) -> None:
    _complete_machine(call, document, existing)
    if not document.get("EnvironmentIds"):
        raise invalid("Please select at least one environment.")
    if not document.get("Roles"):
        raise invalid("Please select at least one role.")
    if call.server.at_least("2021.1.8018"):
        document["DeploymentTargetType"] = document["CommunicationStyle"]
    _check_tenancy(document)


def _check_tenancy(document: Document) -> None:
    if document.get("TenantedDeploymentParticipation") == "Untenanted" and (
        document.get("TenantIds") or document.get("TenantTags")
    ):
        raise invalid("A deployment target that takes no part in tenanted deployments cannot be connected to tenants.")


def _prepare_worker(call: Call, document: Document, existing: Document | None) -> None:
    _complete_machine(call, document, existing)
    if not document.get("WorkerPoolIds"):
        raise invalid("Please select at least one worker pool.")


def _show_status(_call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    """The older Status follows from health and from being disabled."""
    states = {"Healthy": "Online", "HasWarnings": "Online", "Unhealthy": "Online", "Unavailable": "Offline"}
    for item, document in zip(shown, stored, strict=True):
        health = str(document.get("HealthStatus") or "Unknown")
        item["HealthStatus"] = health
        if "Status" in item:
            item["Status"] = "Disabled" if document.get("IsDisabled") else states.get(health, "Unknown")
        item["IsInProcess"] = bool(document.get("IsInProcess"))


hooks.register("Machine", prepare=_prepare_machine, show=_show_status)
hooks.register("Worker", prepare=_prepare_worker, show=_show_status)


def all_roles(call: Call) -> Reply:
    """Every role some target has."""
    machines = call.transaction.query("Machine", space=call.space)
    return Reply(sorted({role for machine in machines for role in listed(machine, "Roles")}, key=str.lower))


def _distinct(call: Call, kind: str, name: str) -> Reply:
    found = {str(machine[name]) for machine in call.transaction.query(kind, space=call.space) if machine.get(name)}
    return Reply(sorted(found))


def machine_systems(call: Call) -> Reply:
    return _distinct(call, "Machine", "OperatingSystem")


def machine_shells(call: Call) -> Reply:
    return _distinct(call, "Machine", "ShellName")


def worker_systems(call: Call) -> Reply:
    return _distinct(call, "Worker", "OperatingSystem")


def worker_shells(call: Call) -> Reply:
    return _distinct(call, "Worker", "ShellName")


def discover(call: Call) -> Reply:
    """Discovery contacts a host; the stand-in has no outside."""
    host = call.query.get("host")
    if not host:
        raise ApiError(400, "The hostname of the machine to discover must be supplied as URI parameter named 'host'.")
    raise ApiError(400, "There was a controlled failure.", [f"The machine {host} could not be contacted."])


def _connection(call: Call, name: str) -> Reply:
    machine = find_item(call, name, call.path["id"])
    return Reply(
        {
            "Id": f"{machine['Id']}/connection",
            "MachineId": machine["Id"],
            "Logs": listed(machine, "ConnectionLogs"),
            "Status": {"Healthy": "Online", "Unavailable": "Offline"}.get(str(machine.get("HealthStatus")), "Unknown"),
            "CurrentTentacleVersion": None,
            "LastChecked": machine.get("LastChecked"),
            "Links": {
                "Self": f"{call.url.partition('?')[0]}",
                "Machine": call.url.partition("?")[0].rpartition("/")[0],
            },
        }
    )


def machine_connection(call: Call) -> Reply:
    return _connection(call, "Machine")


def worker_connection(call: Call) -> Reply:
    return _connection(call, "Worker")


# -- worker pools ----------------------------------------------------------------------------------------------------


def _prepare_pool(call: Call, document: Document, existing: Document | None) -> None:
    pools = call.transaction.query("WorkerPool", space=call.space)
    if existing is None:
        document["SortOrder"] = (
            document.get("SortOrder") or max((int(pool["SortOrder"]) for pool in pools), default=-1) + 1
        )
    if document.get("IsDefault"):
        for pool in pools:
            if pool["IsDefault"] and (existing is None or pool["Id"] != existing["Id"]):
                call.transaction.update("WorkerPool", {**pool, "IsDefault": False})
    elif existing is not None and existing["IsDefault"]:
        document["IsDefault"] = True  # only another pool can take its place


def _before_delete_pool(call: Call, pool: Document) -> None:
    if pool["IsDefault"]:
        raise invalid("The default worker pool cannot be deleted.")
    for worker in call.transaction.query("Worker", space=call.space):
        if pool["Id"] in listed(worker, "WorkerPoolIds"):
            raise invalid(f"This worker pool is used by worker {worker['Name']} and cannot be deleted.")


hooks.register("WorkerPool", prepare=_prepare_pool, before_delete=_before_delete_pool)


def sort_pools(call: Call) -> Reply:
    return sort_documents(call, "WorkerPool")


def _page_of(call: Call, name: str, column: str, document_id: str) -> Reply:
    wanted = resource(call, name)
    selection = selection_of(call, wanted)
    selection.tests.append(
        lambda document: (
            document_id in document[column]
            if isinstance(document.get(column), list)
            else document.get(column) == document_id
        )
    )
    documents, total = select(call, wanted, selection)
    return Reply(page(call, wanted.item_type, present(call, name, documents), total))


def workers_of_pool(call: Call) -> Reply:
    return _page_of(call, "Worker", "WorkerPoolIds", find_item(call, "WorkerPool", call.path["id"])["Id"])


def machines_of_policy(call: Call) -> Reply:
    return _page_of(call, "Machine", "MachinePolicyId", find_item(call, "MachinePolicy", call.path["id"])["Id"])


def workers_of_policy(call: Call) -> Reply:
    return _page_of(call, "Worker", "MachinePolicyId", find_item(call, "MachinePolicy", call.path["id"])["Id"])


def pools_summary(call: Call) -> Reply:
    pools, _ = select(call, resource(call, "WorkerPool"), paged=False)
    workers = [
        worker
        for worker in call.transaction.query("Worker", space=call.space, order_by="Name")
        if machine_filter(call, worker)
    ]
    entries: list[Document] = []
    for pool in pools:
        inside = [worker for worker in workers if pool["Id"] in listed(worker, "WorkerPoolIds")]
        if inside or call.query.get("hideemptyworkerpools", "").lower() != "true":
            entries.append({"WorkerPool": render(call, "WorkerPool", pool), **machine_counts(inside)})
    return Reply({**machine_counts(workers), "WorkerPoolSummaries": entries})


def supported_pool_types(_call: Call) -> Reply:
    return Reply({"SupportedPoolTypes": ["StaticWorkerPool"]})


def dynamic_worker_types(_call: Call) -> Reply:
    """Dynamic pools exist on Octopus Cloud only."""
    return Reply({"WorkerTypes": []})


# -- machine policies ------------------------------------------------------------------------------------------------


def _prepare_policy(_call: Call, document: Document, existing: Document | None) -> None:
    document["IsDefault"] = bool(existing and existing.get("IsDefault"))


#: Rewritten in 2019 (between OctopusClients 6.0.2 and 7.0.5; the 2019.6.7 swagger has the new names): what older
#: servers stored.
_RENAMED_CHECKS = {
    "PowerShellHealthCheckPolicy": "TentacleEndpointHealthCheckPolicy",
    "BashHealthCheckPolicy": "SshEndpointHealthCheckPolicy",
}
_RENAMED_TYPES = {"FullHealthCheck": "RunScript", "ConnectionTest": "OnlyConnectivity"}


def _show_policy(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    if not call.server.at_least("2019.6"):
        return
    for item, document in zip(shown, stored, strict=True):
        before, now = mapped(document, "MachineHealthCheckPolicy"), item["MachineHealthCheckPolicy"]
        now["HealthCheckType"] = _RENAMED_TYPES.get(now["HealthCheckType"], now["HealthCheckType"])
        for new, old in _RENAMED_CHECKS.items():
            if new not in before and old in before:
                now[new] = before[old]


def _before_delete_policy(_call: Call, policy: Document) -> None:
    if policy.get("IsDefault"):
        raise invalid("The default machine policy cannot be deleted.")


hooks.register("MachinePolicy", prepare=_prepare_policy, show=_show_policy, before_delete=_before_delete_policy)


def policy_template(call: Call) -> Reply:
    """A policy with every default, for a client to start from."""
    template = render(call, "MachinePolicy", {"Id": None, "Name": None, "SpaceId": call.space})
    return Reply({**template, "Links": {"Self": call.url.partition("?")[0]}})


ROUTES = (
    Route("GET", "machineroles/all", all_roles, "space", "MachineView", operation="listMachineRoles"),
    Route("GET", "machines/discover", discover, "space", "MachineCreate", operation="discoverMachine"),
    Route("GET", "machines/operatingsystem/names/all", machine_systems, "space", "MachineView", "2019.11"),
    Route("GET", "machines/operatingsystem/shells/all", machine_shells, "space", "MachineView", "2019.11"),
    Route(
        "GET", "machines/{id}/connection", machine_connection, "space", "MachineView", operation="getMachineConnection"
    ),
    Route("GET", "machinepolicies/template", policy_template, "space", "MachinePolicyView", "2019.1"),
    Route(
        "GET",
        "machinepolicies/{id}/machines",
        machines_of_policy,
        "space",
        "MachineView",
        operation="indexMachinesOfPolicy",
    ),
    Route("GET", "machinepolicies/{id}/workers", workers_of_policy, "space", "WorkerView", "2018.7"),
    Route("PUT", "workerpools/sortorder", sort_pools, "space", "WorkerEdit", "2018.7", statuses=(200, 404)),
    Route(
        "GET", "workerpools/summary", pools_summary, "space", "WorkerView", "2018.7", operation="getWorkerPoolsSummary"
    ),
    Route("GET", "workerpools/supportedtypes", supported_pool_types, "space", "WorkerView", "2019.7"),
    Route("GET", "workerpools/dynamicworkertypes", dynamic_worker_types, "space", "WorkerView", "2019.7"),
    Route("GET", "workerpools/{id}/workers", workers_of_pool, "space", "WorkerView", "2018.7"),
    Route("GET", "workers/discover", discover, "space", "WorkerEdit", "2018.7"),
    Route("GET", "workers/operatingsystem/names/all", worker_systems, "space", "WorkerView", "2019.11"),
    Route("GET", "workers/operatingsystem/shells/all", worker_shells, "space", "WorkerView", "2019.11"),
    Route("GET", "workers/{id}/connection", worker_connection, "space", "WorkerView", "2018.7"),
)
