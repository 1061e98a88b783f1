"""One deployment of a representative project: ordered, awaited, described, and compared with another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from tidegate import trail
from tidegate.checks.live.context import LiveContext, Notes
from tidegate.checks.live.task_logs import RunLog, compare_logs, run_log, steady
from tidegate.checks.live.variables import Evaluated, compare_variables, evaluated, steady_variables
from tidegate.observation.documents import safe
from tidegate.octopus.task_log import readable

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One deployment: how it ended, what its log says, which values it got, and the files it left."""

    task_id: str
    state: str
    error: str
    log: RunLog
    variables: Evaluated
    artifacts: tuple[str, ...]
    events: tuple[str, ...] | None = ()  # None: two runs of the same release were audited differently
    ordered: frozenset[str] = frozenset()  # the parts of its order that the deployment shows as they were sent


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What one representative deployment did before the upgrade."""

    project_id: str
    project: str
    environment_id: str
    tenant_id: str
    release_id: str
    release: str
    packages: tuple[tuple[str, str, str], ...]  # action, package reference, version
    channel_id: str
    skipped: tuple[str, ...]
    answers: Mapping[str, str]
    run: Run
    scheduled: Run | None = None  # the same, deployed at a time instead of at once

    @property
    def name(self) -> str:
        tenant = f" for {self.tenant_id}" if self.tenant_id else ""
        return f"{self.project} to {self.environment_id}{tenant}"

    def order(self, release_id: str) -> Document:
        """The body that orders this deployment of a release."""
        body: Document = {
            "ReleaseId": release_id,
            "EnvironmentId": self.environment_id,
            "SkipActions": list(self.skipped),
            "FormValues": dict(self.answers),
            "Comments": "Tidegate rehearsal",
            "UseGuidedFailure": False,
        }
        if self.tenant_id:
            body["TenantId"] = self.tenant_id
        return body


def deploy(context: LiveContext, what: Rehearsed, release_id: str, version: str, *, scheduled: bool = False) -> Run:
    body = what.order(release_id)
    if scheduled:
        body["QueueTime"] = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
    deployment = cast("Document", context.client.post(context.path("deployments"), body))
    task_id = str(deployment["TaskId"])
    task = context.task_ended(task_id)
    details = context.client.get(f"/api/tasks/{task_id}/details", verbose=False)
    trail.task_log(f"{what.name}, {task_id}: {task.get('State')}", readable(cast("Document", details)))
    artifacts = context.client.items(context.path("artifacts"), regarding=str(deployment["Id"]))
    made = cast("Document", context.client.get(context.path(f"deployments/{deployment['Id']}")))
    known = ((version, "<release>"), *context.any_node)
    return Run(
        task_id,
        str(task.get("State")),
        str(task.get("ErrorMessage") or ""),
        run_log(details, known),
        evaluated(context, str(made.get("ManifestVariableSetId") or ""), known),
        tuple(sorted(str(artifact.get("Filename")) for artifact in artifacts)),
        _audited(context, str(deployment["Id"])),
        frozenset(_parts(body) & _parts(made)),
    )


def _parts(order: Document) -> set[str]:
    """What was ordered, as far as a deployment shows it: plain values, skipped steps, and each answer to a prompt."""
    told = {f"{name}={value!r}" for name, value in order.items() if isinstance(value, str | bool) and value}
    told |= {f"SkipActions={one}" for one in cast("list[str]", order.get("SkipActions") or [])}
    answers = cast("Document", order.get("FormValues") or {})
    return told | {f"FormValues[{name}]={safe(str(value))}" for name, value in answers.items()}


def _audited(context: LiveContext, deployment: str) -> tuple[str, ...]:
    """What the audit trail says of a deployment: kinds of events, and kinds of documents each is linked to.

    Links of events have been lost (OctopusDeploy/Issues#6955), and rows of history have made events (#8723).
    """
    told: list[str] = []
    for event in context.client.items("/api/events", regarding=deployment, spaces="all"):
        related = cast("list[str]", event.get("RelatedDocumentIds") or [])
        kinds = sorted({one.partition("-")[0] for one in related} - {"Spaces", "Events"})
        told.append(f"{event.get('Category')}: {', '.join(kinds)}")
    return tuple(sorted(told))


def steady_run(first: Run, second: Run) -> Run:
    """The first of two runs of the same release, with what the second did otherwise marked."""
    return Run(
        first.task_id, first.state, first.error, steady(first.log, second.log),
        steady_variables(first.variables, second.variables), first.artifacts,
        first.events if first.events == second.events else None,
        first.ordered & second.ordered,
    )  # fmt: skip


def compare_run(notes: Notes, place: str, before: Rehearsed, run: Run) -> None:
    if run.state != before.run.state:
        notes.find(
            place, "deployments of this project end otherwise than before the upgrade",
            before=before.run.state, after=f"{run.state} {run.error}".strip(),
        )  # fmt: skip
    for difference in compare_logs(before.run.log, run.log):
        consequence = (
            "a step ends, runs or is ordered otherwise than before"
            if difference.before != difference.after
            else "the same step says something else than before"
        )
        notes.find(
            f"{place}: {difference.path}",
            consequence,
            before=[difference.before, *difference.lost] if difference.lost else difference.before,
            after=[difference.after, *difference.new] if difference.new else difference.after,
        )
    for name, old, new in compare_variables(before.run.variables, run.variables):
        notes.find(f"{place}: variable {name}", "the deployment got another value", before=old, after=new)
    if before.run.events is not None and run.events != before.run.events:
        lost = sorted(set(before.run.events) - set(run.events or ()))
        new = sorted(set(run.events or ()) - set(before.run.events))
        notes.find(
            f"{place}: events", "the audit trail says something else of a deployment, or links it to less",
            before=lost or len(before.run.events), after=new or len(run.events or ()), check="DIFF",
        )  # fmt: skip
    # Another release, or another time, is another order; the rest is ordered alike.
    kept = {part.partition("=")[0] for part in run.ordered}
    for part in sorted({part.partition("=")[0] for part in before.run.ordered} - kept - {"QueueTime"}):
        notes.find(
            f"{place}: {part} of its order", "deployments are made otherwise than they were ordered",
            before="as it was ordered", after="lost or another", check="DEPLOY",
        )  # fmt: skip
    if run.artifacts != before.run.artifacts:
        notes.find(
            f"{place}: artifacts", "a deployment no longer leaves the files it left",
            before=list(before.run.artifacts), after=list(run.artifacts), check="ART",
        )  # fmt: skip
