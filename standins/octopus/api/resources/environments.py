"""Environments: their order, the summary page, and what hangs on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from standins.octopus.api import hooks
from standins.octopus.api.access import may
from standins.octopus.api.crud import find_item, list_items, present
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import select, selection_of, split_list
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Document, Reply, Route


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    if existing is None and not document.get("SortOrder"):
        others = call.transaction.query("DeploymentEnvironment", space=call.space)
        document["SortOrder"] = max((int(other["SortOrder"]) for other in others), default=-1) + 1


def _before_delete(call: Call, document: Document) -> None:
    document_id = document["Id"]
    for lifecycle in call.transaction.query("Lifecycle", space=call.space):
        for phase in listed(lifecycle, "Phases"):
            if document_id in (
                *phase.get("AutomaticDeploymentTargets", ()),
                *phase.get("OptionalDeploymentTargets", ()),
            ):
                raise invalid(f"This environment is used by lifecycle {lifecycle['Name']} and cannot be deleted.")
    for machine in call.transaction.query("Machine", space=call.space):
        if document_id in listed(machine, "EnvironmentIds"):
            raise invalid(f"This environment is used by deployment target {machine['Name']} and cannot be deleted.")


hooks.register("Environment", prepare=_prepare, before_delete=_before_delete)


def sort_documents(call: Call, kind: str) -> Reply:
    """The body is the list of ids in their new order; ids left out follow in their old order."""
    body: object = call.body
    if not isinstance(body, list):
        raise invalid("The request body must be a list of ids.")
    wanted = cast("list[Any]", body)
    documents = {
        document["Id"]: document
        for document in call.transaction.query(kind, space=call.space, order_by="SortOrder, Name")
    }
    unknown = [str(document_id) for document_id in wanted if document_id not in documents]
    if unknown:
        raise not_found(unknown[0])
    order = [*dict.fromkeys(wanted), *(document_id for document_id in documents if document_id not in wanted)]
    for position, document_id in enumerate(order):
        if documents[document_id]["SortOrder"] != position:
            call.transaction.update(kind, {**documents[document_id], "SortOrder": position})
    return Reply({})


def sort_environments(call: Call) -> Reply:
    return sort_documents(call, "DeploymentEnvironment")


def machines_of_environment(call: Call) -> Reply:
    environment = find_item(call, "Environment", call.path["id"])
    machines = resource(call, "Machine")
    selection = selection_of(call, machines)
    selection.tests.append(lambda machine: environment["Id"] in listed(machine, "EnvironmentIds"))
    documents, total = select(call, machines, selection)
    return Reply(page(call, machines.item_type, present(call, "Machine", documents), total))


def settings_metadata(call: Call) -> Reply:
    """Settings that extensions add; the stand-in has no such extension."""
    find_item(call, "Environment", call.path["id"])
    return Reply([])


def singly_scoped_variables(call: Call) -> Reply:
    """The variables that would be left without an environment if this one went."""
    environment = find_item(call, "Environment", call.path["id"])
    owners: dict[str, dict[str, int]] = {}
    for variables in call.transaction.query("VariableSet", where={"IsFrozen": False}, space=call.space):
        names = Counter(
            variable["Name"]
            for variable in listed(variables, "Variables")
            if mapped(variable, "Scope").get("Environment") == [environment["Id"]]
        )
        if names:
            owners[variables["OwnerId"]] = dict(names)
    return Reply(
        {
            "HasUnauthorizedProjectVariables": False,
            "HasUnauthorizedLibraryVariableSetVariables": False,
            "VariableMap": owners,
        }
    )


def machine_counts(machines: Sequence[Document]) -> Document:
    """The counters both summary pages show for a group of machines."""
    return {
        "TotalMachines": len(machines),
        "TotalDisabledMachines": sum(bool(machine.get("IsDisabled")) for machine in machines),
        "MachineHealthStatusSummaries": dict(
            Counter(str(machine.get("HealthStatus") or "Unknown") for machine in machines)
        ),
        "MachineEndpointSummaries": dict(
            Counter(str(machine.get("CommunicationStyle") or "None") for machine in machines)
        ),
        "MachineIdsForCalamariUpgrade": [
            machine["Id"] for machine in machines if machine.get("HasLatestCalamari") is False
        ],
        "MachineIdsForTentacleUpgrade": [],
        "TentacleUpgradesRequired": False,
    }


def _tenant_counts(machines: Sequence[Document]) -> Document:
    return {
        "MachineTenantSummaries": dict(
            Counter(document_id for machine in machines for document_id in listed(machine, "TenantIds"))
        ),
        "MachineTenantTagSummaries": dict(
            Counter(tag for machine in machines for tag in listed(machine, "TenantTags"))
        ),
    }


def machine_filter(call: Call, machine: Document) -> bool:
    """The filters of the summary pages."""
    query = call.query
    if query.get("machinepartialname", "").lower() not in str(machine["Name"]).lower():
        return False
    if query.get("isdisabled", "").lower() in ("true", "false") and bool(machine.get("IsDisabled")) != (
        query["isdisabled"].lower() == "true"
    ):
        return False
    for name, values in (
        ("roles", listed(machine, "Roles")),
        ("healthstatuses", [machine.get("HealthStatus") or "Unknown"]),
        ("commstyles", [machine.get("CommunicationStyle")]),
        ("tenantids", listed(machine, "TenantIds")),
        ("tenanttags", listed(machine, "TenantTags")),
        ("shellnames", [machine.get("ShellName")]),
    ):
        wanted = split_list(query.get(name))
        if wanted and not set(wanted) & set(values):
            return False
    return True


def summary(call: Call) -> Reply:
    environments, _ = select(call, resource(call, "Environment"), paged=False)
    view = resource(call, "Machine")
    machines = [
        machine
        for machine in call.transaction.query("Machine", space=call.space, order_by="Name")
        if machine_filter(call, machine) and may(call, view, view.view, machine)
    ]
    entries: list[Document] = []
    for environment in environments:
        inside = [machine for machine in machines if environment["Id"] in listed(machine, "EnvironmentIds")]
        if inside or call.query.get("hideemptyenvironments", "").lower() != "true":
            entries.append(
                {
                    "Environment": render(call, "Environment", environment),
                    **machine_counts(inside),
                    **_tenant_counts(inside),
                }
            )
    body = {**machine_counts(machines), **_tenant_counts(machines), "EnvironmentSummaries": entries}
    if not call.server.at_least("2022.1"):
        # Not in the 2020.5 swagger for the whole page, only for each environment.
        del body["MachineIdsForTentacleUpgrade"]
    return Reply(body)


def environments_v2(call: Call) -> Reply:
    """Environments of every sort in one list (go-octopusdeploy, api-client.ts); ephemeral ones cannot be made here."""
    listing = list_items("Environment", call).body
    if call.query.get("type", "static").lower() != "static":
        return Reply({**listing, "Items": [], "TotalResults": 0})
    return Reply({**listing, "Items": [{**item, "Type": "Static"} for item in listing["Items"]]})


ROUTES = (
    # Between Octopus.Client 14.3.1759 (2024-11) and 14.3.2134 (2025-06).
    Route("GET", "environments/v2", environments_v2, "space", "EnvironmentView", "2025.1"),
    Route(
        "PUT",
        "environments/sortorder",
        sort_environments,
        "space",
        "EnvironmentEdit",
        operation="sortEnvironments",
        statuses=(200, 404),
    ),
    Route("GET", "environments/summary", summary, "space", "EnvironmentView", operation="getEnvironmentsSummary"),
    Route(
        "GET",
        "environments/{id}/machines",
        machines_of_environment,
        "space",
        "MachineView",
        operation="indexMachinesInEnvironment",
    ),
    Route(
        "GET",
        "environments/{id}/metadata",
        settings_metadata,
        "space",
        "EnvironmentView",
        "2019.1",
        operation="getEnvironmentMetadata",
    ),
    Route(
        "GET",
        "environments/{id}/singlyScopedVariableDetails",
        singly_scoped_variables,
        "space",
        "EnvironmentView",
        operation="getSinglyScopedVariableDetails",
    ),
)
