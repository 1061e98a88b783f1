"""DEPLOY: published runbooks do what they did before the upgrade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from tidegate.checks.live.choosing import form_values, steps_of
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.checks.live.task_logs import RunLog, compare_logs, run_log, steady
from tidegate.errors import HarnessError, Refused
from tidegate.observation.documents import id_of, property_of

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """What one published runbook did before the upgrade, and how it is run again."""

    name: str
    order: Document
    state: str
    log: RunLog
    published: str  # what came of publishing a new snapshot


@dataclass(frozen=True, slots=True)
class RunbookRuns:
    """The runbooks that were run before the upgrade, and why others were not."""

    runs: tuple[RunbookRun, ...] = ()
    uncovered: tuple[str, ...] = ()


def rehearse_runbooks(context: LiveContext, *, most: int = 4) -> RunbookRuns:
    """Run published runbooks twice; what the two runs do not share says nothing about the upgrade.

    Runbooks came with 2019.11; steps that would reach deployment targets or people are skipped.
    """
    context.guard()
    if "Runbooks" not in context.server.links:
        return RunbookRuns()
    runs: list[RunbookRun] = []
    uncovered: list[str] = []
    for runbook in context.client.items(context.path("runbooks")):
        name = f"runbooks/{runbook['Id']} ({runbook.get('Name')})"
        if not runbook.get("PublishedRunbookSnapshotId"):
            uncovered.append(f"{name}: it is not published")
        elif len(runs) < most:
            context.report(f"live baseline: the runbook {runbook.get('Name')} is run twice")
            try:
                order = _order(context, runbook)
                first, second = (_run(context, order) for _ in range(2))
            except (HarnessError, KeyError, TypeError, ValueError) as error:
                uncovered.append(f"{name}: {error}")
                continue
            if first[0] != second[0]:
                uncovered.append(f"{name}: it ended {first[0]} and then {second[0]} without any upgrade")
            else:
                log = steady(first[1], second[1])
                runs.append(RunbookRun(name, order, first[0], log, _publish(context, order)))
    return RunbookRuns(tuple(runs), tuple(uncovered))


def check_runbooks(context: LiveContext, baseline: RunbookRuns) -> LiveResult:
    """Run them again, compare how they end and what they say, and publish a new snapshot of each.

    Runbooks could not be published after an upgrade that was interrupted (OctopusDeploy/Issues#6242).
    """

    def body(notes: Notes) -> None:
        notes.uncovered.extend(baseline.uncovered)
        for before in baseline.runs:
            try:
                state, log = _run(context, before.order)
            except Refused as error:
                notes.find(before.name, "this runbook cannot be run any more", before=before.state, after=error.what)
                continue
            if state != before.state:
                notes.find(before.name, "this runbook ends otherwise than before", before=before.state, after=state)
            for difference in compare_logs(before.log, log):
                notes.find(
                    f"{before.name}: {difference.path}", "this runbook does or says something else than before",
                    before=[difference.before, *difference.lost], after=[difference.after, *difference.new],
                )  # fmt: skip
            published = _publish(context, before.order)
            if published != before.published:
                notes.find(
                    f"{before.name}: publishing", "changes of this runbook can no longer be published, or now can",
                    before=before.published, after=published,
                )  # fmt: skip
            notes.covered.append(f"{before.name}: {state}, {published}")

    return run_check("DEPLOY", context, body)


def _order(context: LiveContext, runbook: Document) -> Document:
    """What to ask for: the published snapshot in the first environment it may be run in."""
    snapshot = str(runbook["PublishedRunbookSnapshotId"])
    path = context.path(f"runbookSnapshots/{snapshot}/runbookRuns")
    template = cast("Document", context.client.get(f"{path}/template"))
    targets = cast("Sequence[Document]", template.get("PromoteTo") or ())
    if not targets:
        raise HarnessError("there is no environment it may be run in without a tenant")
    environment = str(targets[0]["Id"])
    process = context.client.send("GET", context.path(f"runbookProcesses/{runbook.get('RunbookProcessId')}"))
    steps = steps_of(cast("Document", process.json)) if process.ok and id_of(process.json) else ()
    preview = cast("Document", context.client.get(f"{path}/preview/{environment}"))
    return {
        "RunbookId": runbook["Id"],
        "RunbookSnapshotId": snapshot,
        "EnvironmentId": environment,
        "SkipActions": [step.action_id for step in steps if not step.runs_here],
        "FormValues": form_values(preview),
        "Comments": "Tidegate rehearsal",
        "UseGuidedFailure": False,
    }


def _publish(context: LiveContext, order: Document) -> str:
    """Publish a snapshot with the packages of the one that was run; what came of it."""
    held = cast("Document", context.client.get(context.path(f"runbookSnapshots/{order['RunbookSnapshotId']}")))
    page = context.client.get(context.path(f"runbooks/{order['RunbookId']}/runbookSnapshots"), take=1)
    snapshot: Document = {
        "ProjectId": held["ProjectId"],
        "RunbookId": held["RunbookId"],
        "Name": f"Tidegate rehearsal {int(page['TotalResults']) + 1}",
        "SelectedPackages": held.get("SelectedPackages") or [],
    }
    if context.space:
        snapshot["SpaceId"] = context.space
    made = context.client.send("POST", context.path("runbookSnapshots"), params={"publish": True}, json=snapshot)
    return "published" if made.ok else told(made)


def _run(context: LiveContext, order: Document) -> tuple[str, RunLog]:
    made = cast("Document", context.client.post(context.path("runbookRuns"), order))
    task = str(property_of(made, "TaskId"))
    ended = context.task_ended(task)
    return str(ended.get("State")), run_log(context.client.get(f"/api/tasks/{task}/details", verbose=False))
