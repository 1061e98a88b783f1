"""RELEASE, DEPLOY and PREVIEW: the same deployments before and after the upgrade do the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

from tidegate.checks.live.choosing import MANUAL, Candidate, Covered, form_values, next_candidate, reasons, steps_of
from tidegate.checks.live.context import ENDED, LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.releases import create_release, default_channel, packages_of, releasable
from tidegate.checks.live.runs import Rehearsed, Run, compare_run, deploy, steady_run
from tidegate.checks.live.task_logs import RunLog
from tidegate.checks.live.variables import Evaluated
from tidegate.errors import HarnessError, Refused
from tidegate.observation.documents import id_of
from tidegate.side_by_side import side_by_side

Document = dict[str, Any]

#: What keeps one project from being deployed, and not the check from going on.
_IMPOSSIBLE: Final = (HarnessError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """What representative deployments did before the upgrade."""

    rehearsed: tuple[Rehearsed, ...] = ()
    waiting_task: str = ""  # a deployment left waiting for a person while the server is upgraded
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
    while chosen := _next_candidates(candidates, covered, succeeded, most - len(rehearsed)):
        names = ", ".join(str(candidate.project.get("Name")) for candidate in chosen)
        context.report(f"live baseline: released and deployed twice: {names}")
        for candidate, one in zip(chosen, side_by_side(partial(_tried, context), chosen), strict=True):
            covered.add(candidate, succeeded=isinstance(one, Rehearsed) and one.run.state == "Success")
            if isinstance(one, Rehearsed):
                rehearsed.append(one)
            else:
                uncovered.append(f"project {candidate.project.get('Name')}: {one}")
    every = {step.sort for candidate in candidates for step in candidate.steps}
    uncovered += reasons(candidates, every - covered.sorts)
    waiting, why = leave_waiting(context, candidates)
    if not waiting:
        uncovered.append(f"a deployment that waits for a person during the upgrade: {why}")
    return Rehearsals(tuple(rehearsed), waiting, tuple(uncovered))


def rehearse_scheduled(context: LiveContext, rehearsals: Rehearsals) -> Rehearsals:
    """The same rehearsals, with those for tenants also deployed twice at a time instead of at once.

    It mostly waits for the server's clock, so that other things can be done beside it.
    """
    rehearsed: list[Rehearsed] = []
    uncovered = list(rehearsals.uncovered)
    for one in rehearsals.rehearsed:
        scheduled = None
        if one.tenant_id and one.run.state == "Success":
            try:
                first, second = (deploy(context, one, one.release_id, one.release, scheduled=True) for _ in range(2))
                scheduled = steady_run(first, second)
            except _IMPOSSIBLE as error:
                uncovered.append(f"a scheduled deployment of {one.name}: {_reason(error)}")
        rehearsed.append(replace(one, scheduled=scheduled))
    return replace(rehearsals, rehearsed=tuple(rehearsed), uncovered=tuple(uncovered))


def check_deployments(context: LiveContext, baseline: Rehearsals) -> LiveResult:
    """Deploy the same releases again, then new releases of the same projects, and compare what they did."""

    def body(notes: Notes) -> None:
        notes.uncovered.extend(baseline.uncovered)
        if not baseline.rehearsed:
            notes.find(
                "representative deployments", "no project could be deployed before the upgrade, so nothing is known",
                kind="incomplete",
            )  # fmt: skip
        context.report(f"deploying again: {', '.join(before.name for before in baseline.rehearsed)}")
        # What has to wait for the server's clock begins first.
        longest_first = sorted(baseline.rehearsed, key=lambda one: one.scheduled is None)
        for noted in side_by_side(partial(_all_again, context), longest_first):
            notes.add(noted)

    return run_check("DEPLOY", context, body)


def _all_again(context: LiveContext, before: Rehearsed) -> Notes:
    notes = Notes("DEPLOY")
    for again in (True, False):
        _again(context, notes, before, same_release=again)
    if before.scheduled is not None:
        place = f"deployment of {before.name} (scheduled)"
        run = deploy(context, before, before.release_id, before.release, scheduled=True)
        compare_run(notes, place, replace(before, run=before.scheduled), run)
        notes.covered.append(f"{place}: {run.state}")
    return notes


def _again(context: LiveContext, notes: Notes, before: Rehearsed, *, same_release: bool) -> None:
    what = "the release made before the upgrade" if same_release else "a new release"
    place = f"deployment of {before.name} ({what})"
    check = "DEPLOY" if same_release else "RELEASE"
    try:
        release_id, version = (before.release_id, before.release)
        if not same_release:
            release_id, version = create_release(context, before.project_id, before.channel_id, before.packages)
        run = deploy(context, before, release_id, version)
    except Refused as error:
        notes.find(
            place, "this deployment cannot be made any more", before=before.run.state, after=error.what, check=check
        )
        return
    compare_run(notes, place, before, run)
    notes.covered.append(f"{place}: {run.state}")


# --- making releases and deployments ------------------------------------------------------------------------------


def _candidates(context: LiveContext) -> list[Candidate]:
    found: list[Candidate] = []
    for project in context.client.items(context.path("projects")):
        if not releasable(project):
            continue
        answer = context.client.send("GET", context.path(f"deploymentprocesses/{project.get('DeploymentProcessId')}"))
        if answer.ok and id_of(answer.json):
            found.append(Candidate(project, steps_of(cast("Document", answer.json))))
    return found


def _succeeded(context: LiveContext) -> frozenset[str]:
    """Projects of which something is deployed with success."""
    items = context.shown(context.path("dashboard"), showAll=True)
    return frozenset(str(item.get("ProjectId")) for item in items if item.get("State") == "Success")


def _next_candidates(
    candidates: list[Candidate], covered: Covered, succeeded: frozenset[str], most: int
) -> list[Candidate]:
    """Those that would be chosen one after the other if each of them succeeded."""
    chosen: list[Candidate] = []
    assumed = covered.copy()
    while len(chosen) < most and (candidate := next_candidate(candidates, assumed, succeeded)) is not None:
        assumed.add(candidate, succeeded=True)
        chosen.append(candidate)
    return chosen


def _tried(context: LiveContext, candidate: Candidate) -> Rehearsed | str:
    """The project rehearsed, or why that cannot be done."""
    try:
        return _rehearse(context, candidate)
    except _IMPOSSIBLE as error:
        return _reason(error)


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
    first = deploy(context, before, release_id, version)
    second = deploy(context, before, release_id, version)
    if first.state != second.state:
        raise HarnessError(f"it ended {first.state} and then {second.state} without any upgrade: {second.error}")
    return replace(before, run=steady_run(first, second))


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
