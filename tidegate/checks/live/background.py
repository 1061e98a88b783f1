"""TASKS, SCHEMA and START: background work is finished, the server finds its schema complete and itself healthy."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import quote

from tidegate.checks.finding import Severity
from tidegate.checks.live.context import ENDED, LiveContext, LiveResult, Notes, run_check, told
from tidegate.errors import HarnessError
from tidegate.observation.documents import property_of
from tidegate.observation.store import LISTED, Snapshot
from tidegate.waiting import wait_until

#: Tasks that run because of a schedule or an upgrade and not because somebody asked (Octopus docs, server tasks).
_QUIET_STATES: Final = frozenset({"Queued", "Executing", "Cancelling"})


def scheduled_logs(context: LiveContext) -> frozenset[str]:
    """The server's own scheduled tasks whose logs have anything in them."""
    answer = context.client.send("GET", "/api/scheduler")
    tasks = cast("list[dict[str, Any]]", property_of(answer.json, "TaskStatus") or []) if answer.ok else []
    return frozenset(str(task.get("Name")) for task in tasks if _has_lines(context, str(task.get("Name"))))


def _has_lines(context: LiveContext, name: str) -> bool:
    logs = context.client.send("GET", f"/api/scheduler/{quote(name)}/logs")
    return logs.ok and b'"MessageText"' in logs.content


def check_scheduled_logs(context: LiveContext, before: frozenset[str], *, patience: float = 10.0) -> LiveResult:
    """What the server's scheduled tasks wrote before the upgrade can still be read (OctopusDeploy/Issues#7693)."""

    def body(notes: Notes) -> None:
        missing: frozenset[str] = before

        def found() -> bool:
            nonlocal missing
            missing = before - scheduled_logs(context)
            return not missing

        try:
            wait_until(found, timeout=patience, what="logs of scheduled tasks", poll=0.5)
        except HarnessError:
            for name in sorted(missing):
                notes.find(
                    f"scheduler/{name}/logs", "the log of a scheduled task cannot be seen", before="lines", after="none"
                )
        notes.covered.append(f"logs of {len(before)} scheduled tasks")

    return run_check("ART", context, body)


def check_background(context: LiveContext, before: Snapshot, *, patience: float = 60.0) -> LiveResult:
    """Wait for background tasks, then look for stuck and newly failed ones.

    A system task that stays queued holds up schedules for weeks (OctopusDeploy/Issues#8485), and one that still runs
    may hide old task logs (OctopusDeploy/Issues#7662).
    """

    def body(notes: Notes) -> None:
        known = _known_tasks(before)
        waiting = _settled(context, _unfinished(before), patience)
        for task in waiting:
            notes.find(
                f"tasks/{task['Id']} ({task['Name']})", "background work of the server does not come to an end",
                before="finished", after=task["State"],
            )  # fmt: skip
        for task in _new(context, known):
            if task.get("State") == "Failed" and task.get("Name") not in ("Deploy", "RunbookRun"):
                notes.find(
                    f"tasks/{task['Id']} ({task['Name']})", "a task that the server runs by itself fails now",
                    before="no such failure", after=str(task.get("ErrorMessage") or "Failed"),
                )  # fmt: skip
        notes.covered.append(f"{len(known)} tasks from before the upgrade, and all that came since")

    return run_check("TASKS", context, body)


def check_integrity(context: LiveContext) -> LiveResult:
    """Let the server compare its database schema with the one it expects."""

    def body(notes: Notes) -> None:
        request: dict[str, Any] = {
            "Name": "SystemIntegrityCheck", "Description": "Check System Integrity", "Arguments": {},
        }  # fmt: skip
        if context.server.spaces:
            request["SpaceId"] = None
        created = cast("dict[str, Any]", context.client.post("/api/tasks", request))
        ended = context.task_ended(str(created["Id"]))
        if ended.get("State") != "Success":
            notes.find(
                "task SystemIntegrityCheck", "the database does not have the shape that this version needs",
                before="Success", after=[str(ended.get("ErrorMessage") or ""), *_errors(context, str(created["Id"]))],
            )  # fmt: skip
        notes.covered.append(f"SystemIntegrityCheck: {ended.get('State')}")

    return run_check("SCHEMA", context, body)


def check_health(context: LiveContext, target: str, before: Snapshot) -> LiveResult:
    """The server says it is the target version, the same installation, healthy, licensed and open for work."""

    def body(notes: Notes) -> None:
        root = cast("dict[str, Any]", context.client.get("/api"))
        for name, wanted in (("Version", target), ("InstallationId", before.about["installation_id"])):
            if root.get(name) != wanted:
                notes.find(f"/api: {name}", "it is not the server it should be", before=wanted, after=root.get(name))
        if not str(root.get("ApiVersion", "")).startswith("3.0."):
            # Octopus.Client refuses every other interface version.
            notes.find(
                "/api: ApiVersion", "clients refuse to talk to the server", before="3.0.x", after=root.get("ApiVersion")
            )
        _status(context, notes)

    return run_check("START", context, body)


def _status(context: LiveContext, notes: Notes) -> None:
    health = context.client.send("GET", "/api/serverstatus/health")
    if health.status == 418 or property_of(health.json, "IsOperatingNormally") is False:
        notes.find("/api/serverstatus/health", "the server calls itself unhealthy", before=200, after=told(health))
    maintenance = context.client.send("GET", "/api/maintenanceconfiguration")
    if property_of(maintenance.json, "IsInMaintenanceMode"):
        notes.find("/api/maintenanceconfiguration", "nobody but administrators can work", before=False, after=True)
    license_ = context.client.send("GET", "/api/licenses/licenses-current-status")
    if property_of(license_.json, "IsCompliant") is False:
        notes.find(
            "/api/licenses/licenses-current-status", "the licence does not cover what runs here", before=True,
            after=property_of(license_.json, "ComplianceSummary"), severity=Severity.DEGRADED,
        )  # fmt: skip
    nodes = context.client.send("GET", "/api/octopusservernodes/summary")
    if nodes.ok:
        listed = cast("list[dict[str, Any]]", property_of(nodes.json, "Nodes") or [])
        running = sorted(str(node.get("Name")).lower() for node in listed if not node.get("IsOffline"))
        wanted = sorted(name.lower() for name in context.nodes) or running[:1]
        if running != wanted or not running:
            notes.find(
                "/api/octopusservernodes/summary",
                "a node of the test instance does not run" if set(wanted) - set(running) or not running
                else "the test instance is not alone: another node uses its database",
                before=wanted, after=running,
            )  # fmt: skip
    notes.covered.append("version, installation, health, maintenance mode, licence, nodes")


def _settled(context: LiveContext, waited_before: set[str], patience: float) -> list[dict[str, Any]]:
    """Tasks that are still not over after ``patience``; ones that wait for a person are not meant to be."""
    still: list[dict[str, Any]] = []

    def quiet() -> bool:
        nonlocal still
        active = context.client.items("/api/tasks", active=True, spaces="all", includeSystem=True)
        still = [
            task for task in active if task.get("State") in _QUIET_STATES and not task.get("HasPendingInterruptions")
        ]
        still = [task for task in still if not _later(task) and task.get("Id") not in waited_before]
        return not still

    try:
        wait_until(quiet, timeout=patience, what="background tasks", poll=0.2)
    except HarnessError:
        return still
    return []


def _unfinished(before: Snapshot) -> set[str]:
    """Tasks that waited or ran before the upgrade already."""
    rows = before.rows("user = ? AND form = ?", (before.administrator, f"{LISTED}tasks"))
    return {row.place.rpartition("/")[2] for row in rows if property_of(row.json, "State") not in ENDED}


def _later(task: dict[str, Any]) -> bool:
    """Whether a task waits for its time, as a scheduled deployment does."""
    return task.get("State") == "Queued" and bool(task.get("QueueTimeExpiry"))


def _new(context: LiveContext, known: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for task in context.client.items("/api/tasks", page=100, spaces="all", includeSystem=True):
        if task.get("Id") in known:
            break  # newest first: everything from here on was there before
        if task.get("State") in ENDED:
            found.append(task)
    return found


def _known_tasks(before: Snapshot) -> set[str]:
    rows = before.rows("user = ? AND form = ?", (before.administrator, f"{LISTED}tasks"))
    return {row.place.rpartition("/")[2] for row in rows}


def _errors(context: LiveContext, task_id: str) -> list[str]:
    """Error lines of a task's log, a few of them."""
    raw = context.client.send("GET", f"/api/tasks/{task_id}/raw")
    lines = raw.content.decode("utf-8", "replace").splitlines() if raw.ok else []
    return [line.strip() for line in lines if "Error" in line or "Fatal" in line][:10]
