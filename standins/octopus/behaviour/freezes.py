"""Deployment freezes: when one is in force, and what it keeps from being deployed (Octopus docs, "Deployment freezes").

While a freeze is in force for a project and an environment, no deployment is created by hand, and one that would start
fails; triggers and lifecycles create theirs, and those fail. What a deployment target trigger starts goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import takewhile
from typing import Any, Final

from standins.octopus.behaviour.documents import listed, mapped, text_of, texts
from standins.octopus.behaviour.moments import iso, moment
from standins.octopus.behaviour.schedules import DAYS, HORIZON_DAYS, on_day_of_month
from standins.octopus.contract import Document, Server, Transaction

SINCE: Final = "2024.3"
ACTIVE, SCHEDULED, EXPIRED = "Active", "Scheduled", "Expired"


def in_force(transaction: Transaction, server: Server, target: Document) -> list[Document]:
    """The freezes that stand against a deployment now, but for those it was allowed to override.

    ``target`` names ``ProjectId``, ``EnvironmentId`` and ``TenantId``, as a deployment does.
    """
    if not server.at_least(SINCE) or target.get("StartedByTarget"):
        return []
    overridden = set(texts(target, "OverriddenFreezeIds"))
    now = server.now()
    return [
        freeze
        for freeze in transaction.query("DeploymentFreeze", order_by="Name")
        if freeze["Id"] not in overridden and covers(freeze, target) and status(freeze, now) == ACTIVE
    ]


def sentences(freezes: Iterable[Document], project: str, environment: str) -> list[str]:
    return [
        f"The deployment freeze '{freeze['Name']}' prevents deployments of {project} to {environment}. "
        "Wait until it ends, or override it with a reason."
        for freeze in freezes
    ]


def covers(freeze: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether it is scoped to the target's project and environment, or to its tenant there."""
    project, environment, tenant = target["ProjectId"], target["EnvironmentId"], target.get("TenantId")
    if environment in texts(mapped(freeze, "ProjectEnvironmentScope"), project):
        return True
    return tenant is not None and any(
        (entry.get("TenantId"), entry.get("ProjectId"), entry.get("EnvironmentId")) == (tenant, project, environment)
        for entry in listed(freeze, "TenantProjectEnvironmentScope")
    )


def status(freeze: Mapping[str, Any], now: datetime) -> str:
    """Active, Scheduled (it is still to come, perhaps again) or Expired."""
    for start, end in occurrences(freeze, now):
        if end > now:
            return ACTIVE if start <= now else SCHEDULED
    return EXPIRED


def occurrences(freeze: Mapping[str, Any], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of each time it is in force, in order, up to the first that begins after ``now``."""
    start, end = moment(freeze.get("Start")), moment(freeze.get("End"))
    if start is None or end is None:
        return
    recurrence = freeze.get("RecurringSchedule")
    if not isinstance(recurrence, dict):
        yield start, end
        return
    schedule = mapped(freeze, "RecurringSchedule")
    most = int(schedule.get("EndAfterOccurrences") or 0) if schedule.get("EndType") == "AfterOccurrences" else 0
    last = moment(schedule.get("EndOnDate")) if schedule.get("EndType") == "OnDate" else None
    for count, begins in enumerate(_starts(schedule, start, now), 1):
        if (most and count > most) or (last is not None and begins > last):
            return
        yield begins, begins + (end - start)
        if begins > now:
            return


def _starts(schedule: Mapping[str, Any], first: datetime, now: datetime) -> Iterator[datetime]:
    """The first is the freeze's own; the others keep its time of day, on the clock of the user who made it."""
    zone = timezone(timedelta(minutes=int(schedule.get("UserUtcOffsetInMinutes") or 0)))
    local = first.astimezone(zone)
    until = max(first, now) + timedelta(days=HORIZON_DAYS)
    days = (local + timedelta(days=number) for number in range((until - first).days))
    yield first
    for day in takewhile(lambda day: day <= until, days):
        if day > local and _on_day(schedule, local, day):
            yield day


def _on_day(schedule: Mapping[str, Any], first: datetime, day: datetime) -> bool:
    every = max(1, int(schedule.get("Unit") or 1))
    kind = text_of(schedule.get("Type"))
    if kind == "Daily":
        return (day - first).days % every == 0
    if kind == "Weekly":
        monday = first.date() - timedelta(days=first.weekday())
        weeks = (day.date() - monday).days // 7
        return weeks % every == 0 and DAYS[day.weekday()] in texts(schedule, "DaysOfWeek")
    if kind == "Monthly":
        months = (day.year - first.year) * 12 + day.month - first.month
        return months % every == 0 and on_day_of_month(schedule, day)
    return (day.year - first.year) % every == 0 and (day.month, day.day) == (first.month, first.day)


def problems(freeze: Mapping[str, Any]) -> list[str]:
    """What keeps a freeze from being saved (required properties: CreateDeploymentFreezeCommand of OctopusClients)."""
    found: list[str] = []
    name = text_of(freeze.get("Name")).strip()
    if not name:
        found.append("Please provide a display name.")
    if len(name) > 200:
        found.append("The display name must be 200 characters or fewer.")
    start, end = _moment_or_problem(freeze, "Start", found), _moment_or_problem(freeze, "End", found)
    if start is not None and end is not None and end <= start:
        found.append("The end of the freeze must be after its start.")
    if isinstance(freeze.get("RecurringSchedule"), dict):
        found.extend(_schedule_problems(mapped(freeze, "RecurringSchedule")))
    return found


def _moment_or_problem(freeze: Mapping[str, Any], name: str, found: list[str]) -> datetime | None:
    try:
        read = moment(freeze.get(name))
    except ValueError:
        read = None
    if read is None:
        found.append(f"Please provide {'a start' if name == 'Start' else 'an end'} time.")
    return read


def _schedule_problems(schedule: Mapping[str, Any]) -> Iterator[str]:
    """What the schema of the Terraform provider asks of a schedule, type by type."""
    kind, end = schedule.get("Type"), schedule.get("EndType") or "Never"
    if kind not in {"Daily", "Weekly", "Monthly", "Annually"}:
        yield f"There is no recurring schedule of type '{kind}'."
    if kind == "Weekly" and not texts(schedule, "DaysOfWeek"):
        yield "Please choose at least one day of the week."
    if kind == "Monthly" and schedule.get("MonthlyScheduleType") not in {"DayOfMonth", "DateOfMonth"}:
        yield "Please choose a day or a date of the month."
    if end not in {"Never", "OnDate", "AfterOccurrences"}:
        yield f"A recurring schedule cannot end '{end}'."
    if end == "OnDate" and not schedule.get("EndOnDate"):
        yield "Please provide the date on which the schedule ends."
    if end == "AfterOccurrences" and int(schedule.get("EndAfterOccurrences") or 0) < 1:
        yield "Please provide the number of occurrences after which the schedule ends."


def projects_of(freeze: Mapping[str, Any]) -> set[str]:
    scope = {entry.get("ProjectId") for entry in listed(freeze, "TenantProjectEnvironmentScope")}
    return set(mapped(freeze, "ProjectEnvironmentScope")) | {text_of(entry) for entry in scope if entry}


def environments_of(freeze: Mapping[str, Any]) -> set[str]:
    scope = mapped(freeze, "ProjectEnvironmentScope")
    named = {environment for project in scope for environment in texts(scope, project)}
    return named | {text_of(entry.get("EnvironmentId")) for entry in listed(freeze, "TenantProjectEnvironmentScope")}


def tenants_of(freeze: Mapping[str, Any]) -> set[str]:
    return {text_of(entry.get("TenantId")) for entry in listed(freeze, "TenantProjectEnvironmentScope")}


def as_override(freezes: Sequence[Document], reason: str, now: datetime) -> Document:
    """What a deployment keeps of the freezes it may ignore."""
    return {
        "OverriddenFreezeIds": [freeze["Id"] for freeze in freezes],
        "FreezeOverrideReason": reason,
        "FreezeOverriddenOn": iso(now),
    }
