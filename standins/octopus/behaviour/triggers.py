"""Project triggers: scheduled ones by the clock, deployment target triggers by machine events.

A disabled trigger does nothing, and being enabled, created or changed is no reason to fire: its schedule counts from
that moment on (the opposite was a defect of 2025.4.10306: OctopusDeploy/Issues 9813).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime

from standins.octopus.behaviour import deployments, event_catalogue, events, releases, runbook_runs, schedules, tasks
from standins.octopus.behaviour.cron import InvalidCron
from standins.octopus.behaviour.documents import mapped, text_of, texts
from standins.octopus.contract import ApiError, Document, Server, Transaction
from standins.octopus.regressions import hooks

_log = logging.getLogger("octopus.triggers")


class Watch:
    """The triggers of one server with the moment each counts from."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._counting: dict[str, tuple[str, datetime]] = {}

    def begin(self, transaction: Transaction) -> None:
        """What is enabled now was enabled before the server started, and counts from now on."""
        now = self._server.now()
        for trigger in _scheduled(transaction):
            self._counting[trigger["Id"]] = (_shape(trigger), now)

    def marks(self) -> dict[str, tuple[str, datetime]]:
        """What was seen so far, for ``reset`` when the transaction that acted on it fails."""
        return dict(self._counting)

    def reset(self, marks: dict[str, tuple[str, datetime]]) -> None:
        self._counting = marks

    def fire(self, transaction: Transaction, new_events: Sequence[Document]) -> bool:
        """Queue what is due; whether anything was queued."""
        if not hooks.adjust("fires triggers", True):
            return False
        now = self._server.now()
        enabled = transaction.query("ProjectTrigger", where={"IsDisabled": False})
        queued = False
        seen: set[str] = set()
        for trigger in enabled:
            schedule = mapped(trigger, "Filter")
            if schedule.get("FilterType") == "MachineFilter":
                queued = self._react(transaction, trigger, schedule, new_events) or queued
                continue
            seen.add(trigger["Id"])
            shape = _shape(trigger)
            held = self._counting.get(trigger["Id"])
            if held is None or held[0] != shape:
                self._counting[trigger["Id"]] = (shape, now)
                if hooks.adjust("fires when enabled", False, trigger):
                    queued = self._act(transaction, trigger) or queued
                continue
            if self._is_due(trigger, schedule, held[1], now):
                self._counting[trigger["Id"]] = (shape, now)
                queued = self._act(transaction, trigger) or queued
        for gone in self._counting.keys() - seen:
            del self._counting[gone]
        return queued

    @staticmethod
    def _is_due(trigger: Document, schedule: Document, since: datetime, now: datetime) -> bool:
        try:
            at = schedules.next_run(schedule, since)
        except (schedules.UnknownSchedule, InvalidCron) as problem:
            _log.warning("Trigger %s: %s", trigger["Id"], problem)
            return False
        return at is not None and at <= now

    def _act(self, transaction: Transaction, trigger: Document) -> bool:
        """One trigger that cannot do its work does not keep the others from theirs."""
        project = transaction.load("Project", trigger["ProjectId"])
        if project is None or project["IsDisabled"]:
            return False
        try:
            queued = perform(self._server, transaction, trigger, project)
        except (ApiError, LookupError) as problem:
            reason = "; ".join(problem.errors) or problem.message if isinstance(problem, ApiError) else str(problem)
            self._record(transaction, trigger, project, "AutoDeployBlocked", reason)
            return False
        self._record(transaction, trigger, project, "AutoDeploySucceeded")
        return queued

    def _record(
        self, transaction: Transaction, trigger: Document, project: Document, category: str, reason: str = ""
    ) -> None:
        events.record(
            self._server,
            transaction,
            category,
            f"Trigger {trigger['Name']} of {project['Name']} {'was blocked' if reason else 'succeeded'}",
            references={trigger["Name"]: trigger["Id"], project["Name"]: project["Id"]},
            space=project.get("SpaceId"),
            project=project["Id"],
            details=reason,
        )

    def _react(
        self, transaction: Transaction, trigger: Document, wanted: Document, new_events: Sequence[Document]
    ) -> bool:
        """Targets that became available get what is deployed in their environments."""
        categories = set(texts(wanted, "EventCategories")) | event_catalogue.categories_of(texts(wanted, "EventGroups"))
        machines = {
            related
            for event in new_events
            if event["Category"] in categories
            for related in texts(event, "RelatedDocumentIds")
            if related.startswith("Machines-")
        }
        queued = False
        for machine in transaction.load_many("Machine", sorted(machines)):
            if machine["IsDisabled"] or not _wanted(machine, wanted):
                continue
            task = tasks.queue(
                self._server,
                transaction,
                "AutoDeploy",
                f"Auto deploy to {machine['Name']}",
                arguments={"ProjectId": trigger["ProjectId"], "MachineId": machine["Id"], "TriggerId": trigger["Id"]},
                subject=tasks.Subject(space=trigger.get("SpaceId"), project=trigger["ProjectId"]),
            )
            queued = bool(task)
        return queued


def _scheduled(transaction: Transaction) -> list[Document]:
    enabled = transaction.query("ProjectTrigger", where={"IsDisabled": False})
    return [trigger for trigger in enabled if mapped(trigger, "Filter").get("FilterType") != "MachineFilter"]


def _shape(trigger: Document) -> str:
    """A trigger with another schedule is another trigger: it counts from the change on."""
    return json.dumps(mapped(trigger, "Filter"), sort_keys=True)


def _wanted(machine: Document, wanted: Document) -> bool:
    environments, roles = texts(wanted, "EnvironmentIds"), texts(wanted, "Roles")
    return (not environments or not set(environments).isdisjoint(texts(machine, "EnvironmentIds"))) and (
        not roles or not set(roles).isdisjoint(texts(machine, "Roles"))
    )


def perform(server: Server, transaction: Transaction, trigger: Document, project: Document) -> bool:
    """Do a scheduled trigger's action now; whether something was queued."""
    action = mapped(trigger, "Action")
    match text_of(action.get("ActionType")):
        case "DeployLatestRelease":
            return _deploy_latest(server, transaction, project, action)
        case "DeployNewRelease":
            return _deploy_new(server, transaction, project, action)
        case "RunRunbook":
            return runbook_runs.run_by_trigger(server, transaction, project, action)
        case other:
            raise LookupError(f"There is no trigger action '{other}'.")


def _deploy_latest(server: Server, transaction: Transaction, project: Document, action: Document) -> bool:
    sources = texts(action, "SourceEnvironmentIds") or [text_of(action.get("SourceEnvironmentId"))]
    marks = ", ".join("?" for _ in sources)
    rows = transaction.execute(
        "SELECT d.[ReleaseId] FROM dbo.[Deployment] d INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] "
        f"WHERE d.[ProjectId] = ? AND t.[State] = N'Success' AND d.[EnvironmentId] IN ({marks}) "
        "ORDER BY t.[CompletedTime] DESC",
        project["Id"],
        *sources,
    )
    channel = action.get("ChannelId")
    ids = list(dict.fromkeys(row[0] for row in rows))
    found = [entry for entry in transaction.load_many("Release", ids) if not channel or entry["ChannelId"] == channel]
    if not found:
        raise LookupError("No release was deployed successfully to the source environment yet.")
    latest = min(found, key=lambda release: ids.index(release["Id"]))
    destination = text_of(action.get("DestinationEnvironmentId"))
    if (
        not action.get("ShouldRedeployWhenReleaseIsCurrent", True)
        and _current(transaction, project, destination) == latest["Id"]
    ):
        return False
    _deploy_to(server, transaction, latest, destination, action)
    return True


def _current(transaction: Transaction, project: Document, environment: str) -> str | None:
    rows = transaction.execute(
        "SELECT TOP 1 d.[ReleaseId] FROM dbo.[Deployment] d INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] "
        "WHERE d.[ProjectId] = ? AND d.[EnvironmentId] = ? AND t.[State] = N'Success' ORDER BY t.[CompletedTime] DESC",
        project["Id"],
        environment,
    )
    return rows[0][0] if rows else None


def _deploy_new(server: Server, transaction: Transaction, project: Document, action: Document) -> bool:
    process = releases.process_of(transaction, project)
    channel = transaction.load("Channel", action["ChannelId"]) if action.get("ChannelId") else None
    channel = channel or releases.default_channel(transaction, project)
    version = releases.template(transaction, project, process, channel)["NextVersionIncrement"]
    selected = releases.latest_packages(transaction, process, channel)
    release = releases.create(server, transaction, releases.Draft(project, version, channel, None, selected))
    _deploy_to(server, transaction, release, text_of(action.get("EnvironmentId")), action)
    return True


def _deploy_to(
    server: Server, transaction: Transaction, release: Document, environment_id: str, action: Document
) -> None:
    environment = transaction.load("DeploymentEnvironment", environment_id)
    if environment is None:
        raise LookupError(f"The environment '{environment_id}' no longer exists.")
    tenants = tenants_of(transaction, release["ProjectId"], environment_id, action)
    for tenant in tenants or [None]:
        order = deployments.Order(release, environment, tenant, automatic=True)
        deployments.create(server, transaction, order, events.SERVER)


def tenants_of(transaction: Transaction, project: str, environment_id: str, action: Document) -> list[Document]:
    """Tenants named by id or by tag; empty for an untenanted deployment."""
    ids, tags = texts(action, "TenantIds"), set(texts(action, "TenantTags"))
    if not (ids or tags):
        return []
    connected = transaction.query("Tenant", contains={"ProjectIds": project}, order_by="Name")
    return [
        tenant
        for tenant in connected
        if (tenant["Id"] in ids or not tags.isdisjoint(texts(tenant, "TenantTags")))
        and environment_id in texts(mapped(tenant, "ProjectEnvironments"), project)
    ]
