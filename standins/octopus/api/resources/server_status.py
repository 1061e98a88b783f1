"""The state of the server: status, health, system information, logs, nodes."""

from __future__ import annotations

import io
import os
import platform
import threading
import time
import zipfile
import zoneinfo
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from standins.octopus.api import hooks
from standins.octopus.api.calls import api_call
from standins.octopus.api.crud import find_item
from standins.octopus.api.errors import invalid
from standins.octopus.api.resources.licences import licence_status
from standins.octopus.api.resources.settings import load_setting
from standins.octopus.api.responses import to_json
from standins.octopus.api.versions import has_spaces
from standins.octopus.behaviour import events
from standins.octopus.behaviour.moments import iso, moment
from standins.octopus.contract import Call, Document, Reply, Route

_STARTED = time.monotonic()

#: A node that has not written its heartbeat for this long counts as offline (the exact time is not published).
_OFFLINE_AFTER = timedelta(minutes=1)


def status(call: Call) -> Reply:
    """The portal's banners: upgrades to be had, maintenance mode."""
    body: Document = {
        "Id": "serverstatus",
        "IsDatabaseEncrypted": False,
        "IsUpgradeAvailable": False,
        "MaximumAvailableVersion": str(call.server.version),
        "MaximumAvailableVersionCoveredByLicense": str(call.server.version),
        "MaintenanceExpires": licence_status(call).get("EffectiveExpiryDate"),
    }
    if call.server.at_least("2019.1"):
        body["IsInMaintenanceMode"] = bool(load_setting(call, "maintenance").get("IsInMaintenanceMode"))
        body["IsMajorMinorUpgrade"] = False
    links = {"Self": "/api/serverstatus"}
    for name, part in (
        ("SystemInfo", "system-info"),
        ("SystemReport", "system-report"),
        ("Logs", "logs"),
        ("Timezones", "timezones"),
        ("Extensions", "extensions"),
        ("GCCollect", "gc-collect"),
    ):
        links[name] = f"/api/serverstatus/{part}"
    return Reply({**body, "Links": links})


def _working_set() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def _information(call: Call) -> Document:
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    return {
        "Version": str(call.server.version),
        "OSVersion": platform.platform(),
        "ClrVersion": f"Python {platform.python_version()}",
        "WorkingSetBytes": _working_set(),
        "ThreadCount": threading.active_count(),
        "Uptime": f"{minutes} minutes, {seconds} seconds",
    }


def system_information(call: Call) -> Reply:
    return Reply({**_information(call), "Links": {"Self": "/api/serverstatus/system-info"}})


#: Area → what is counted → kind (go-octopusdeploy, pkg/serverstatus).
_COUNTED: Final = {
    "Global": {"Spaces": "Space", "Teams": "Team", "Users": "User"},
    "Infrastructure": {
        "DeploymentTargets": "Machine",
        "Environments": "DeploymentEnvironment",
        "Tenants": "Tenant",
        "WorkerPools": "WorkerPool",
        "Workers": "Worker",
    },
    "Library": {"Certificates": "Certificate", "Packages": "NuGetPackage", "VariableSets": "LibraryVariableSet"},
    "Project": {
        "Deployments": "Deployment",
        "Projects": "Project",
        "Releases": "Release",
        "RunbookRuns": "RunbookRun",
        "Runbooks": "Runbook",
    },
}


def document_counts(call: Call) -> Reply:
    return Reply(
        {area: {what: call.transaction.count(kind) for what, kind in kinds.items()} for area, kinds in _COUNTED.items()}
    )


def recent_logs(call: Call) -> Reply:
    return Reply(api_call(call).gate.recent_problems.latest())


def system_report(call: Call) -> Reply:
    """A zip with what support asks for; the logs are the server's own, which hold no secrets."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as report:
        report.writestr("SystemInformation.json", to_json(_information(call)))
        for path in sorted(call.server.folders.logs.glob("*.txt")):
            report.write(path, f"Logs/{path.name}")
    headers = {"Content-Disposition": 'attachment; filename="SystemReport.zip"'}
    return Reply(content.getvalue(), media_type="application/zip", headers=headers)


@lru_cache(maxsize=1)
def _timezones() -> tuple[str, ...]:
    return tuple(sorted(zoneinfo.available_timezones()))


def timezones(_call: Call) -> Reply:
    return Reply([{"Id": name, "Name": name, "IsLocal": name == "UTC"} for name in _timezones()])


def extensions(_call: Call) -> Reply:
    """The stand-in loads no extensions."""
    return Reply([])


def health(call: Call) -> Reply:
    """418 with the same body when the server does not operate normally (2020.5 swagger)."""
    maintenance = bool(load_setting(call, "maintenance").get("IsInMaintenanceMode"))
    nodes = call.transaction.query("OctopusServerNode")
    draining = bool(nodes) and all(node.get("IsInMaintenanceMode") for node in nodes)
    compliant = bool(licence_status(call)["IsCompliant"])
    normal = not (maintenance or draining) and compliant
    body = {
        "IsOperatingNormally": normal,
        "Description": "OK"
        if normal
        else "The server is in maintenance mode or draining, or its license is not compliant.",
        "IsEntireClusterReadOnly": maintenance,
        "IsEntireClusterDrainingTasks": draining,
        "IsCompliantWithLicense": compliant,
        "Links": {"Self": "/api/serverstatus/health"},
    }
    return Reply(body, 200 if normal else 418)


def hosted_internal(_call: Call) -> Reply:
    """The Helm chart's readiness probe: any 2xx will do (OctopusDeploy/helm-charts)."""
    return Reply({})


# -- nodes -----------------------------------------------------------------------------------------------------------


def _last_seen(call: Call) -> dict[str, Document]:
    """LastSeen and Rank by node: columns of the node before 2019.1, a table of their own since."""
    if has_spaces(call.server.version):
        return {status["OctopusServerNodeId"]: status for status in call.transaction.query("OctopusServerNodeStatus")}
    return {node["Id"]: node for node in call.transaction.query("OctopusServerNode")}


def _is_offline(call: Call, seen: Document | None) -> bool:
    when = moment(seen.get("LastSeen")) if seen else None
    return when is None or call.server.now() - when > _OFFLINE_AFTER


def _show_node(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    if not has_spaces(call.server.version):
        for item, node in zip(shown, stored, strict=True):
            item["IsOffline"] = _is_offline(call, node)


def _prepare_node(_call: Call, document: Document, existing: Document | None) -> None:
    if existing is not None:
        document["Name"] = existing["Name"]
    if int(document.get("MaxConcurrentTasks") or 0) < 0:
        raise invalid("The task cap cannot be negative.")


hooks.register("OctopusServerNode", show=_show_node, prepare=_prepare_node)


def _running(call: Call, node: Document) -> int:
    """Tasks in work on a node; old versions stored the bare name."""
    return call.transaction.count(
        "ServerTask", where={"State": ["Executing", "Cancelling"], "ServerNodeId": [node["Id"], node["Name"]]}
    )


def node_details(call: Call) -> Reply:
    node = find_item(call, "OctopusServerNode", call.path["id"])
    return Reply(
        {"RunningTasks": _running(call, node), "Links": {"Self": f"/api/octopusservernodes/{node['Id']}/details"}}
    )


def delete_node(call: Call) -> Reply:
    """Only a node that is gone can be removed."""
    node = find_item(call, "OctopusServerNode", call.path["id"])
    if not _is_offline(call, _last_seen(call).get(node["Id"])):
        raise invalid("This node is online and cannot be deleted.")
    if has_spaces(call.server.version):
        call.transaction.delete("OctopusServerNodeStatus", node["Id"])
    call.transaction.delete("OctopusServerNode", node["Id"])
    events.deleted(call, "OctopusServerNode", node)
    return Reply({})


def summary(call: Call) -> Reply:
    seen = _last_seen(call)
    nodes: list[Document] = []
    for node in call.transaction.query("OctopusServerNode", order_by="Name"):
        status_of = seen.get(node["Id"], {})
        entry: Document = {
            "Id": node["Id"],
            "Name": node["Name"],
            "MaxConcurrentTasks": node["MaxConcurrentTasks"],
            "IsInMaintenanceMode": node["IsInMaintenanceMode"],
            "LastSeen": status_of.get("LastSeen"),
            "Rank": status_of.get("Rank"),
            "IsLeader": status_of.get("Rank") == "Leader",
            "IsOffline": _is_offline(call, seen.get(node["Id"])),
            "RunningTaskCount": _running(call, node),
            "Links": {"Node": f"/api/octopusservernodes/{node['Id']}"},
        }
        if call.server.at_least("2022.1"):
            entry["Version"] = str(call.server.version)
        nodes.append(entry)
    return Reply({"Nodes": nodes, "Links": {"Self": "/api/octopusservernodes/summary"}})


def ping(call: Call) -> Reply:
    """For load balancers: 418 while this node takes no tasks."""
    found = call.transaction.query("OctopusServerNode", where={"Name": call.server.node_name}, take=1)
    node = found[0] if found else {}
    draining = bool(node.get("IsInMaintenanceMode"))
    document_id = node.get("Id") or f"OctopusServerNodes-{call.server.node_name}"
    body = {
        "Id": document_id,
        "Name": call.server.node_name,
        "IsInMaintenanceMode": draining,
        "LastSeen": iso(call.server.now()),
        "Links": {"Self": "/api/octopusservernodes/ping", "Node": f"/api/octopusservernodes/{document_id}"},
    }
    return Reply(body, 418 if draining else 200)


ROUTES = (
    Route("GET", "serverstatus", status, "system", "", operation="getServerStatus"),
    Route("GET", "serverstatus/system-info", system_information, "system", "", operation="getSystemInfo"),
    # Not before go-octopusdeploy and the API documents of 2026; since when is not known.
    Route("GET", "serverstatus/counts", document_counts, "system", "AdministerSystem", "2025.1"),
    Route("GET", "serverstatus/logs", recent_logs, "system", "AdministerSystem", operation="listRecentLogs"),
    Route(
        "GET", "serverstatus/system-report", system_report, "system", "AdministerSystem", operation="getSystemReport"
    ),
    Route("GET", "serverstatus/timezones", timezones, "system", "", operation="listTimezones"),
    Route("GET", "serverstatus/extensions", extensions, "system", "", "", "2026.1", operation="listExtensions"),
    Route("GET", "serverstatus/health", health, "system", None, "2018.10", operation="getServerHealth"),
    Route("GET", "serverstatus/hosted/internal", hosted_internal, "system", None, "2019.1"),
    Route("GET", "octopusservernodes/ping", ping, "system", None, operation="pingNode"),
    Route("GET", "octopusservernodes/summary", summary, "system", "", "2019.1", operation="getNodesSummary"),
    Route(
        "GET",
        "octopusservernodes/{id}/details",
        node_details,
        "system",
        "AdministerSystem",
        "2019.1",
        operation="getNodeDetails",
    ),
    Route("DELETE", "octopusservernodes/{id}", delete_node, "system", "AdministerSystem", operation="deleteNode"),
)
