"""RELEASE, DEPLOY and PREVIEW: the same deployments before and after the upgrade do the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from tidegate.checks.live.choosing import MANUAL, Candidate, Covered, form_values, next_candidate, reasons, steps_of
from tidegate.checks.live.context import ENDED, LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.releases import create_release, default_channel, packages_of
from tidegate.checks.live.task_logs import RunLog, compare_logs, run_log, steady
from tidegate.checks.live.variables import Evaluated, compare_variables, evaluated, steady_variables
from tidegate.errors import HarnessError, Refused
from tidegate.observation.documents import id_of, property_of

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


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """What representative deployments did before the upgrade."""

    rehearsed: tuple[Rehearsed, ...] = ()
    waiting_task: str = ""  # a deployment left waiting for a person while the server is upgraded
    as_users: Mapping[str, str] = field(default_factory=dict[str, str])  # what each kind of user may deploy
    uncovered: tuple[str, ...] = ()


def rehearse(context: LiveContext, *, most: int = 6) -> Rehearsals:
    """Deploy representative projects twice on the test instance before it is upgraded, and leave one waiting.

    Twice, because what two deployments of the same release do not share says nothing about the upgrade. A project that
    cannot be deployed before the upgrade is left out and named in ``uncovered``.
    """
    context.guard()
    candidates = _candidates(context)
    succeeded = _succeeded(context)
    covered = Covered()
    uncovered: list[str] = []
    rehearsed: list[Rehearsed] = []
    while len(rehearsed) < most and (candidate := next_candidate(candidates, covered, succeeded)) is not None:
        name = str(candidate.project.get("Name"))
        context.report(f"live baseline: {name} is released and deployed twice")
        try:
            one = _rehearse(context, candidate)
            covered.add(candidate, succeeded=one.run.state == "Success")
            rehearsed.append(one)
        except (HarnessError, KeyError, TypeError, ValueError) as error:
            covered.add(candidate, succeeded=False)
            uncovered.append(f"project {name}: {_reason(error)}")
    every = {step.sort for candidate in candidates for step in candidate.steps}
    uncovered += reasons(candidates, every - covered.sorts)
    waiting, why = leave_waiting(context, candidates)
    if not waiting:
        uncovered.append(f"a deployment that waits for a person during the upgrade: {why}")
    return Rehearsals(tuple(rehearsed), waiting, _as_users(context, rehearsed), tuple(uncovered))


def check_deployments(context: LiveContext, baseline: Rehearsals) -> LiveResult:
    """Deploy the same releases again, then new releases of the same projects, and compare what they did."""

    def body(notes: Notes) -> None:
        notes.uncovered.extend(baseline.uncovered)
        if not baseline.rehearsed:
            notes.find(
                "representative deployments", "no project could be deployed before the upgrade, so nothing is known",
                kind="incomplete",
            )  # fmt: skip
        for before in baseline.rehearsed:
            context.report(f"deploying {before.name} again")
            for again in (True, False):
                _again(context, notes, before, same_release=again)
            if before.scheduled is not None:
                place = f"deployment of {before.name} (scheduled)"
                run = _deploy(context, before, before.release_id, before.release, scheduled=True)
                _compare(notes, place, replace(before, run=before.scheduled), run)
                notes.covered.append(f"{place}: {run.state}")

    return run_check("DEPLOY", context, body)


def check_deploying_as_users(context: LiveContext, baseline: Rehearsals) -> LiveResult:
    """Deploy as each kind of user: who could must still be able to, and who could not must not be.

    What works for administrators has failed for others (OctopusDeploy/Issues#5275, #8726).
    """

    def body(notes: Notes) -> None:
        for step, now in _as_users(context, list(baseline.rehearsed)).items():
            was = baseline.as_users.get(step, now)
            if was != now:
                check = "PERM" if "403" in (was[:3], now[:3]) else "DEPLOY"
                notes.find(step, "what people of this kind may deploy has changed", before=was, after=now, check=check)
            notes.covered.append(f"{step}: {now}")

    return run_check("DEPLOY", context, body)


def _as_users(context: LiveContext, rehearsed: list[Rehearsed]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for observer in context.observers:
        with context.as_user(observer) as client:
            for one in rehearsed:
                # What the portal asks for before it lets anybody deploy (OctopusDeploy/Issues#8726).
                tenant = f"/{one.tenant_id}" if one.tenant_id else ""
                for page in (
                    "progression",
                    "deployments/template",
                    f"deployments/preview/{one.environment_id}{tenant}",
                ):
                    asked = client.send("GET", context.path(f"releases/{one.release_id}/{page}"))
                    outcomes[f"asking for {page} of {one.name} as {observer.name}"] = str(asked.status)
                answer = client.send("POST", context.path("deployments"), json=_body(one, one.release_id))
                outcome = str(answer.status)
                if answer.ok:
                    task = context.task_ended(str(cast("Document", answer.json)["TaskId"]))
                    outcome = f"{answer.status} {task.get('State')}"
                outcomes[f"deploying {one.name} as {observer.name}"] = outcome
    return outcomes


def _again(context: LiveContext, notes: Notes, before: Rehearsed, *, same_release: bool) -> None:
    what = "the release made before the upgrade" if same_release else "a new release"
    place = f"deployment of {before.name} ({what})"
    check = "DEPLOY" if same_release else "RELEASE"
    try:
        release_id, version = (before.release_id, before.release)
        if not same_release:
            release_id, version = create_release(context, before.project_id, before.channel_id, before.packages)
        run = _deploy(context, before, release_id, version)
    except Refused as error:
        notes.find(
            place, "this deployment cannot be made any more", before=before.run.state, after=error.what, check=check
        )
        return
    _compare(notes, place, before, run)
    notes.covered.append(f"{place}: {run.state}")


def _compare(notes: Notes, place: str, before: Rehearsed, run: Run) -> None:
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
    if run.artifacts != before.run.artifacts:
        notes.find(
            f"{place}: artifacts", "a deployment no longer leaves the files it left",
            before=list(before.run.artifacts), after=list(run.artifacts), check="ART",
        )  # fmt: skip


# --- making releases and deployments ------------------------------------------------------------------------------


def _candidates(context: LiveContext) -> list[Candidate]:
    found: list[Candidate] = []
    for project in context.client.items(context.path("projects")):
        persistence = cast("Document", project.get("PersistenceSettings") or {})
        if project.get("IsDisabled") or persistence.get("Type") == "VersionControlled":
            continue
        answer = context.client.send("GET", context.path(f"deploymentprocesses/{project.get('DeploymentProcessId')}"))
        if answer.ok and id_of(answer.json):
            found.append(Candidate(project, steps_of(cast("Document", answer.json))))
    return found


def _succeeded(context: LiveContext) -> frozenset[str]:
    """Projects of which something is deployed with success."""
    answer = context.client.send("GET", context.path("dashboard"), params={"showAll": True})
    items = cast("list[Document]", property_of(answer.json, "Items") or []) if answer.ok else []
    return frozenset(str(item.get("ProjectId")) for item in items if item.get("State") == "Success")


def _rehearse(context: LiveContext, candidate: Candidate) -> Rehearsed:
    project = candidate.project
    project_id = str(project["Id"])
    channel = default_channel(context, project_id)
    packages = packages_of(context, project, channel)
    release_id, version = create_release(context, project_id, channel, packages)
    environment, tenant = _first_destination(context, release_id, project)
    before = Rehearsed(
        project_id, str(project.get("Name")), environment, tenant, release_id, version, packages, channel,
        tuple(candidate.skipped), _answers(context, release_id, environment, tenant),
        Run("", "", "", RunLog(()), Evaluated({}), ()),
    )  # fmt: skip
    first = _deploy(context, before, release_id, version)
    second = _deploy(context, before, release_id, version)
    if first.state != second.state:
        raise HarnessError(f"it ended {first.state} and then {second.state} without any upgrade: {second.error}")
    run = _steady(first, second)
    scheduled = None
    if tenant and run.state == "Success":
        scheduled = _steady(*(_deploy(context, before, release_id, version, scheduled=True) for _ in range(2)))
    return Rehearsed(
        project_id, before.project, environment, tenant, release_id, version, packages, channel, before.skipped,
        before.answers, run, scheduled,
    )  # fmt: skip


def _steady(first: Run, second: Run) -> Run:
    """The first of two runs of the same release, with what the second did otherwise marked."""
    return Run(
        first.task_id, first.state, first.error, steady(first.log, second.log),
        steady_variables(first.variables, second.variables), first.artifacts,
        first.events if first.events == second.events else None,
    )  # fmt: skip


def _first_destination(context: LiveContext, release_id: str, project: Document) -> tuple[str, str]:
    """The environment (and tenant) that this release may go to first."""
    template = cast("Document", context.client.get(context.path(f"releases/{release_id}/deployments/template")))
    if project.get("TenantedDeploymentMode") == "Tenanted":
        for tenant in cast("list[Document]", template.get("TenantPromotions") or []):
            for target in cast("list[Document]", tenant.get("PromoteTo") or []):
                return str(target["Id"]), str(tenant["Id"])
        raise HarnessError("no tenant can be deployed to")
    for target in cast("list[Document]", template.get("PromoteTo") or []):
        return str(target["Id"]), ""
    raise HarnessError("its lifecycle lets a new release go nowhere")


def _answers(context: LiveContext, release_id: str, environment: str, tenant: str) -> dict[str, str]:
    route = f"releases/{release_id}/deployments/preview/{environment}" + (f"/{tenant}" if tenant else "")
    return form_values(cast("Document", context.client.get(context.path(route))))


def _deploy(context: LiveContext, what: Rehearsed, release_id: str, version: str, *, scheduled: bool = False) -> Run:
    body = _body(what, release_id)
    if scheduled:
        body["QueueTime"] = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
    deployment = cast("Document", context.client.post(context.path("deployments"), body))
    task_id = str(deployment["TaskId"])
    task = context.task_ended(task_id)
    details = context.client.get(f"/api/tasks/{task_id}/details", verbose=False)
    artifacts = context.client.items(context.path("artifacts"), regarding=str(deployment["Id"]))
    made = cast("Document", context.client.get(context.path(f"deployments/{deployment['Id']}")))
    known = ((version, "<release>"),)
    return Run(
        task_id,
        str(task.get("State")),
        str(task.get("ErrorMessage") or ""),
        run_log(details, known),
        evaluated(context, str(made.get("ManifestVariableSetId") or ""), known),
        tuple(sorted(str(artifact.get("Filename")) for artifact in artifacts)),
        _audited(context, str(deployment["Id"])),
    )


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


def _body(what: Rehearsed, release_id: str) -> Document:
    body: Document = {
        "ReleaseId": release_id,
        "EnvironmentId": what.environment_id,
        "SkipActions": list(what.skipped),
        "FormValues": dict(what.answers),
        "Comments": "Tidegate rehearsal",
        "UseGuidedFailure": False,
    }
    if what.tenant_id:
        body["TenantId"] = what.tenant_id
    return body


def leave_waiting(context: LiveContext, candidates: list[Candidate]) -> tuple[str, str]:
    """A deployment that waits for a person: one that does already, else a new one (OctopusDeploy/Issues#2691)."""
    for interruption in context.client.items(context.path("interruptions"), pendingOnly=True):
        names = {str(element.get("Name")) for element in interruption.get("Form", {}).get("Elements", [])}
        if not interruption.get("IsPending") or "Result" not in names:
            continue
        task_id = str(interruption["TaskId"])
        # Sanitising the clone ended the main instance's tasks; their interruptions stay pending and wait for nothing.
        if context.client.get(f"/api/tasks/{task_id}").get("State") not in ENDED:
            return task_id, ""
    why = "no project has a manual step"
    for candidate in candidates:
        if not any(step.sort == MANUAL for step in candidate.steps) or candidate.tenanted:
            continue
        why = f"no release of {candidate.project.get('Name')} may go where its manual step applies"
        for release, environment in _waiting_places(context, candidate):
            try:
                task_id = _order_waiting(context, candidate, release, environment)
            except HarnessError as error:
                why = _reason(error)
                continue
            if task_id:
                return task_id, ""
    return "", why


def _order_waiting(context: LiveContext, candidate: Candidate, release: str, environment: str) -> str:
    """The task of a deployment that now waits; "" when it ended or did not start, for it is cancelled then."""
    body = {
        "ReleaseId": release,
        "EnvironmentId": environment,
        "SkipActions": candidate.skipped,
        "FormValues": _answers(context, release, environment, ""),
        "Comments": "Tidegate rehearsal: waits during the upgrade",
    }
    task_id = str(context.client.post(context.path("deployments"), body)["TaskId"])
    patient = replace(context, task_timeout=min(context.task_timeout, 15.0))
    try:
        task = patient.task_ended(task_id, answer_interruptions=False)
    except HarnessError:
        context.client.post(f"/api/tasks/{task_id}/cancel", {})
        return ""
    return task_id if task.get("HasPendingInterruptions") else ""


def _waiting_places(context: LiveContext, candidate: Candidate) -> Iterator[tuple[str, str]]:
    """Recent releases and the environments they may go to in which a manual step applies."""
    wanted = {environment for step in candidate.steps if step.sort == MANUAL for environment in step.environments}
    page = context.client.get(context.path(f"projects/{candidate.id}/releases"), take=5)
    for release in cast("list[Document]", page["Items"]):
        template = context.client.get(context.path(f"releases/{release['Id']}/deployments/template"))
        for target in cast("list[Document]", template.get("PromoteTo") or []):
            if not wanted or str(target["Id"]) in wanted:
                yield str(release["Id"]), str(target["Id"])


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
